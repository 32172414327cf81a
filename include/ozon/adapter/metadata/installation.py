"""Checks of this package's installation in Airflow: metadata database, DAGs, plugin, pools and processes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from airflow.configuration import conf
from airflow.models.pool import Pool
from airflow.plugins_manager import get_plugin_info
from airflow.utils.db import check_migrations

from include.ozon.adapter.health.context import health_context
from include.ozon.adapter.health.probe import process_probe
from include.ozon.adapter.metadata.database import metadata_session, translated_errors
from include.ozon.adapter.metadata.schedule import import_problems, read_schedule
from include.ozon.adapter.plugins import OzonPlugin
from include.ozon.checks import Check
from include.ozon.monitoring.health import airflow as health_airflow
from include.ozon.monitoring.health.checks import run_checks
from include.ozon.monitoring.results import Status
from include.ozon.project import PROJECT
from include.ozon.settings import Settings


def metadata() -> Iterator[Check]:
    """Check that Airflow's own database is migrated. Raise RetriableError if it does not answer."""
    with metadata_session() as session:
        address = session.connection().engine.url
    try:
        with translated_errors(), redirect_stdout(io.StringIO()):
            check_migrations(0)  # type: ignore[no-untyped-call]
    except TimeoutError:
        yield Check("metadata", "failed", "Airflow's metadata database is not migrated: run `airflow db migrate`.")
        return
    if address.get_backend_name() == "sqlite":
        where = f"the SQLite file {address.database}"
        yield Check(
            "metadata",
            "warning",
            f"Airflow's metadata is in {where}, which is good enough only for a trial: set "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN to a PostgreSQL database.",
        )
        return
    yield Check("metadata", "ok", f"Airflow's metadata database {address.database} answers and is migrated.")


def dags(dags_folder: Path) -> Iterator[Check]:
    """Check that Airflow can read this package's DAGs, knows them, and runs them."""
    if problems := import_problems(dags_folder):
        yield Check("dags", "failed", f"{'; '.join(problems)}. Correct these errors.")
        return
    found = read_schedule()
    if found.unknown:
        configured = Path(conf.get("core", "dags_folder")).expanduser()
        where = f"its DAGs folder is {configured}, expected {dags_folder}"
        if configured.resolve() == dags_folder.resolve():
            where = "its folder is correct, but the DAG processor has not read it yet"
        yield Check(
            "dags",
            "failed",
            f"Airflow does not know {', '.join(found.unknown)}: {where}. Set AIRFLOW__CORE__DAGS_FOLDER, and start "
            "the DAG processor or run `airflow dags reserialize`.",
        )
        return
    paused = [dag_id for dag_id, is_paused in found.is_paused.items() if is_paused]
    if paused:
        yield Check(
            "dags",
            "warning",
            f"Paused DAGs, which do not run on schedule: {', '.join(paused)}. Unpause them in the web UI, or all with "
            "`ozon schedule install --target airflow`.",
        )
    else:
        yield Check("dags", "ok", f"Airflow knows {', '.join(found.is_paused)}; none is paused.")


def plugin() -> Iterator[Check]:
    """Check that Airflow loads this package's plugin, from an installed package or from a plugins folder."""
    name = OzonPlugin.name
    found = next((each for each in get_plugin_info(["source"]) if each["name"] == name), None)
    if found is not None:
        yield Check("plugin", "ok", f"Airflow loads the plugin {name} from {found['source']}.")
        return
    yield Check(
        "plugin",
        "failed",
        f"Airflow does not load the plugin {name}, so it cannot create a run of a DAG with a deadline, and its web UI "
        f"has no page Ozon. Set AIRFLOW__CORE__PLUGINS_FOLDER={PROJECT / 'plugins'}, or install this package with pip.",
    )


def pools(settings: Settings) -> Iterator[Check]:
    """Check the pools: a task whose pool is missing never starts, without any message."""
    for name, is_alerts in ((settings.tasks.pool, False), (settings.alerts.pool, True)):
        with metadata_session() as session:
            found = Pool.get_pool(name, session=session)
            slots = None if found is None else found.slots
        slots_wanted = "1 'Alerts: one sender at a time'" if is_alerts else "32 'Ozon ETL'"
        if slots is None:
            yield Check(
                "pools",
                "failed",
                f"Airflow has no pool {name}, so its tasks never start: `airflow pools set {name} {slots_wanted}`.",
            )
        elif is_alerts and slots != 1:
            yield Check(
                "pools",
                "warning",
                f"The pool {name} has {slots} slots, expected 1: otherwise an alert can be sent twice. Run "
                f"`airflow pools set {name} {slots_wanted}`.",
            )
        else:
            yield Check("pools", "ok", f"Airflow has the pool {name} ({slots} slots).")


def processes(settings: Settings) -> Iterator[Check]:
    """Check that Airflow's processes run; with cron instead of Airflow, they are not needed."""
    probe = process_probe(settings)
    if probe is None:
        yield Check(
            "processes",
            "warning",
            "No scheduler has ever run on this metadata database, so no run starts on schedule. Start Airflow; on a "
            "machine without it, run `ozon schedule install --target crontab`.",
        )
        return

    context = health_context(settings, datetime.now(tz=UTC), probe)
    wanted = [
        check
        for check in health_airflow.checks(context)
        if check.rule not in {health_airflow.AIRFLOW_IMPORT, health_airflow.AIRFLOW_PAUSED}
    ]
    bad = [result.message for result in run_checks("airflow", wanted) if result.status is not Status.OK]
    if bad:
        yield Check("processes", "failed", f"{bad[0]} Start it; its log shows why it stopped.")
    else:
        yield Check("processes", "ok", "Airflow's API server, scheduler, triggerer and DAG processor run.")


def filled_folders(settings: Settings) -> list[Path]:
    """Return the local folders that logs and reports are written to."""
    return list(health_context(settings, datetime.now(tz=UTC), None).folders)
