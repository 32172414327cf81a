"""Cancellation of a task, and of the tasks that would follow it in the same process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from include.ozon.errors import CancelledError

# `airflow dags test` runs all tasks in one process and continues after a cancelled one; elsewhere each has its own.
_process_was_cancelled = threading.Event()


def cancel_process() -> None:
    """Prevent any further component of this process from starting; a running one ends by its own signal."""
    _process_was_cancelled.set()


@contextmanager
def cancellable() -> Iterator[None]:
    """Turn the first SIGTERM or SIGINT into a CancelledError; a second one ends the process.

    Airflow's own handler only calls an operator's ``on_kill``, which a function as a task does not have.
    Raises CancelledError at once if an earlier task of the process was cancelled.
    """
    if _process_was_cancelled.is_set():
        raise CancelledError("The run was cancelled before this task began.")

    def cancel(number: int, frame: FrameType | None) -> None:
        _process_was_cancelled.set()
        for other in previous:
            signal.signal(other, signal.SIG_DFL)
        raise CancelledError(f"The run was cancelled ({signal.Signals(number).name}); nothing of it was loaded.")

    previous = {number: signal.signal(number, cancel) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
