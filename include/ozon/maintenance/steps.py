"""The steps of maintenance, and what each says when it is done. Parsed with the DAG, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from include.ozon.words import count_of, size

WAREHOUSE_STEPS = ("killed_runs", "staging", "history", "monitoring", "records", "vacuum")
"""One after the other, so that they do not compete; what they delete is what the last one takes up."""

STEPS = ("logs", "reports", *WAREHOUSE_STEPS, "metadata")

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What a step freed, or would free in a dry run.

    ``rows`` are of the database; the room that they took is freed by the step `vacuum`, which counts it in ``bytes``.
    ``message`` is the reason where the step was skipped or failed; ``details`` has a line for each part.
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
        """What Airflow's XCom and JSON can hold."""
        return asdict(self) | {"details": list(self.details)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)

    def describe(self) -> str:
        """Such as ``logs freed 12 files (3.4 MB), 2 folders, in 0.3 s``."""
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
        said = f"{self.step} {verb} {', '.join(parts) or 'nothing'}, in {self.seconds:.1f} s"
        return f"{said}; {'it failed: ' * (self.status == 'failed')}{self.message}" if self.message else said
