"""Progress of a component: a log line every few seconds, and a bar on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class ComponentProgress:
    """Counters of pages and rows of one component's reading."""

    def __init__(self, logger: logging.Logger, title: str, interval_seconds: float) -> None:
        self._logger = logger
        self._title = title
        self._interval_seconds = interval_seconds
        self._started = self._logged = time.monotonic()
        self._expected: dict[str, int] = {}
        self.pages = 0
        self.rows = 0
        self._bar, self._bar_task = _bar(title)

    def __enter__(self) -> ComponentProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def expect(self, stream: str, rows: int | None) -> None:
        """Set the number of rows that Ozon reports for a list."""
        if rows is not None:
            self._expected[stream] = rows

    def add_page(self) -> None:
        """Count a staged page."""
        self.pages += 1

    def advance(self, rows: int) -> None:
        """Count staged rows."""
        self.rows += rows
        if self._bar:
            self._bar.update(self._bar_task, completed=self.rows, total=self._total or None)
        now = time.monotonic()
        if now - self._logged >= self._interval_seconds:
            self._logged = now
            self._logger.info(self.describe())

    def describe(self) -> str:
        """Return one sentence: pages, rows, rate, and an estimate of the time left."""
        elapsed = max(time.monotonic() - self._started, 1e-3)
        rate = self.rows / elapsed
        sentence = f"{self._title}: {self.pages} pages, {self.rows} rows, {rate:.0f} rows/s"
        if self._total > self.rows and rate:
            sentence += f", about {(self._total - self.rows) / rate:.0f} s left of reading"
        return sentence

    @property
    def _total(self) -> int:
        return sum(self._expected.values())


def _bar(title: str) -> tuple[Progress | None, TaskID]:
    console = Console(file=sys.__stderr__)
    if not console.is_terminal:
        return None, TaskID(0)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    return bar, bar.add_task(title, total=None)
