"""The steps of maintenance, for the tasks of ``ozon_maintenance`` and for `ozon maintenance`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath, get_current_context
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy import URL

from include.ozon.adapter.connections.lookup import require_connection
from include.ozon.adapter.connections.warehouse import warehouse_connect
from include.ozon.adapter.metadata.database import metadata_session
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, ConnectionSettingsError, FatalError, RetriableError
from include.ozon.files import local_folder
from include.ozon.maintenance import killed_runs, logs, metadata, reports, retention, staging_leftovers, vacuum
from include.ozon.maintenance.steps import STEPS, Outcome
from include.ozon.pipeline.cancellation import cancellable
from include.ozon.pipeline.dead_workflows import close_dead_workflow
from include.ozon.settings import Settings, dags
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_session

logger = logging.getLogger("ozon.maintenance")

# Maintenance does not block others for longer than this; its own statements are short anyway.
_LOCK_SECONDS = 2
_STATEMENT_SECONDS = 10
_METADATA_SECONDS = 25 * 60

# In a task, Airflow replaces the metadata database's address by this.
_HIDDEN = "airflow-db-not-allowed:"


@dataclass(frozen=True)
class Job:
    """One round of maintenance. ``dag_run_state`` returns the state of a load's DAG run in Airflow."""

    settings: Settings
    now: datetime
    dry_run: bool
    dag_run_state: killed_runs.DagRunState


def run_step(step: str) -> dict[str, Any]:
    """Run one task of the DAG and return its outcome.

    A step without anything to work on is skipped with its reason; one that could not do all of its work fails. Both
    still push their outcome to XCom.
    """
    context = get_current_context()
    settings = load_settings()
    job = Job(settings, datetime.now(tz=UTC), bool(context["params"]["dry_run"]), _state_seen_by_task)
    try:
        with cancellable():
            outcome = perform(step, job)
    except KeyboardInterrupt as error:
        raise AirflowFailException(str(error) or "Maintenance was interrupted.") from error
    logger.info("%s", outcome.describe())
    for line in outcome.details:
        logger.info("%s: %s", step, line)
    if outcome.status != "done":
        context["ti"].xcom_push(key="return_value", value=outcome.as_dict())
    if outcome.status == "skipped":
        raise AirflowSkipException(outcome.message)
    if outcome.status == "failed":
        raise FatalError(outcome.message)
    return outcome.as_dict()


def sum_up(found: Iterable[dict[str, Any] | None]) -> list[str]:
    """Log the outcomes of all steps, and return the names of the failed ones."""
    outcomes = {fields["step"]: Outcome.from_dict(fields) for fields in found if fields}
    for step in STEPS:
        outcome = outcomes.get(step)
        logger.info("%s", outcome.describe() if outcome else f"{step} failed; its log shows why")
    freed = outcomes.values()
    total = Outcome(
        "maintenance",
        dry_run=any(outcome.dry_run for outcome in freed),
        files=sum(outcome.files for outcome in freed),
        folders=sum(outcome.folders for outcome in freed),
        rows=sum(outcome.rows for outcome in freed),
        bytes=sum(outcome.bytes for outcome in freed),
        seconds=sum(outcome.seconds for outcome in freed),
    )
    logger.info("%s", total.describe())
    return [step for step in STEPS if step not in outcomes or outcomes[step].status == "failed"]


def give_verdict(failed: list[str]) -> None:
    """Fail if a step has failed: the other steps still ran, so the run would otherwise be green."""
    if failed:
        raise AirflowFailException(f"These steps of maintenance failed: {', '.join(failed)}. Their logs show why.")


def command_job(settings: Settings, *, dry_run: bool) -> Job:
    """Return the job of `ozon maintenance`, which may read Airflow's metadata database."""
    return Job(settings, datetime.now(tz=UTC), dry_run, _state_in_metadata)


def perform(step: str, job: Job) -> Outcome:
    """Run one step. Raise the errors of `open_session` and of the step's own function."""
    started = time.monotonic()
    outcome = _WORK[step](job)
    return replace(outcome, seconds=round(time.monotonic() - started, 3))


def _logs(job: Job) -> Outcome:
    base = Path(conf.get("logging", "base_log_folder")).expanduser().resolve()
    of_dag_processor = conf.get("logging", "dag_processor_child_process_log_directory", fallback="") or base
    processes = Path(of_dag_processor).expanduser().resolve()
    folders = [logs.LogFolder(base)]
    # A folder around the tasks' logs does not have those of processes only.
    if not processes.is_relative_to(base) and not base.is_relative_to(processes):
        folders.append(logs.LogFolder(processes, of_processes=True))
    return logs.clean_logs(folders, dags.DAG_IDS, job.settings.maintenance, job.now, dry_run=job.dry_run)


def _reports(job: Job) -> Outcome:
    before = job.now - timedelta(days=job.settings.maintenance.reports_days)
    folder = local_folder(job.settings.reports.folder)
    if folder is None:
        return _bucket_reports(job.settings.reports.folder, before, job.dry_run)
    return reports.clean_report_folder(folder, before, job.now, dry_run=job.dry_run)


def _bucket_reports(address: str, before: datetime, dry_run: bool) -> Outcome:
    file_count = byte_count = 0
    try:
        for file in _bucket_files(ObjectStoragePath(address)):
            shown = reports.measured_at(file.name)
            if shown is None or shown >= before:
                continue
            size = int(file.stat().st_size)
            if not dry_run:
                file.unlink()
            file_count += 1
            byte_count += size
    except Exception as error:
        # Without its message: a bucket's client may quote its address with credentials in it.
        raise ConfigurationError(
            f"The reports in reports.folder cannot be listed or deleted ({type(error).__name__}); deleted so far: "
            f"{file_count}. Expected a bucket's address with an Airflow connection that may delete; correct "
            "reports.folder."
        ) from None
    return Outcome("reports", dry_run=dry_run, files=file_count, bytes=byte_count)


def _bucket_files(folder: ObjectStoragePath) -> Iterator[ObjectStoragePath]:
    """Yield the files in the folder, and in the accounts' folders below it."""
    if not folder.exists():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from (file for file in entry.iterdir() if file.is_file())
        else:
            yield entry


def _killed_runs(job: Job) -> Outcome:
    with _warehouse(job) as connection:
        return killed_runs.close_killed_runs(
            connection, job.settings, job.now, job.dag_run_state, _close, dry_run=job.dry_run
        )


def _close(connection: Connection, workflow: killed_runs.RunningWorkflow) -> str | None:
    return close_dead_workflow(
        connection, workflow.account, workflow.workflow_id, workflow.last_sign_at, closed_by=dags.MAINTENANCE
    )


def _staging(job: Job) -> Outcome:
    with _warehouse(job) as connection:
        return staging_leftovers.drop_leftovers(connection, job.settings, job.now, dry_run=job.dry_run)


def _retention(step: retention.RetentionStep, job: Job) -> Outcome:
    with _warehouse(job) as connection:
        return retention.delete_expired(connection, step, job.settings.maintenance, job.now, dry_run=job.dry_run)


def _vacuum(job: Job) -> Outcome:
    # A VACUUM can take long, but blocks nobody.
    with _warehouse(job, most_statement_seconds=inf) as connection:
        return vacuum.vacuum_where_needed(connection, dry_run=job.dry_run)


@contextmanager
def _warehouse(job: Job, most_statement_seconds: float = _STATEMENT_SECONDS) -> Iterator[Connection]:
    settings = job.settings.warehouse
    with open_session(
        warehouse_connect(settings),
        settings,
        dags.MAINTENANCE,
        most_lock_seconds=_LOCK_SECONDS,
        most_statement_seconds=most_statement_seconds,
    ) as connection:
        require_head(connection)
        yield connection


def _metadata(job: Job) -> Outcome:
    environment = dict(os.environ)
    connection_id = job.settings.maintenance.metadata_connection
    if connection_id:
        environment[metadata.SQL_ALCHEMY_CONN] = _metadata_url(connection_id)
        environment.pop("AIRFLOW__CORE__SQL_ALCHEMY_CONN", None)
    elif environment.get(metadata.SQL_ALCHEMY_CONN, "").startswith(_HIDDEN):
        return Outcome(
            "metadata",
            "skipped",
            job.dry_run,
            message="Airflow hides its metadata database from tasks. Set maintenance.metadata_connection to a "
            "connection to it, or run `ozon maintenance metadata` with Airflow's own settings.",
        )
    return metadata.clean_metadata(
        job.settings.maintenance,
        dags.DAG_IDS,
        environment,
        job.now,
        timeout_seconds=_METADATA_SECONDS,
        dry_run=job.dry_run,
    )


def _metadata_url(connection_id: str) -> str:
    connection = require_connection(connection_id)
    if connection.conn_type not in ("postgres", "postgresql"):
        raise ConnectionSettingsError(
            f"Connection {connection_id} of maintenance.metadata_connection: expected type postgres, found "
            f"{connection.conn_type}."
        )
    url = URL.create(
        "postgresql+psycopg2",
        connection.login,
        connection.password,
        connection.host,
        connection.port,
        connection.schema,
        query={name: str(value) for name, value in connection.extra_dejson.items()},
    )
    return url.render_as_string(hide_password=False)


def _state_seen_by_task(dag_run_id: str) -> str | None:
    try:
        state = get_current_context()["ti"].get_dagrun_state(dags.ETL, dag_run_id)
    except Exception as error:  # a run that Airflow has deleted, or an API server that does not answer
        logger.info("The state of run %s of %s is not known (%s).", dag_run_id, dags.ETL, type(error).__name__)
        return None
    return str(getattr(state, "value", state))


def _state_in_metadata(dag_run_id: str) -> str | None:
    from airflow.models import DagRun  # noqa: PLC0415 - not available in a task
    from sqlalchemy import select  # noqa: PLC0415

    the_state = select(DagRun.state).where(DagRun.dag_id == dags.ETL, DagRun.run_id == dag_run_id)
    try:
        with metadata_session() as session:
            state = session.scalar(the_state)
    except RetriableError:
        return None
    return None if state is None else str(getattr(state, "value", state))


_WORK: dict[str, Callable[[Job], Outcome]] = {
    "logs": _logs,
    "reports": _reports,
    "killed_runs": _killed_runs,
    "staging": _staging,
    "history": partial(_retention, "history"),
    "monitoring": partial(_retention, "monitoring"),
    "records": partial(_retention, "records"),
    "vacuum": _vacuum,
    "metadata": _metadata,
}
