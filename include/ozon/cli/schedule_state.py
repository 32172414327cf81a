"""State of the schedules, for `ozon schedule status` and `validate`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from include.ozon.checks import Check
from include.ozon.cli.schedule_changes import Target, had_no_crontab, load_airflow
from include.ozon.cli.warehouse import warehouse_session
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, OzonError
from include.ozon.project import DAGS, PROJECT
from include.ozon.schedule import next_due
from include.ozon.scheduling import block, crontab
from include.ozon.scheduling.jobs import jobs, project_folder, render_block
from include.ozon.scheduling.validation import longest_recent_runs, overlap_checks
from include.ozon.scheduling.wrapper import wrapper_path, wrapper_problem
from include.ozon.scheduling.zones import MachineZone, machine_zone
from include.ozon.settings import Settings
from include.ozon.settings.dags import DAG_IDS

State = dict[str, Any]


def status(target: Target | None) -> State:
    """Return the state of one target, or of both; of both, an error becomes the target's ``problem``."""
    settings, machine, now = load_settings(), machine_zone(os.environ), datetime.now(tz=UTC)
    due = {job.name: next_due(job.expression, settings.time_zone, now) for job in jobs(settings)}
    found: State = {
        "time_zone": settings.time_zone,
        "machine_time_zone": {"name": machine.name, "source": machine.source, "note": machine.note},
        "schedules": [
            {
                "name": job.name,
                "expression": job.expression,
                "next_due_at": settings.in_time_zone(due[job.name]).isoformat(),
                "next_due_on_machine": due[job.name].astimezone(machine.zone).isoformat(),
            }
            for job in jobs(settings)
        ],
    }
    parts = {"crontab": lambda: crontab_state(settings, machine, now), "airflow": airflow_state}
    for name, state in parts.items():
        if target == name:
            found[name] = state()
        elif target is None:
            try:
                found[name] = state()
            except OzonError as error:
                found[name] = {"installed": None, "problem": str(error)}
    return found


def crontab_state(settings: Settings, machine: MachineZone, now: datetime) -> State:
    content, folder, wrapper = crontab.read_crontab(), project_folder(), wrapper_path(os.environ, PROJECT)
    wanted = render_block(settings, machine, wrapper, now, no_crontab_before=had_no_crontab(content, folder))
    blocks = block.find_blocks(content or b"")
    own = next((each for each in blocks if each.folder == folder), None)
    is_current = own is not None and content is not None and content[own.start : own.end] == wanted
    return {
        "installed": own is not None,
        "up_to_date": is_current,
        "problem": wrapper_problem(wrapper) if own else None,
        "foreign_jobs": block.count_foreign_jobs(content or b""),
        "blocks_of_other_folders": [os.fsdecode(each.folder) for each in blocks if each != own],
    }


def airflow_state() -> State:
    found = load_airflow().read_schedule()
    return {
        "installed": found.before is not None,
        "up_to_date": not any(found.is_paused.values()) and not found.unknown,
        "problem": f"Airflow does not know {', '.join(found.unknown)}" if found.unknown else None,
        "paused": [dag_id for dag_id, paused in found.is_paused.items() if paused],
        "active": [dag_id for dag_id, paused in found.is_paused.items() if not paused],
        "before": found.before,
    }


def validate(target: Target | None, backup: Path | None) -> Iterator[Check]:
    """Yield all checks; without a valid configuration, only that one."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        yield Check("configuration", "failed", str(error))
        return
    yield Check("configuration", "ok", f"environment {settings.environment}, accounts {', '.join(settings.accounts)}")
    try:
        airflow = load_airflow()
    except OzonError as error:
        yield Check("Airflow", "failed", str(error))
        return
    yield _dags(airflow)
    longest: dict[str, float] = {}
    not_measured = ""
    try:
        with warehouse_session() as connection:
            longest = longest_recent_runs(connection)
    except OzonError as error:
        not_measured = "the duration of the last runs is not known"
        yield Check("last runs", "unknown", str(error))
    yield from overlap_checks(settings, longest, not_measured)
    yield from installed_targets(settings, target)
    if backup is not None:
        yield _backup_folder(backup)


def installed_targets(settings: Settings, target: Target | None = None) -> Iterator[Check]:
    """Check that the crontab or Airflow starts the runs, not both, and that it is up to date."""
    now = datetime.now(tz=UTC)
    installed: list[bool] = []
    if target in (None, "crontab"):
        yield from _target("crontab", target, lambda: crontab_state(settings, machine_zone(os.environ), now), installed)
    if target in (None, "airflow"):
        yield from _target("airflow", target, airflow_state, installed)
    if installed == [True, True]:
        yield Check(
            "targets",
            "warning",
            "both the crontab and Airflow start the runs. Remove one with `ozon schedule remove --target`.",
        )


def _dags(airflow: ModuleType) -> Check:
    if problems := airflow.import_problems(DAGS):
        return Check("DAGs", "failed", "; ".join(problems))
    return Check("DAGs", "ok", f"Airflow reads {', '.join(DAG_IDS)}")


def _target(name: Target, wanted: Target | None, state: Any, installed: list[bool]) -> Iterator[Check]:
    """Check one target; a target that cannot be read is a failure only if the user named it."""
    try:
        found = state()
    except OzonError as error:
        yield Check(name, "failed" if wanted == name else "unknown", str(error))
        return
    installed.append(found["installed"])
    if not found["installed"]:
        yield Check(
            name, "failed" if wanted == name and found["problem"] else "ok", found["problem"] or "not installed"
        )
    elif found["problem"] or not found["up_to_date"]:
        what = found["problem"] or "installed, but different from the configuration"
        yield Check(name, "failed", f"{what}. Run `ozon schedule install --target {name}`.")
    else:
        yield Check(name, "ok", "installed and up to date")


def _backup_folder(folder: Path) -> Check:
    existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return Check("backup", "ok", f"{folder} can be written to")
    return Check("backup", "failed", f"{folder} cannot be written to: no permission for {existing}")
