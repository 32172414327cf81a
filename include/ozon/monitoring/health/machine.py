"""The machine that this runs on: disks, memory, load, log files, and what killed loads have left in the staging."""

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
from include.ozon.monitoring.results import Finding, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.settings.limits import Above

_GB = 10**9

STAGED: LiteralString = "SELECT account, component, workflow_id, started_at FROM ozon_staging.loads ORDER BY started_at"

DISK_USED_PCT = Rule(
    name="disk_used_pct",
    title="a disk fills up",
    measures="How full the fullest disk is that this package writes to.",
    unit=Unit.SHARE,
    limits=Above(warning=85, critical=95),
    next_step="Delete what is old: logs and reports first; or add storage.",
    meaning="A disk that this package writes to is nearly full.",
    remedy="`ozon maintenance logs`, `ozon maintenance reports`; then look for others.",
)

MEMORY_USED_PCT = Rule(
    name="memory_used_pct",
    title="memory runs out",
    measures="How much of the machine's memory is in use.",
    unit=Unit.SHARE,
    limits=Above(warning=90, critical=97),
    next_step="Find what takes it; lower Airflow's parallelism if it is the load.",
    meaning="The machine's memory is nearly used up.",
    remedy="`ps aux --sort -rss | head`; lower Airflow's parallelism.",
)

LOAD_PER_CPU = Rule(
    name="load_per_cpu",
    title="the machine is overloaded",
    measures="The load average of 15 minutes, for each processor.",
    unit=Unit.NUMBER,
    limits=Above(warning=4, critical=10),
    next_step="Find what takes it, and move it or give the machine more.",
    meaning="More work than processors, for 15 minutes.",
    remedy="`top`; fewer tasks at once, or another machine.",
)

LOG_SIZE_GB = Rule(
    name="log_size_gb",
    title="logs take much space",
    measures="The size of all log files.",
    unit=Unit.GB,
    limits=Above(warning=5, critical=20),
    next_step="Delete old ones, or shorten their retention.",
    meaning="Logs take much room.",
    remedy="`ozon maintenance logs`; `maintenance.task_logs_days`.",
)

LOG_FILES = Rule(
    name="log_files",
    title="there are very many log files",
    measures="The number of log files.",
    limits=Above(warning=50000, critical=200000),
    next_step="Delete old ones, or shorten their retention.",
    meaning="The log folder has more files than it should.",
    remedy="`ozon maintenance logs`; `maintenance.task_logs_days`.",
)

STAGING_LEFTOVER_HOURS = Rule(
    name="staging_leftover_hours",
    title="staging was left behind",
    measures="The age of the oldest staging that no run uses any more.",
    unit=Unit.HOURS,
    limits=Above(warning=24, critical=168),
    next_step="The account's next run drops it; start one.",
    meaning="Half-read loads lie in `ozon_staging` that no run will use.",
    remedy="`ozon maintenance staging`, or start a load of the account.",
    inhibited_by=WAREHOUSE_DOWN,
)


def _disk_used(context: HealthContext) -> Finding:
    folders = [*context.folders, Path(tempfile.gettempdir())]
    if context.log_folder is not None:
        folders.append(context.log_folder)
    used_pct, folder = max((_used_pct(folder), str(folder)) for folder in folders)
    seen = f"The disk of {folder} is {used_pct:.1f} % full, the fullest of those that this package writes to"
    return judge(context.settings, DISK_USED_PCT, used_pct, seen)


def _used_pct(folder: Path) -> float:
    """Of what others than root may use; of the nearest folder above where ``folder`` is not there yet."""
    for place in (folder, *folder.absolute().parents):
        try:
            return float(psutil.disk_usage(str(place)).percent)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    raise FileNotFoundError(f"Neither {folder} nor any folder above it can be looked at.")


def _memory_used(context: HealthContext) -> Finding:
    memory = fullest_memory()
    seen = f"{memory.used_pct:.1f} % of the {memory.total_bytes / _GB:.1f} GB of {memory.whose} is in use"
    return judge(context.settings, MEMORY_USED_PCT, round(memory.used_pct, 3), seen)


def _load(context: HealthContext) -> Finding:
    try:
        load = os.getloadavg()[2]
    except (AttributeError, OSError):
        return unknown("This system tells no load average")
    cpus = os.cpu_count() or 1
    seen = f"The load average of 15 minutes is {load:.2f}, {load / cpus:.2f} for each of the {cpus} processors"
    return judge(context.settings, LOAD_PER_CPU, round(load / cpus, 3), seen)


class _LogFiles:
    """The log files, counted in one walk through their folder at the first need."""

    def __init__(self, context: HealthContext, folder: Path) -> None:
        self._settings = context.settings
        self._folder = folder

    @cached_property
    def _found(self) -> TreeSize:
        # A limit beyond which nobody counts is never crossed.
        most_files = max(MOST_FILES, int(LOG_FILES.limits_in(self._settings).critical)) + 1
        return measure_tree(self._folder, most_files=most_files)

    def size(self) -> Finding:
        gb = self._found.byte_count / _GB
        seen = f"The log files in {self._folder} take {_at_least(self._found)}{gb:.3g} GB of the disk"
        return judge(self._settings, LOG_SIZE_GB, gb, seen)

    def count(self) -> Finding:
        seen = f"There are {_at_least(self._found)}{self._found.file_count} log files in {self._folder}"
        return judge(self._settings, LOG_FILES, float(self._found.file_count), seen)


def _at_least(size: TreeSize) -> str:
    return "" if size.is_complete else "at least "


def _staging_leftover(context: HealthContext) -> Finding:
    """Of removed accounts too: what they have left takes the same room."""
    from include.ozon.warehouse.lock import is_locked

    staged = context.rows(STAGED)
    left = [load for load in staged if not is_locked(context.connection(), load[0])]
    if not left:
        return judge(context.settings, STAGING_LEFTOVER_HOURS, 0.0, "No killed or failed load has left staging")
    account, component, workflow_id, started_at = left[0]
    hours = (context.now - started_at).total_seconds() / 3600
    among = f"; it is the oldest of {len(left)} that are left" if len(left) > 1 else ""
    seen = (
        f"The staging of {component} of account {account} is left from {hours:.1f} hours ago "
        f"(workflow {workflow_id}), and no load holds the account{among}"
    )
    return judge(context.settings, STAGING_LEFTOVER_HOURS, round(hours, 3), seen)


_OF_THE_MACHINE: Measures[HealthContext] = (
    (DISK_USED_PCT, _disk_used),
    (MEMORY_USED_PCT, _memory_used),
    (LOAD_PER_CPU, _load),
)
_OF_THE_LOGS: Measures[_LogFiles] = (
    (LOG_SIZE_GB, _LogFiles.size),
    (LOG_FILES, _LogFiles.count),
)
_OF_THE_STAGING: Measures[HealthContext] = ((STAGING_LEFTOVER_HOURS, _staging_leftover),)


def checks(context: HealthContext) -> Iterator[Check]:
    """The two of log files are left out where there is no log folder."""
    yield from checks_of(_OF_THE_MACHINE, context)
    if context.log_folder is not None:
        yield from checks_of(_OF_THE_LOGS, _LogFiles(context, context.log_folder))
    yield from checks_of(_OF_THE_STAGING, context)


AREA = Area("machine", rules_of(_OF_THE_MACHINE, _OF_THE_LOGS, _OF_THE_STAGING), checks)
