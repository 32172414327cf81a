"""The numbers of one attempt of a component."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.ozon.marketplace.client import RequestUsage
from include.ozon.pipeline.phases import PhaseSeconds
from include.ozon.warehouse.differences import Differences


@dataclass
class ComponentNumbers:
    """Counters that are filled while a component runs, so that a failed attempt's record shows its progress.

    ``rows_read`` counts distinct ids and equals inserted + updated + unchanged + rejected. It does not include
    ``rows_removed`` (in the warehouse, no longer at Ozon) and ``rows_repeated`` (received again on another page).
    """

    rows_read: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_removed: int = 0
    rows_rejected: int = 0
    rows_repeated: int = 0
    rows_written: dict[str, int] = field(default_factory=dict)
    """By table, the histories included; a table that is missing was not written."""
    api_requests: int = 0
    api_retries: int = 0
    api_rate_limited: int = 0
    api_wait_seconds: float = 0.0
    visibility_counts: dict[str, int] | None = None
    seconds: PhaseSeconds = field(default_factory=PhaseSeconds)
    details: dict[str, Any] = field(default_factory=dict)
    """Further figures for the workflow's ``execution_details``, for example guards that fired, and ``warnings``."""

    def set_differences(self, found: Differences, *, repeated: int) -> None:
        """Set the row counts from a comparison with the warehouse; staged rows without a difference are unchanged."""
        self.rows_read = found.staged + found.rejected
        self.rows_inserted = found.inserted
        self.rows_updated = found.updated
        self.rows_unchanged = found.staged - found.inserted - found.updated
        self.rows_removed = found.removed
        self.rows_rejected = found.rejected
        self.rows_repeated += repeated
        self.visibility_counts = found.visibility_counts
        self.details |= found.details

    def set_usage(self, usage: RequestUsage) -> None:
        self.api_requests = usage.requests
        self.api_retries = usage.retries
        self.api_rate_limited = usage.rate_limited
        self.api_wait_seconds = round(usage.wait_seconds, 3)

    def reset_changes(self) -> None:
        """Set the counts of changes to 0 after the transaction was rolled back."""
        self.rows_inserted = self.rows_updated = self.rows_unchanged = self.rows_removed = 0
        self.rows_written = {}

    def describe(self) -> str:
        """Return all numbers in one line, for a log."""
        return (
            f"{self.rows_read} read = {self.rows_inserted} inserted + {self.rows_updated} updated + "
            f"{self.rows_unchanged} unchanged + {self.rows_rejected} rejected; {self.rows_removed} removed, "
            f"{self.rows_repeated} repeated; {self.api_requests} requests, {self.api_retries} retries, "
            f"{self.api_rate_limited} rate-limited, {self.api_wait_seconds:.1f} s waited for the API's limits; "
            f"{self.seconds.describe()}"
        )


def reset_peak_memory() -> None:
    """Reset the peak where the system can (Linux); elsewhere it counts from the process's start."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """Return the most memory that this process has used since ``reset_peak_memory``."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
