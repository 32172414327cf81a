"""The result of a component's comparison with the warehouse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The changes that a merge would make, in rows of the component's main table.

    ``details`` are further figures for the workflow's record.
    """

    staged: int
    inserted: int
    updated: int
    removed: int
    rejected: int
    visibility_counts: dict[str, int] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_mostly_new(self) -> bool:
        """Return whether PostgreSQL's statistics do not know most of the account's rows yet.

        Until autovacuum runs, plans for them would be those for a handful of rows, which take hours for many.
        """
        return self.inserted > self.staged / 2
