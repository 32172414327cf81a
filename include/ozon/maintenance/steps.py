"""The steps of maintenance and their outcome. Imported whenever the DAG is parsed, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from include.ozon.words import count_of, size

WAREHOUSE_STEPS = ("killed_runs", "staging", "history", "monitoring", "records", "vacuum")
"""These run one after the other, so that they do not compete; the last one frees the space of the deleted rows."""

STEPS = ("logs", "reports", *WAREHOUSE_STEPS, "metadata")

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """The result of a step: the numbers of deleted files and rows, or in a dry run of those it would delete.

    ``rows`` are of the database; their space is freed by the step `vacuum`, which counts it in ``bytes``. ``message``
    is the reason if the step was skipped or failed; ``details`` has a line for each part.
    """

    step: str
    status: Status = "done"
    dry_run: bool = False
    files: int = 0
    folders: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    message: str = ""
    details: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as types that JSON and Airflow's XCom support."""
        return asdict(self) | {"details": list(self.details)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)

    def describe(self) -> str:
        """Return a line: ``logs freed 12 files (3.4 MB), 2 folders, in 0.3 s``."""
        if self.status == "skipped":
            return f"{self.step} was skipped: {self.message}"
        parts = [
            *([f"{count_of(self.files, 'file')} ({size(self.bytes)})"] if self.files else ()),
            *([count_of(self.folders, "folder")] if self.folders else ()),
            *([count_of(self.rows, "row")] if self.rows else ()),
        ]
        if self.bytes and not self.files:
            parts.append(size(self.bytes))
        verb = "would free" if self.dry_run else "freed"
        line = f"{self.step} {verb} {', '.join(parts) or 'nothing'}, in {self.seconds:.1f} s"
        return f"{line}; {'it failed: ' * (self.status == 'failed')}{self.message}" if self.message else line
