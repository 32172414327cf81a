"""The scheduled jobs and their lines in the crontab."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from include.ozon.errors import FatalError, require_known
from include.ozon.project import PROJECT
from include.ozon.scheduling.block import begin_marker, end_marker
from include.ozon.scheduling.cron_times import machine_times
from include.ozon.scheduling.wrapper import IF_DUE
from include.ozon.scheduling.zones import MachineZone
from include.ozon.settings import Settings, dags

NO_CRONTAB_BEFORE = "# There was no crontab before this block."


@dataclass(frozen=True)
class Job:
    name: str
    """The setting below `schedule`."""
    dag_id: str
    """The DAG that does the same under a scheduler."""
    expression: str
    command: tuple[str, ...]
    has_if_due: bool = False
    """The command has the option ``--if-due``."""


def jobs(settings: Settings) -> tuple[Job, ...]:
    """Return all jobs, without line breaks in their expressions: TOML allows them, a crontab does not."""
    schedule = settings.schedule
    listed = (
        Job("etl", dags.ETL, schedule.etl, ("ozon", "run"), has_if_due=True),
        Job("health", dags.HEALTH_CHECK, schedule.health, ("ozon", "health", "--alert", "--quiet")),
        Job(
            "metrics",
            dags.VISIBILITY_METRICS,
            schedule.metrics,
            ("ozon", "visibility", "--save-report", "--alert"),
        ),
        Job("maintenance", dags.MAINTENANCE, schedule.maintenance, ("ozon", "maintenance")),
    )
    return tuple(
        Job(job.name, job.dag_id, " ".join(job.expression.split()), job.command, job.has_if_due) for job in listed
    )


def job(settings: Settings, name: str) -> Job:
    """Return the job with that name. Raises ConfigurationError if there is none."""
    known = {each.name: each for each in jobs(settings)}
    require_known("Schedule", [name], known)
    return known[name]


def render_block(
    settings: Settings, machine: MachineZone, wrapper: Path, now: datetime, *, no_crontab_before: bool
) -> bytes:
    """Return the whole block, including its markers. Raises FatalError if a crontab cannot contain a path."""
    notes = [
        "# By `ozon schedule install --target crontab`; `ozon schedule remove --target crontab` removes it.",
        f"# The hours are those of this machine's time zone, {machine.name}. Environment: {settings.environment}.",
        *([NO_CRONTAB_BEFORE] if no_crontab_before else []),
    ]
    lines = [line for each in jobs(settings) for line in _job_lines(each, settings, machine, wrapper, now)]
    folder = project_folder()
    text = "".join(f"{line}\n" for line in (*notes, *lines))
    return begin_marker(folder) + b"\n" + os.fsencode(text) + end_marker(folder) + b"\n"


def project_folder() -> bytes:
    """Return the project's folder for the markers. Raises FatalError if its name contains a line break."""
    _check_path(PROJECT)
    return os.fsencode(PROJECT)


def cron_command(words: Sequence[str]) -> str:
    """Return a command line for cron, for which a percent sign ends the command, quoted or not."""
    return shlex.join(words).replace("%", "\\%")


def _job_lines(each: Job, settings: Settings, machine: MachineZone, wrapper: Path, now: datetime) -> list[str]:
    times = machine_times(
        each.expression, ZoneInfo(settings.time_zone), machine.zone, now.astimezone(machine.zone).year
    )
    note = f'# schedule.{each.name} = "{each.expression}" in {settings.time_zone}'
    command = each.command
    prefix: tuple[str, ...] = ()
    if times.only_if_due:
        note += ": started at each possible hour; ends at once if it is not due"
        command, prefix = ((*command, IF_DUE), ()) if each.has_if_due else (command, (IF_DUE, each.name))
    _check_path(wrapper)
    line = cron_command(["/bin/sh", str(wrapper), *prefix, *command])
    return [note, *(f"{fields} {line}" for fields in times.fields)]


def _check_path(path: Path) -> None:
    # How cron reads a backslash depends on what follows it.
    if any(character in str(path) for character in "\n\r\\"):
        raise FatalError(
            f"The name of folder {str(path)!r} contains a line break or backslash, which a crontab does not support. "
            "Move the project to another folder."
        )
