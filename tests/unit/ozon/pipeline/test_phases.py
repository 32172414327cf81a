"""The division of an attempt's time into phases."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from include.ozon.pipeline.phases import PhaseSeconds
from include.ozon.pipeline.workers import Workers

ABOUT = 0.06


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


def test_waits_downloads_and_staging_do_not_overlap(workers: Workers) -> None:
    seconds, started = PhaseSeconds(), time.monotonic()

    with seconds.staging_with(workers), seconds.answers(workers, iter([0.0, 0.6]).__next__):
        # Two threads need 0.4 s each, of which they wait for 0.3 s; staging takes 0.2 s each.
        for _ in range(2):
            workers.submit(lambda: time.sleep(0.4), lambda _: time.sleep(0.2))
        workers.drain()

    assert seconds.waiting == pytest.approx(0.3, abs=ABOUT)
    assert seconds.downloading == pytest.approx(0.1, abs=ABOUT)
    assert seconds.staging == pytest.approx(0.4, abs=ABOUT)
    assert sum(seconds.rounded().values()) == pytest.approx(time.monotonic() - started, abs=0.01)


def test_an_answer_that_arrives_during_staging_costs_nothing(workers: Workers) -> None:
    seconds = PhaseSeconds()

    with seconds.staging_with(workers), seconds.answers(workers, lambda: 0.0):
        workers.submit(lambda: time.sleep(0.1), lambda _: time.sleep(0.3))
        workers.submit(lambda: time.sleep(0.3), lambda _: None)
        workers.drain()

    assert (seconds.waiting, seconds.downloading) == (0, pytest.approx(0.1, abs=ABOUT))
    assert seconds.staging == pytest.approx(0.3, abs=ABOUT)


def test_a_request_on_the_calling_thread_is_waiting_or_downloading(workers: Workers) -> None:
    seconds = PhaseSeconds()

    with seconds.staging_with(workers), seconds.answers(workers, iter([5.0, 5.1]).__next__):
        workers.call(lambda: time.sleep(0.2))

    assert seconds.waiting == pytest.approx(0.1, abs=ABOUT)
    assert seconds.downloading == pytest.approx(0.1, abs=ABOUT)
    assert seconds.staging == pytest.approx(0, abs=ABOUT)


def test_a_failed_phase_counts_too() -> None:
    seconds = PhaseSeconds()

    def fail() -> None:
        time.sleep(0.05)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), seconds.during("merging"):
        fail()
    assert seconds.merging >= 0.05
