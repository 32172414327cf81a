"""Requests on several threads, their answers one at a time on the caller's.

Only the calling thread touches PostgreSQL, so answers need no locks and every page is staged in one piece. Not
``concurrent.futures``: its threads are waited for when the process ends, and a cancelled run must not wait for an
answer that takes a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Callable[[], Any], Callable[[Any], None]]
_Outcome = tuple[Callable[[Any], None], Any, BaseException | None]

# Answers wait here for PostgreSQL; more of them would only fill the memory.
_ANSWERS_WAITING = 4


class Workers:
    """A few daemon threads that work off requests in the order they were submitted.

    That order also keeps a list from running far ahead of its details: its next page queues behind them.
    """

    def __init__(self, count: int) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._outcomes: Queue[_Outcome] = Queue(_ANSWERS_WAITING)
        self._under_way = 0
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Callable[[], T], on_answer: Callable[[T], None]) -> None:
        """Have ``request`` done by some thread, and ``on_answer`` called with its result inside ``drain``."""
        self._under_way += 1
        self._jobs.put((request, on_answer))

    def drain(self) -> None:
        """Hand out answers until none is outstanding; ``on_answer`` may submit more. Raises what a request raised."""
        while self._under_way:
            on_answer, answer, error = self._outcomes.get()
            self._under_way -= 1
            if error is not None:
                raise error
            on_answer(answer)

    def close(self) -> None:
        """Let the threads end, each after the answer that it waits for; answers not handed out are dropped."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed.is_set():
            request, on_answer = job
            try:
                outcome: _Outcome = (on_answer, request(), None)
            except BaseException as error:
                outcome = (on_answer, None, error)
            self._hand_over(outcome)

    def _hand_over(self, outcome: _Outcome) -> None:
        while not self._closed.is_set():
            with suppress(Full):
                self._outcomes.put(outcome, timeout=0.5)
                return
