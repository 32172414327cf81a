"""What is started when, and how it stands in the crontab."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from include.ozon.errors import ConfigurationError, FatalError
from include.ozon.scheduling.block import begin_marker, end_marker
from include.ozon.scheduling.cron_times import machine_times
from include.ozon.scheduling.wrapper import IF_DUE
from include.ozon.scheduling.zones import MachineZone
from include.ozon.settings import Settings, dags

PROJECT = Path(__file__).resolve().parents[3]
NO_CRONTAB_BEFORE = "# There was no crontab before this block."


@dataclass(frozen=True)
class Job:
    name: str
    """The setting below `schedule`."""
    dag_id: str
    """The DAG that does the same under a scheduler."""
    expression: str
    command: tuple[str, ...]
    asks_itself: bool = False
    """It has an option of its own, ``--if-due``."""


def jobs(settings: Settings) -> tuple[Job, ...]:
    """Without line breaks in the expressions, which TOML allows and a crontab does not."""
    schedule = settings.schedule
    listed = (
        Job("etl", dags.ETL, schedule.etl, ("ozon", "run"), asks_itself=True),
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
        Job(job.name, job.dag_id, " ".join(job.expression.split()), job.command, job.asks_itself) for job in listed
    )


def job(settings: Settings, name: str) -> Job:
    """Raises ConfigurationError where there is none of that name."""
    known = {each.name: each for each in jobs(settings)}
    if name not in known:
        raise ConfigurationError(f"{name!r} is none of the schedules; there are {', '.join(known)}.")
    return known[name]


def render_block(
    settings: Settings, machine: MachineZone, wrapper: Path, now: datetime, *, no_crontab_before: bool
) -> bytes:
    """The whole block, markers included. Raises FatalError where a path cannot stand in a crontab."""
    notes = [
        "# By `ozon schedule install --target crontab`; `ozon schedule remove --target crontab` takes it away.",
        f"# The hours are those of this machine, {machine.name}. Environment: {settings.environment}.",
        *([NO_CRONTAB_BEFORE] if no_crontab_before else []),
    ]
    lines = [line for each in jobs(settings) for line in _job_lines(each, settings, machine, wrapper, now)]
    folder = project_folder()
    text = "".join(f"{line}\n" for line in (*notes, *lines))
    return begin_marker(folder) + b"\n" + os.fsencode(text) + end_marker(folder) + b"\n"


def project_folder() -> bytes:
    """As the markers name it. Raises FatalError where its name has a line break."""
    _check_path(PROJECT)
    return os.fsencode(PROJECT)


def cron_command(words: Sequence[str]) -> str:
    """A command line as cron wants it: for it a percent sign ends the command, quoted or not."""
    return shlex.join(words).replace("%", "\\%")


def _job_lines(each: Job, settings: Settings, machine: MachineZone, wrapper: Path, now: datetime) -> list[str]:
    times = machine_times(
        each.expression, ZoneInfo(settings.time_zone), machine.zone, now.astimezone(machine.zone).year
    )
    note = f'# schedule.{each.name} = "{each.expression}" in {settings.time_zone}'
    command = each.command
    prefix: tuple[str, ...] = ()
    if times.only_if_due:
        note += ": started at each hour that may be the right one, it ends at once when it is not due"
        command, prefix = ((*command, IF_DUE), ()) if each.asks_itself else (command, (IF_DUE, each.name))
    _check_path(wrapper)
    line = cron_command(["/bin/sh", str(wrapper), *prefix, *command])
    return [note, *(f"{fields} {line}" for fields in times.fields)]


def _check_path(path: Path) -> None:
    # How cron reads a backslash depends on what follows it.
    if any(character in str(path) for character in "\n\r\\"):
        raise FatalError(f"The folder {str(path)!r} has a line break or backslash in its name: no crontab can name it.")
