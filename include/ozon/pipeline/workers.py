"""Requests on several threads, with their answers handled one at a time on the calling thread.

Only the calling thread uses PostgreSQL, so handling an answer needs no locks and every page is staged in one piece.
Not ``concurrent.futures``: the interpreter waits for its threads at exit, and a cancelled run must not wait for an
answer that takes a minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Callable[[], Any], Callable[[Any], None]]
_Outcome = tuple[Callable[[Any], None], Any, BaseException | None, float]

# The number of answers that wait for PostgreSQL; more would only use memory.
_ANSWERS_WAITING = 4


class Workers:
    """Daemon threads that process requests in the order of submission.

    That order keeps a list from running far ahead of its details: its next page queues after them.

    ``blocked_seconds`` is the time that the calling thread has waited for answers, ``busy_seconds`` the time of all
    requests of the answers that it has handled.
    """

    def __init__(self, count: int) -> None:
        self.blocked_seconds = 0.0
        self.busy_seconds = 0.0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._outcomes: Queue[_Outcome] = Queue(_ANSWERS_WAITING)
        self._under_way = 0
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Callable[[], T], on_answer: Callable[[T], None]) -> None:
        """Queue ``request`` for a thread; ``drain`` calls ``on_answer`` with its result."""
        self._under_way += 1
        self._jobs.put((request, on_answer))

    def drain(self) -> None:
        """Handle answers until none is outstanding; ``on_answer`` may submit more. Raises a request's exception."""
        while self._under_way:
            began = time.monotonic()
            on_answer, answer, error, seconds = self._outcomes.get()
            self.blocked_seconds += time.monotonic() - began
            self.busy_seconds += seconds
            self._under_way -= 1
            if error is not None:
                raise error
            on_answer(answer)

    def call(self, request: Callable[[], T]) -> T:
        """Return the answer of a request on the calling thread, for lists that cannot be read in parallel."""
        began = time.monotonic()
        try:
            return request()
        finally:
            seconds = time.monotonic() - began
            self.blocked_seconds += seconds
            self.busy_seconds += seconds

    def close(self) -> None:
        """Stop the threads, each after its current request; unhandled answers are dropped."""
        self._closed.set()
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed.is_set():
            request, on_answer = job
            answer, failure, began = None, None, time.monotonic()
            try:
                answer = request()
            except BaseException as error:
                failure = error
            self._hand_over((on_answer, answer, failure, time.monotonic() - began))

    def _hand_over(self, outcome: _Outcome) -> None:
        while not self._closed.is_set():
            with suppress(Full):
                self._outcomes.put(outcome, timeout=0.5)
                return
