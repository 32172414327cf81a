"""The machine that this runs on: disks, memory, load, log files, and what killed loads have left in the staging."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import LiteralString

import psutil

from include.ozon.monitoring.health.checks import Check, HealthContext
from include.ozon.monitoring.health.memory import fullest_memory
from include.ozon.monitoring.health.session import WarehouseSession
from include.ozon.monitoring.health.tree import MOST_FILES, TreeSize, measure_tree
from include.ozon.monitoring.results import Finding, judge, unknown
from include.ozon.warehouse.lock import is_locked

_GB = 10**9

STAGED: LiteralString = "SELECT account, component, workflow_id, started_at FROM ozon_staging.loads ORDER BY started_at"


def checks(context: HealthContext) -> Iterator[Check]:
    """The two of log files are left out where there is no log folder."""
    yield Check("disk_used_pct", partial(_disk_used, context))
    yield Check("memory_used_pct", partial(_memory_used, context))
    yield Check("load_per_cpu", partial(_load, context))
    if context.log_folder is not None:
        # Both checks look at one walk through the folder.
        walk = cache(partial(_walk, context, context.log_folder))
        yield Check("log_size_gb", lambda: _log_size(context, walk()))
        yield Check("log_files", lambda: _log_files(context, walk()))
    yield Check("staging_leftover_hours", partial(_staging_leftover, context))


def _disk_used(context: HealthContext) -> Finding:
    folders = [*context.folders, Path(tempfile.gettempdir())]
    if context.log_folder is not None:
        folders.append(context.log_folder)
    used_pct, folder = max((_used_pct(folder), str(folder)) for folder in folders)
    seen = f"The disk of {folder} is {used_pct:.1f} % full, the fullest of those that this package writes to"
    return judge(context.settings, "disk_used_pct", used_pct, seen)


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
    return judge(context.settings, "memory_used_pct", round(memory.used_pct, 3), seen)


def _load(context: HealthContext) -> Finding:
    try:
        load = os.getloadavg()[2]
    except (AttributeError, OSError):
        return unknown("This system tells no load average")
    cpus = os.cpu_count() or 1
    seen = f"The load average of 15 minutes is {load:.2f}, {load / cpus:.2f} for each of the {cpus} processors"
    return judge(context.settings, "load_per_cpu", round(load / cpus, 3), seen)


def _walk(context: HealthContext, folder: Path) -> TreeSize:
    # A limit beyond which nobody counts is never crossed.
    return measure_tree(folder, most_files=max(MOST_FILES, int(context.settings.rules.log_files.critical)) + 1)


def _log_size(context: HealthContext, size: TreeSize) -> Finding:
    gb = size.byte_count / _GB
    seen = f"The log files in {context.log_folder} take {_at_least(size)}{gb:.3g} GB of the disk"
    return judge(context.settings, "log_size_gb", gb, seen)


def _log_files(context: HealthContext, size: TreeSize) -> Finding:
    seen = f"There are {_at_least(size)}{size.file_count} log files in {context.log_folder}"
    return judge(context.settings, "log_files", float(size.file_count), seen)


def _at_least(size: TreeSize) -> str:
    return "" if size.is_complete else "at least "


def _staging_leftover(context: HealthContext) -> Finding:
    """Of removed accounts too: what they have left takes the same room."""
    session = WarehouseSession(context)
    staged = session.rows(STAGED)
    left = [load for load in staged if not is_locked(session.connection(), load[0])]
    if not left:
        return judge(context.settings, "staging_leftover_hours", 0.0, "No killed or failed load has left staging")
    account, component, workflow_id, started_at = left[0]
    hours = (context.now - started_at).total_seconds() / 3600
    among = f"; it is the oldest of {len(left)} that are left" if len(left) > 1 else ""
    seen = (
        f"The staging of {component} of account {account} is left from {hours:.1f} hours ago "
        f"(workflow {workflow_id}), and no load holds the account{among}"
    )
    return judge(context.settings, "staging_leftover_hours", round(hours, 3), seen)
