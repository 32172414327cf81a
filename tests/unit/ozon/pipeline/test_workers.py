"""Requests on threads, with answers one at a time on the calling thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from include.ozon.errors import MarketplaceUnavailableError
from include.ozon.pipeline.workers import Workers

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def workers() -> Iterator[Workers]:
    created = Workers(4)
    yield created
    created.close()


def test_every_answer_is_handled_on_the_callers_thread(workers: Workers) -> None:
    answers: list[int] = []
    threads: set[threading.Thread] = set()

    def take(answer: int) -> None:
        answers.append(answer)
        threads.add(threading.current_thread())

    for n in range(100):
        workers.submit(lambda n=n: n, take)
    workers.drain()

    assert sorted(answers) == list(range(100))
    assert threads == {threading.current_thread()}


def test_requests_run_in_parallel(workers: Workers) -> None:
    together = threading.Barrier(4)
    answers: list[int] = []

    for _ in range(4):
        workers.submit(together.wait, answers.append)
    workers.drain()

    assert sorted(answers) == [0, 1, 2, 3]


def test_one_thread_keeps_the_order() -> None:
    workers = Workers(1)
    started: list[int] = []
    answers: list[None] = []

    for n in range(20):
        workers.submit(lambda n=n: started.append(n), answers.append)
    workers.drain()
    workers.close()

    assert started == list(range(20))


def test_an_answer_may_lead_to_further_requests(workers: Workers) -> None:
    answers: list[int] = []

    def take(answer: int) -> None:
        answers.append(answer)
        if answer < 10:
            workers.submit(lambda: answer + 1, take)

    workers.submit(lambda: 0, take)
    workers.drain()

    assert answers == list(range(11))


def test_a_requests_exception_is_raised_in_the_caller(workers: Workers) -> None:
    def fail() -> None:
        raise MarketplaceUnavailableError("gone")

    workers.submit(fail, lambda _: None)

    with pytest.raises(MarketplaceUnavailableError, match="gone"):
        workers.drain()


def test_an_answer_handlers_exception_is_raised_in_the_caller(workers: Workers) -> None:
    def refuse(_: int) -> None:
        raise ValueError("unwanted")

    workers.submit(lambda: 1, refuse)

    with pytest.raises(ValueError, match="unwanted"):
        workers.drain()


def test_drain_with_nothing_to_do_returns(workers: Workers) -> None:
    workers.drain()


def test_close_does_not_wait_for_answers_and_lets_the_threads_end() -> None:
    before = set(threading.enumerate())
    workers = Workers(2)
    started = [threading.Event() for _ in range(2)]
    answer = threading.Event()

    def slow(n: int) -> None:
        started[n].set()
        answer.wait()

    for n in range(2):
        workers.submit(lambda n=n: slow(n), lambda _: None)
    for event in started:
        event.wait()
    threads = set(threading.enumerate()) - before

    workers.close()

    assert all(thread.is_alive() for thread in threads)
    assert all(thread.daemon for thread in threads)
    answer.set()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_close_ends_threads_with_unhandled_answers() -> None:
    before = set(threading.enumerate())
    workers = Workers(2)
    for n in range(50):
        workers.submit(lambda n=n: n, lambda _: None)
    threads = set(threading.enumerate()) - before

    workers.close()

    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_after_close_no_further_request_is_made() -> None:
    before = set(threading.enumerate())
    workers = Workers(1)
    (thread,) = set(threading.enumerate()) - before
    made: list[int] = []
    started, go_on = threading.Event(), threading.Event()

    def first() -> None:
        started.set()
        go_on.wait()

    workers.submit(first, lambda _: None)
    workers.submit(lambda: made.append(1), lambda _: None)
    started.wait()

    workers.close()

    go_on.set()
    thread.join(10)
    assert made == []
