"""The limit of requests per second, and the waits after a rate-limited request."""

from __future__ import annotations

import math
import threading
import time

# Requests are sent evenly but do not arrive evenly: one that is delayed by this much must not make the receiver count
# too many in its second.
JITTER_SECONDS = 0.1
# The limit is per second, so the first wait without a Retry-After is one second.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0


class Pacer:
    """A thread-safe rate limiter that hands out evenly spaced moments for requests.

    No period of one second contains more than ``requests_per_second`` of them; a rate below 1 means one request in
    ``1 / rate`` seconds. Idle time is not made up for.

    No library does this: the limiters on PyPI are token buckets, which start full and refill while idle, so that
    their first second has up to twice the limit (docs/decisions).
    """

    def __init__(self, requests_per_second: float) -> None:
        if requests_per_second <= 0:
            raise ValueError(f"requests_per_second: expected a number above 0, found {requests_per_second}")
        requests_count = max(1, math.floor(requests_per_second))
        window_seconds = max(1.0, 1 / requests_per_second)
        self._interval_seconds = (window_seconds + JITTER_SECONDS) / requests_count
        self._next_at = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event | None = None) -> float:
        """Sleep until the next free moment, or until ``stop`` is set, and return the seconds waited."""
        with self._lock:
            asked_at = time.monotonic()
            slot_at = max(asked_at, self._next_at)
            self._next_at = slot_at + self._interval_seconds
        if slot_at > asked_at:
            (stop or threading.Event()).wait(slot_at - asked_at)
        return time.monotonic() - asked_at

    def pause(self, seconds: float) -> None:
        """Hand out no moment during the next ``seconds``, because the receiver asked to wait."""
        with self._lock:
            self._next_at = max(self._next_at, time.monotonic() + seconds)


class RateLimitBackoff:
    """Waits after rate-limited requests without a Retry-After: doubled each time for the same method."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[float, float]] = {}
        """By method: the seconds of the last wait, and when it ends."""
        self._lock = threading.Lock()

    def next_wait_seconds(self, method: str, sent_at: float) -> float:
        """Return the seconds to wait after the refusal of a request that was sent at ``sent_at`` (monotonic)."""
        now = time.monotonic()
        with self._lock:
            seconds, ends_at = self._waits.get(method, (0.0, -math.inf))
            if sent_at < ends_at:
                # Sent by another thread before the wait began: part of the same refusal.
                return max(FIRST_WAIT_SECONDS, ends_at - now)
            seconds = min(max(FIRST_WAIT_SECONDS, 2 * seconds), LONGEST_WAIT_SECONDS)
            self._waits[method] = (seconds, now + seconds)
            return seconds

    def reset(self, method: str) -> None:
        """Reset the method's next wait to the shortest one."""
        with self._lock:
            self._waits.pop(method, None)


_shared: dict[tuple[str, float], Pacer] = {}


def shared_pacer(who: str, requests_per_second: float) -> Pacer:
    """Return the process's only pacer for ``who`` at this rate.

    Two clients in a row must not exceed the limit in the second in which the one ends and the other begins.
    """
    return _shared.setdefault((who, requests_per_second), Pacer(requests_per_second))
