"""SIGINT and SIGTERM at any moment of a run."""

from __future__ import annotations

import _thread
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# Used by nothing else, and ignored by default.
_WAKE = signal.SIGURG
_REPEAT_SECONDS = 0.5


class Interruption:
    """A context manager that notes the first signal and ends the process at the second one.

    A handler of our own would be replaced: Airflow's task runner sets one for SIGTERM at each task's start and leaves
    it there, and a component sets its own while it runs. But the interpreter writes every signal's number to its
    "wakeup" descriptor, and a thread reads it there. Must be entered in the main thread.
    """

    def __init__(self) -> None:
        self.happened = threading.Event()
        self.number: signal.Signals | None = None
        self._happened_at = 0.0
        self._on_first_signal: Callable[[], None] | None = None
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def exit_code(self) -> int:
        """The exit code that a shell reports for a process ended by this signal; 0 without a signal."""
        return 128 + self.number if self.number else 0

    @property
    def name(self) -> str:
        return self.number.name if self.number else ""

    @property
    def seconds_ago(self) -> float:
        return time.monotonic() - self._happened_at

    def on_first_signal(self, action: Callable[[], None] | None) -> None:
        """Set the action to run in a new thread at the first signal; None removes it."""
        self._on_first_signal = action

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._previous_descriptor = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, _ignore) for number in (*SIGNALS, _WAKE)}
        self._main_thread = threading.get_ident()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ozon-signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_descriptor)
        self._is_over.set()
        os.write(self._write, b"\0")
        self._thread.join()
        for end in (self._read, self._write):
            os.close(end)

    def _watch(self) -> None:
        while not self._is_over.is_set():
            ready, _, _ = select.select([self._read], [], [], _REPEAT_SECONDS)
            if ready:
                self._note(self._next_number())
            elif self.number:
                self._repeat(self.number)

    def _note(self, number: int | None) -> None:
        if number not in SIGNALS:
            return
        if self.number is None:
            self.number = signal.Signals(number)
            self._happened_at = time.monotonic()
            self.happened.set()
            if self._on_first_signal:
                threading.Thread(target=self._on_first_signal, name="ozon-first-signal", daemon=True).start()
            return
        os._exit(128 + number)

    def _repeat(self, number: signal.Signals) -> None:
        """Repeat the signal for a component that set its handler just after the signal came.

        This has no effect when the handler is the system's, as it is once a component has noticed the signal.
        """
        _thread.interrupt_main(number)
        # The echo of our own signal, which must not count as a second one.
        self._next_number()
        # If the main thread waits for a lock, only a real signal wakes it.
        signal.pthread_kill(self._main_thread, _WAKE)

    def _next_number(self) -> int | None:
        try:
            return os.read(self._read, 1)[0]
        except (BlockingIOError, IndexError):
            return None


def _ignore(number: int, frame: FrameType | None) -> None:
    pass
