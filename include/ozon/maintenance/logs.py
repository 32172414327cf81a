"""Deletion of Airflow's logs: by age, and the oldest ones if all together are too large."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from include.ozon.maintenance.folders import Parts, Sweep
from include.ozon.maintenance.steps import Outcome
from include.ozon.settings.maintenance import MaintenanceSettings
from include.ozon.words import count_of, size

_LOG = re.compile(r".+\.log(\.\d+)?(\.gz)?")
_TASK_PREFIX = "dag_id="
# The folders below base_log_folder of Airflow's own processes, and of the runs by cron.
RUNS_FOLDER = "ozon_run"
PROCESS_FOLDERS = frozenset(
    {
        "scheduler",
        "dag_processor",
        "dag_processor_manager",
        "triggerer",
        "executor_callbacks",
        "api_server",
        RUNS_FOLDER,
    }
)

# A process may still write into a younger file, so it is kept even if space is short.
_YOUNGEST = timedelta(hours=1)
_MINUTE = 60
_NAMED_PROBLEMS = 5


@dataclass(frozen=True)
class LogFolder:
    """A folder with logs; if ``of_processes``, it has only logs of Airflow's own processes."""

    path: Path
    of_processes: bool = False


def clean_logs(
    folders: Sequence[LogFolder],
    dag_ids: Collection[str],
    settings: MaintenanceSettings,
    now: datetime,
    *,
    dry_run: bool,
) -> Outcome:
    """Delete logs below ``folders``: by age, then by size.

    Task logs are deleted only of ``dag_ids``, and only files that end with ``.log`` (or a rotated log's number). A file
    that cannot be deleted does not raise: the step fails at its end.
    """
    there = [folder for folder in folders if folder.path.is_dir()]
    if not there:
        missing = ", ".join(str(folder.path) for folder in folders)
        return Outcome("logs", "skipped", dry_run, message=f"Folder {missing} does not exist on this machine.")
    return _Cleaning(there, dag_ids, settings, now, dry_run).outcome()


class _Cleaning:
    def __init__(
        self,
        folders: Sequence[LogFolder],
        dag_ids: Collection[str],
        settings: MaintenanceSettings,
        now: datetime,
        dry_run: bool,
    ) -> None:
        self._folders = folders
        self._all_dags = settings.other_dags
        self._dag_ids = dag_ids
        self._now = now
        self._dry_run = dry_run
        self._cutoffs = {
            "task": (now - timedelta(days=settings.task_logs_days)).timestamp(),
            "process": (now - timedelta(days=settings.scheduler_logs_days)).timestamp(),
        }
        self._most_bytes = settings.logs_max_mb * 1024 * 1024
        self._problems: dict[str, None] = {}

    def outcome(self) -> Outcome:
        by_age, kept_by_minute = self._by_age()
        by_size = self._by_size(kept_by_minute)
        details = [
            f"expired: {_what(by_age)}",
            f"above the limit of {size(self._most_bytes)}: {_what(by_size)}",
            f"kept: {size(sum(kept_by_minute.values()) - by_size.byte_count)}",
        ]
        problems = list(self._problems)
        named = "; ".join(problems[:_NAMED_PROBLEMS])
        return Outcome(
            "logs",
            "failed" if problems else "done",
            self._dry_run,
            files=by_age.file_count + by_size.file_count,
            folders=by_age.folder_count + by_size.folder_count,
            bytes=by_age.byte_count + by_size.byte_count,
            message=f"{count_of(len(problems), 'file')} cannot be read or deleted ({named}). Make Airflow's user the "
            "owner of its log folder."
            if problems
            else "",
            details=details,
        )

    def _by_age(self) -> tuple[Sweep, Counter[int]]:
        """Delete expired files; also return the remaining bytes by the minute of their last change.

        Counts by minute need less memory than a list of all files.
        """
        kept: Counter[int] = Counter()

        def is_due(path: Parts, found: os.stat_result, of_processes: bool) -> bool:
            kind = self._kind(path, of_processes)
            if kind and found.st_mtime >= self._cutoffs[kind]:
                kept[int(found.st_mtime // _MINUTE)] += found.st_blocks * 512
            return bool(kind) and found.st_mtime < self._cutoffs[kind]

        return self._sweep(is_due, takes_empty_folders=True), kept

    def _by_size(self, kept_by_minute: Counter[int]) -> Sweep:
        """Delete the files of the oldest minutes; of the last minute only as many as necessary."""
        excess = sum(kept_by_minute.values()) - self._most_bytes
        if excess <= 0:
            return Sweep(self._now, self._dry_run)
        remaining_excess = excess
        last_minute = 0
        for minute in sorted(kept_by_minute):
            last_minute = minute
            remaining_excess -= kept_by_minute[minute]
            if remaining_excess <= 0:
                break
        in_last_minute = remaining_excess + kept_by_minute[last_minute]
        too_young = (self._now - _YOUNGEST).timestamp()

        def is_due(path: Parts, found: os.stat_result, of_processes: bool) -> bool:
            nonlocal in_last_minute
            kind = self._kind(path, of_processes)
            minute = int(found.st_mtime // _MINUTE)
            # In a dry run the expired files still exist, and were already counted.
            if not kind or not self._cutoffs[kind] <= found.st_mtime < too_young or minute > last_minute:
                return False
            if minute == last_minute:
                if in_last_minute <= 0:
                    return False
                in_last_minute -= found.st_blocks * 512
            return True

        return self._sweep(is_due, takes_empty_folders=False)

    def _sweep(self, is_due: _IsDue, *, takes_empty_folders: bool) -> Sweep:
        sweep = Sweep(self._now, self._dry_run, takes_empty_folders)
        for folder in self._folders:
            of_processes = folder.of_processes

            def enters(name: str, of_processes: bool = of_processes) -> bool:
                return bool(self._kind((name, "attempt=1.log"), of_processes))

            def is_due_here(path: Parts, found: os.stat_result, of_processes: bool = of_processes) -> bool:
                return is_due(path, found, of_processes)

            sweep.run(folder.path, enters, is_due_here)
        self._problems |= dict.fromkeys(sweep.problems)
        return sweep

    def _kind(self, path: Parts, of_processes: bool) -> str:
        """Return the kind of a log, ``task`` or ``process``, by which it expires; empty if it must not be deleted."""
        if not _LOG.fullmatch(path[-1]):
            return ""
        if of_processes or (len(path) > 1 and path[0] in PROCESS_FOLDERS):
            return "process"
        is_task_log = len(path) > 1 and path[0].startswith(_TASK_PREFIX)
        if is_task_log and (self._all_dags or path[0].removeprefix(_TASK_PREFIX) in self._dag_ids):
            return "task"
        return ""


_IsDue = Callable[[Parts, os.stat_result, bool], bool]


def _what(sweep: Sweep) -> str:
    return f"{count_of(sweep.file_count, 'file')} ({size(sweep.byte_count)})" if sweep.file_count else "none"
