"""Progress of a run: a bar for each account and component on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import RLock
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from include.ozon.cli.common import is_quiet
from include.ozon.settings import Settings
from include.ozon.words import number

if TYPE_CHECKING:
    from include.ozon.pipeline.run_records import ComponentState, Listed

_STYLES = {"success": "green", "failed": "bold red", "cancelled": "yellow", "skipped": "yellow"}


class RunDisplay:
    """A thread-safe display of a run's components, and of lines about the run.

    A bar's length is the number of entries that Ozon announces for its lists; without that number it has no length.
    """

    def __init__(self, stderr: TextIO, settings: Settings) -> None:
        self._console = Console(file=stderr)
        self._settings = settings
        self._lock = RLock()
        self.is_terminal = self._console.is_terminal
        self._has_bars = self.is_terminal
        self._bars: Progress | None = None
        self._bar_ids: dict[str, TaskID] = {}
        self._last_lines: dict[str, str] = {}
        self._counted_at: dict[str, float] = {}

    def print_line(self, sentence: str) -> None:
        """Print a line above the bars."""
        with self._lock:
            moment = "" if self.is_terminal else f"{self._settings.in_time_zone(datetime.now(tz=UTC)):%H:%M:%S} "
            self._console.print(f"{moment}{sentence}", markup=False, highlight=False, soft_wrap=True)

    def print_note(self, sentence: str) -> None:
        """Print a line, unless ``--quiet`` is set."""
        if not is_quiet():
            self.print_line(sentence)

    def print_change(self, subject: str, sentence: str) -> None:
        """Print a line, unless it is the same as the last one about this subject."""
        with self._lock:
            if self._last_lines.get(subject) != sentence:
                self._last_lines[subject] = sentence
                self.print_line(sentence)

    def show(self, state: ComponentState, listed: Listed | None) -> None:
        """Update a component's bar on a terminal; elsewhere print a line if its state has changed."""
        with self._lock:
            if self._has_bars:
                self._draw(state, listed)
            else:
                self._describe(state, listed)

    def close(self) -> None:
        """Stop the bars and restore the cursor; from now on only lines are printed."""
        with self._lock:
            self._has_bars = False
            if self._bars:
                self._bars.stop()
                self._bars = None

    def _draw(self, state: ComponentState, listed: Listed | None) -> None:
        bars = self._bars or self._begin_bars()
        name = f"{state.account} {state.component}"
        if name not in self._bar_ids:
            self._bar_ids[name] = bars.add_task(name, total=None, rows="", lasts="", status="")
        bar = self._bar_ids[name]
        attempt = f" (attempt {state.attempt})" if state.attempt > 1 else ""
        style = _STYLES.get(state.status, "none")
        bars.update(bar, lasts=f"{state.seconds:.0f} s", status=f"[{style}]{state.status}[/]{attempt}")
        if listed:
            bars.update(bar, completed=listed.read, total=listed.total, rows=_entries(listed))
        elif state.status == "success":
            rows = state.rows_read or 0
            bars.update(bar, completed=max(rows, 1), total=max(rows, 1), rows=f"{number(rows)} rows")

    def _begin_bars(self) -> Progress:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rows]}"),
            TextColumn("{task.fields[lasts]}"),
            TextColumn("{task.fields[status]}"),
            console=self._console,
            # Other output goes to the log, and has to stay there.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bars.start()
        return self._bars

    def _describe(self, state: ComponentState, listed: Listed | None) -> None:
        name = f"{state.component} of account {state.account}"
        attempt = f"{name}, attempt {state.attempt}"
        if state.status == "running":
            self.print_change(name, f"{attempt}: running")
            now = time.monotonic()
            if listed and now - self._counted_at.get(name, 0) >= self._settings.load.progress_interval_seconds:
                self._counted_at[name] = now
                self.print_change(f"{name}, rows", f"{attempt}: {_entries(listed)}")
            return
        rows = "" if state.rows_read is None else f", {number(state.rows_read)} rows read"
        self.print_change(name, f"{attempt}: {state.status}{rows}" + (f". {state.error}" if state.error else ""))


def _entries(listed: Listed) -> str:
    return number(listed.read) + (" listed" if listed.total is None else f" of {number(listed.total)} listed")
