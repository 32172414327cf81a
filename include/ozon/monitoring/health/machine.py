"""The area of the machine: disks, memory, load, log files, and leftovers in the staging."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import LiteralString

import psutil

from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.health.memory import fullest_memory
from include.ozon.monitoring.health.tree import MOST_FILES, TreeSize, measure_tree
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Judgement, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings.limits import Above
from include.ozon.translation import N_

_GB = 10**9

STAGED: LiteralString = "SELECT account, component, workflow_id, started_at FROM ozon_staging.loads ORDER BY started_at"

DISK_USED_PCT = Rule(
    name="disk_used_pct",
    title=N_("a disk is almost full"),
    measures=N_("Usage of the fullest disk that this package writes to."),
    unit=Unit.SHARE,
    limits=Above(warning=85, critical=95),
    next_step=N_("Delete old files, starting with logs and reports (`ozon maintenance logs`), or add storage."),
    meaning="A disk that this package writes to is almost full.",
    remedy="`ozon maintenance logs` and `ozon maintenance reports` delete old files. If that is not enough, find what "
    "else uses the disk, or add storage.",
)

MEMORY_USED_PCT = Rule(
    name="memory_used_pct",
    title=N_("memory is almost used up"),
    measures=N_("Usage of the machine's or container's memory."),
    unit=Unit.SHARE,
    limits=Above(warning=90, critical=97),
    next_step=N_(
        "Find the process that uses it (`ps aux --sort -rss | head`); if it is the load, lower Airflow's parallelism."
    ),
    meaning="The memory of the machine or container is almost used up; the system may kill processes.",
    remedy="`ps aux --sort -rss | head` shows the largest processes. If they are loads, lower Airflow's parallelism or "
    "add memory.",
)

LOAD_PER_CPU = Rule(
    name="load_per_cpu",
    title=N_("the machine is overloaded"),
    measures=N_("Load average of 15 minutes per processor."),
    unit=Unit.NUMBER,
    limits=Above(warning=4, critical=10),
    next_step=N_("Find the busiest processes with `top`; move them, or run fewer tasks at once."),
    meaning="For 15 minutes there has been far more work than the processors can do.",
    remedy="`top` shows the busiest processes. Move them to another machine, or run fewer tasks at once.",
)

LOG_SIZE_GB = Rule(
    name="log_size_gb",
    title=N_("logs use too much space"),
    measures=N_("Size of all log files."),
    unit=Unit.GB,
    limits=Above(warning=5, critical=20),
    next_step=N_("Run `ozon maintenance logs` to delete old ones, or lower maintenance.task_logs_days."),
    meaning="The log files use more space than expected.",
    remedy="`ozon maintenance logs` deletes old ones. If they grow again, lower `maintenance.task_logs_days`.",
)

LOG_FILES = Rule(
    name="log_files",
    title=N_("too many log files"),
    measures=N_("Number of log files."),
    limits=Above(warning=50000, critical=200000),
    next_step=N_("Run `ozon maintenance logs` to delete old ones, or lower maintenance.task_logs_days."),
    meaning="The log folder contains more files than expected.",
    remedy="`ozon maintenance logs` deletes old ones. If they grow again, lower `maintenance.task_logs_days`.",
)

STAGING_LEFTOVER_HOURS = Rule(
    name="staging_leftover_hours",
    title=N_("unused staging data was not dropped"),
    measures=N_("Age of the oldest staging data that no run uses."),
    unit=Unit.HOURS,
    limits=Above(warning=24, critical=168),
    next_step=N_("Run `ozon maintenance staging`, or start a load of the account: both drop it."),
    meaning="The schema `ozon_staging` contains data of an unfinished load that no run will use.",
    remedy="Run `ozon maintenance staging`, or start a load of the account: both drop it.",
    inhibited_by=WAREHOUSE_DOWN,
)


def _disk_used(context: HealthContext) -> Judgement:
    folders = [*context.folders, Path(tempfile.gettempdir())]
    if context.log_folder is not None:
        folders.append(context.log_folder)
    used_pct, folder = max((_used_pct(folder), str(folder)) for folder in folders)
    text = f"The disk of {folder} is {used_pct:.1f} % full, the fullest of those that this package writes to"
    return judge(context.settings, DISK_USED_PCT, used_pct, text)


def _used_pct(folder: Path) -> float:
    """Return the usage of the folder's disk, without the part reserved for root.

    If the folder does not exist yet, the nearest folder above it counts.
    """
    for place in (folder, *folder.absolute().parents):
        try:
            return float(psutil.disk_usage(str(place)).percent)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    raise FileNotFoundError(f"Neither {folder} nor any folder above it can be read.")


def _memory_used(context: HealthContext) -> Judgement:
    memory = fullest_memory()
    text = f"{memory.used_pct:.1f} % of the {memory.total_bytes / _GB:.1f} GB of {memory.whose} is in use"
    return judge(context.settings, MEMORY_USED_PCT, round(memory.used_pct, 3), text)


def _load(context: HealthContext) -> Judgement:
    try:
        load = os.getloadavg()[2]
    except (AttributeError, OSError):
        return unknown("This system does not report a load average")
    cpus = os.cpu_count() or 1
    text = f"The load average of 15 minutes is {load:.2f}, {load / cpus:.2f} for each of the {cpus} processors"
    return judge(context.settings, LOAD_PER_CPU, round(load / cpus, 3), text)


class _LogFiles:
    """The log files, counted once, by the first check."""

    def __init__(self, context: HealthContext, folder: Path) -> None:
        self._settings = context.settings
        self._folder = folder

    @cached_property
    def _found(self) -> TreeSize:
        # Count beyond the critical limit: otherwise it could never be crossed.
        most_files = max(MOST_FILES, int(LOG_FILES.limits_in(self._settings).critical)) + 1
        return measure_tree(self._folder, most_files=most_files)

    def size(self) -> Judgement:
        gb = self._found.byte_count / _GB
        text = f"The log files in {self._folder} use {_at_least(self._found)}{gb:.3g} GB of the disk"
        return judge(self._settings, LOG_SIZE_GB, gb, text)

    def count(self) -> Judgement:
        text = f"There are {_at_least(self._found)}{self._found.file_count} log files in {self._folder}"
        return judge(self._settings, LOG_FILES, float(self._found.file_count), text)


def _at_least(size: TreeSize) -> str:
    return "" if size.is_complete else "at least "


def _staging_leftover(context: HealthContext) -> Judgement:
    """Check for unused staging data, also that of removed accounts."""
    from include.ozon.warehouse.lock import is_locked

    staged = context.rows(STAGED)
    left = [load for load in staged if not is_locked(context.connection(), load[0])]
    if not left:
        return judge(context.settings, STAGING_LEFTOVER_HOURS, 0.0, "There is no unused staging data")
    account, component, workflow_id, started_at = left[0]
    hours = (context.now - started_at).total_seconds() / 3600
    among = f"; it is the oldest of {len(left)}" if len(left) > 1 else ""
    text = (
        f"The staging data of {component} of account {account} is {hours:.1f} hours old (workflow {workflow_id}), and "
        f"no load uses it{among}"
    )
    return judge(context.settings, STAGING_LEFTOVER_HOURS, round(hours, 3), text)


_MACHINE_MEASURES: Measures[HealthContext] = (
    (DISK_USED_PCT, _disk_used),
    (MEMORY_USED_PCT, _memory_used),
    (LOAD_PER_CPU, _load),
)
_LOG_MEASURES: Measures[_LogFiles] = (
    (LOG_SIZE_GB, _LogFiles.size),
    (LOG_FILES, _LogFiles.count),
)
_STAGING_MEASURES: Measures[HealthContext] = ((STAGING_LEFTOVER_HOURS, _staging_leftover),)


def checks(context: HealthContext) -> Iterator[Check]:
    """Yield the checks; those of log files only if there is a log folder."""
    yield from checks_of(_MACHINE_MEASURES, context)
    if context.log_folder is not None:
        yield from checks_of(_LOG_MEASURES, _LogFiles(context, context.log_folder))
    yield from checks_of(_STAGING_MEASURES, context)


AREA = Area("machine", rules_of(_MACHINE_MEASURES, _LOG_MEASURES, _STAGING_MEASURES), checks)
