"""Deletion of expired report files, by the moment in their names."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from include.ozon.maintenance.folders import Parts, Sweep
from include.ozon.maintenance.steps import Outcome
from include.ozon.words import count_of

_NAME = r"visibility-(\d{8}T\d{6}Z)\.(?:html|json|csv|txt)"
_REPORT = re.compile(_NAME)
# A file whose writer was killed before it was renamed.
_UNFINISHED = re.compile(rf"\.{_NAME}\.[0-9a-f]{{8}}")
_LEVELS = 2
_NAMED_PROBLEMS = 5


def measured_at(name: str) -> datetime | None:
    """Return the moment in a report's name; None if it is not the name of a report."""
    found = _REPORT.fullmatch(name) or _UNFINISHED.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def clean_report_folder(folder: Path, before: datetime, now: datetime, *, dry_run: bool) -> Outcome:
    """Delete the reports from before ``before`` in a local folder, and in the accounts' folders below it."""

    def is_due(path: Parts, found: os.stat_result) -> bool:
        shown = measured_at(path[-1])
        return len(path) <= _LEVELS and shown is not None and shown < before

    if not folder.is_dir():
        return Outcome("reports", "skipped", dry_run, message=f"Folder {folder} does not exist on this machine yet.")
    sweep = Sweep(now, dry_run)
    sweep.run(folder, lambda name: not name.startswith("."), is_due)
    problems = sweep.problems
    named = "; ".join(problems[:_NAMED_PROBLEMS])
    return Outcome(
        "reports",
        "failed" if problems else "done",
        dry_run,
        files=sweep.file_count,
        folders=sweep.folder_count,
        bytes=sweep.byte_count,
        message=f"{count_of(len(problems), 'file')} cannot be read or deleted ({named})." if problems else "",
    )
