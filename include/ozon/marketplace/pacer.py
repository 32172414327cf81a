"""Keeping to a limit of requests a second, and backing off where one was refused all the same."""

from __future__ import annotations

import math
import threading
import time

# Requests leave evenly but do not travel evenly: one that is this much slower than those after it must not make
# the receiver count one too many in its second.
JITTER_SECONDS = 0.1
# The limit is one of requests in a second, so a second is the first wait after a refusal that names none.
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0


class Pacer:
    """Hands out evenly spaced moments at which a request may be sent, to any number of threads.

    In no one second, wherever it starts, are there more than ``requests_per_second`` of them; a rate below 1 is
    one request in ``1 / rate`` seconds. Time in which nobody asked is not made up for.

    No library does this: the limiters on PyPI are token buckets, which start full and refill while idle, so that
    their first second holds up to twice the limit (docs/decisions).
    """

    def __init__(self, requests_per_second: float) -> None:
        if requests_per_second <= 0:
            raise ValueError(f"requests_per_second has to be above 0, got {requests_per_second}")
        requests_count = max(1, math.floor(requests_per_second))
        window_seconds = max(1.0, 1 / requests_per_second)
        self._interval_seconds = (window_seconds + JITTER_SECONDS) / requests_count
        self._next_at = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event | None = None) -> float:
        """Sleep until the next free moment, or until ``stop`` is set, and return how many seconds that took."""
        with self._lock:
            asked_at = time.monotonic()
            slot_at = max(asked_at, self._next_at)
            self._next_at = slot_at + self._interval_seconds
        if slot_at > asked_at:
            (stop or threading.Event()).wait(slot_at - asked_at)
        return time.monotonic() - asked_at

    def hold(self, seconds: float) -> None:
        """Hand out no further moment for so many seconds, because the receiver asked everybody to wait."""
        with self._lock:
            self._next_at = max(self._next_at, time.monotonic() + seconds)


class RefusalWaits:
    """How long to wait after refusals that name no time: twice as long each time the same method refuses again."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[float, float]] = {}
        """By method: the seconds of the last wait, and when it ends."""
        self._lock = threading.Lock()

    def refused(self, method: str, sent_at: float) -> float:
        """Return how many seconds to wait after a refusal of a request that was sent at ``sent_at`` (monotonic)."""
        now = time.monotonic()
        with self._lock:
            seconds, ends_at = self._waits.get(method, (0.0, -math.inf))
            if sent_at < ends_at:
                # Sent by another thread before the wait was known: the same refusal as the one that began it.
                return max(FIRST_WAIT_SECONDS, ends_at - now)
            seconds = min(max(FIRST_WAIT_SECONDS, 2 * seconds), LONGEST_WAIT_SECONDS)
            self._waits[method] = (seconds, now + seconds)
            return seconds

    def answered(self, method: str) -> None:
        """Begin again with the shortest wait at the method's next refusal."""
        with self._lock:
            self._waits.pop(method, None)


_shared: dict[tuple[str, float], Pacer] = {}


def shared_pacer(who: str, requests_per_second: float) -> Pacer:
    """This process's one pacer for ``who`` at this rate.

    A client that begins where another one has just ended must not add its first second to the other's last.
    """
    return _shared.setdefault((who, requests_per_second), Pacer(requests_per_second))
