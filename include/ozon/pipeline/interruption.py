"""SIGINT and SIGTERM at whatever moment of a run they come."""

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

# What nobody else uses, and ignored where it is not handled.
_WAKE = signal.SIGURG
_REPEAT_SECONDS = 0.5


class Interruption:
    """``with Interruption() as interruption:`` notes the first signal, and ends the process at a second one.

    Airflow's task runner sets a handler for SIGTERM at each task's start, and leaves it there; a component sets its
    own while it works. So a handler of ours would be replaced. The interpreter writes each signal's number to its
    "wakeup" descriptor whoever handles it, and a thread reads it there. To be entered in the main thread.
    """

    def __init__(self) -> None:
        self.happened = threading.Event()
        self.number: signal.Signals | None = None
        self._happened_at = 0.0
        self._at_first: Callable[[], None] | None = None
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def exit_code(self) -> int:
        """As a shell says it of a process that a signal ended; 0 where none came."""
        return 128 + self.number if self.number else 0

    @property
    def name(self) -> str:
        return self.number.name if self.number else ""

    @property
    def seconds_ago(self) -> float:
        return time.monotonic() - self._happened_at

    def at_first(self, action: Callable[[], None] | None) -> None:
        """What the first signal does besides, in a thread of its own; None takes it away again."""
        self._at_first = action

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._previous_descriptor = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, _leave_it_to_the_thread) for number in (*SIGNALS, _WAKE)}
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
            if self._at_first:
                threading.Thread(target=self._at_first, name="ozon-first-signal", daemon=True).start()
            return
        os._exit(128 + number)

    def _repeat(self, number: signal.Signals) -> None:
        """For a component that had asked whether to begin just before, and set its handler just after the signal.

        Where the signal's handler is the system's, as after a component took notice, this does nothing.
        """
        _thread.interrupt_main(number)
        # Its own echo, which is no second signal.
        self._next_number()
        # The main thread may wait for a lock, from which only a real signal wakes it.
        signal.pthread_kill(self._main_thread, _WAKE)

    def _next_number(self) -> int | None:
        try:
            return os.read(self._read, 1)[0]
        except (BlockingIOError, IndexError):
            return None


def _leave_it_to_the_thread(number: int, frame: FrameType | None) -> None:
    pass
