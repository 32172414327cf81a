"""The time of one attempt by phase: where a load spends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

from include.ozon.pipeline.workers import Workers


@dataclass
class PhaseSeconds:
    """The seconds of the thread that loads; they do not overlap, and add up to the attempt's duration but for moments.

    While it has nothing to stage, it waits for answers: that time is ``waiting`` and ``downloading``, in proportion to
    what the request threads do meanwhile. Answers that arrive while others are staged cost nothing.
    """

    waiting: float = 0.0
    """For Ozon's limits and before retries, with nothing to stage."""
    downloading: float = 0.0
    """For answers of Ozon, and for reading them, with nothing to stage."""
    staging: float = 0.0
    """Writing answers to the staging tables."""
    comparing: float = 0.0
    """Finding the differences between staging and warehouse, and checking the guards."""
    merging: float = 0.0
    """Writing the differences to the warehouse."""

    @contextmanager
    def staging_with(self, workers: Workers) -> Iterator[None]:
        """Count the block as staging, without the time in which it waits for answers."""
        started, blocked = time.monotonic(), workers.blocked_seconds
        try:
            yield
        finally:
            self.staging += time.monotonic() - started - (workers.blocked_seconds - blocked)

    @contextmanager
    def answers(self, workers: Workers, waited_seconds: Callable[[], float]) -> Iterator[None]:
        """Divide the time in which the block waits for answers; ``waited_seconds`` is that of all threads so far."""
        blocked, busy, waited = workers.blocked_seconds, workers.busy_seconds, waited_seconds()
        try:
            yield
        finally:
            blocked, busy = workers.blocked_seconds - blocked, workers.busy_seconds - busy
            share = min(1.0, (waited_seconds() - waited) / busy) if busy else 0.0
            self.waiting += blocked * share
            self.downloading += blocked * (1 - share)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Count the block as one phase."""
        started = time.monotonic()
        try:
            yield
        finally:
            setattr(self, phase, getattr(self, phase) + time.monotonic() - started)

    def rounded(self) -> dict[str, float]:
        """Return the seconds by phase, to the millisecond."""
        return {name: round(seconds, 3) for name, seconds in asdict(self).items()}

    def describe(self) -> str:
        """Return all phases in one line, for a log."""
        return ", ".join(f"{seconds:.1f} s {name}" for name, seconds in asdict(self).items())


PHASES = tuple(field.name for field in fields(PhaseSeconds))
