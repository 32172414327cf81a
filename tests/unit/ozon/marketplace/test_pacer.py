"""The rate limit: the tests count requests in any one second and never measure durations."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.ozon.marketplace.pacer import Pacer, RateLimitBackoff


def most_in_any(seconds: float, moments: list[float]) -> int:
    """Return the largest number of ``moments`` in a window that starts at one of them."""
    moments = sorted(moments)
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


@pytest.mark.parametrize(("rate", "threads"), [(45, 8), (3.9, 2)])
def test_no_second_exceeds_the_rate_not_even_the_first(rate: float, threads: int) -> None:
    pacer = Pacer(rate)
    moments: list[float] = []
    end_at = time.monotonic() + 1.2

    def work() -> None:
        while time.monotonic() < end_at:
            pacer.wait()
            moments.append(time.monotonic())

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(threads):
            pool.submit(work)
    assert len(moments) >= 2
    assert most_in_any(1, moments) <= int(rate)


def test_a_rate_below_one_is_one_request_in_its_time() -> None:
    pacer = Pacer(1 / 1.05)
    moments = []
    for _ in range(2):
        pacer.wait()
        moments.append(time.monotonic())
    assert most_in_any(1.05, moments) == 1


def test_idle_time_is_not_caught_up() -> None:
    pacer = Pacer(10)
    pacer.wait()
    time.sleep(0.5)
    moments = []
    for _ in range(4):
        pacer.wait()
        moments.append(time.monotonic())
    assert most_in_any(0.1, moments) == 1


def test_a_hold_leaves_its_time_without_requests() -> None:
    pacer = Pacer(50)
    pacer.wait()
    before = time.monotonic()
    pacer.pause(0.3)
    pacer.wait()
    assert most_in_any(0.3, [before, time.monotonic()]) == 1


def test_the_wait_ends_when_stop_is_set() -> None:
    pacer = Pacer(1 / 600)
    stop = threading.Event()
    pacer.wait(stop)
    waiting = threading.Thread(target=pacer.wait, args=(stop,), daemon=True)
    waiting.start()
    stop.set()
    waiting.join(timeout=10)
    assert not waiting.is_alive()


def test_the_seconds_waited_are_returned() -> None:
    pacer = Pacer(10)
    first, second = pacer.wait(), pacer.wait()
    assert first < second


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace time.monotonic() in the pacer's module; the test advances it."""
    now = [1000.0]
    monkeypatch.setattr("include.ozon.marketplace.pacer.time.monotonic", lambda: now[0])
    return now


def test_a_wait_doubles_with_each_refusal_of_a_method_and_ends_at_a_minute(clock: list[float]) -> None:
    waits = RateLimitBackoff()
    waited = []
    for _ in range(8):
        waited.append(waits.next_wait_seconds("/a", sent_at=clock[0]))
        clock[0] += waited[-1]
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits.next_wait_seconds("/b", sent_at=clock[0]) == 1


def test_an_answer_resets_the_wait(clock: list[float]) -> None:
    waits = RateLimitBackoff()
    for _ in range(3):
        clock[0] += waits.next_wait_seconds("/a", sent_at=clock[0])
    waits.reset("/a")
    assert waits.next_wait_seconds("/a", sent_at=clock[0]) == 1


def test_parallel_requests_double_a_wait_once(clock: list[float]) -> None:
    waits = RateLimitBackoff()
    clock[0] += waits.next_wait_seconds("/a", sent_at=clock[0])
    sent_at = clock[0]
    assert waits.next_wait_seconds("/a", sent_at) == 2
    clock[0] += 0.5
    assert waits.next_wait_seconds("/a", sent_at) == 1.5
    clock[0] += 1.4
    assert waits.next_wait_seconds("/a", sent_at + 0.3) == 1
    clock[0] += 0.1
    assert waits.next_wait_seconds("/a", sent_at=clock[0]) == 4


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_zero_or_less_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacer(rate)
