"""The rate limit, a sliding window of one second for each Client-Id, and the circuit breaker.

Only admitted requests count against the limit; all requests count for the busiest second, with which a test checks
whether a client stays within the limit.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from include.ozon_sandbox.config import Config
from include.ozon_sandbox.errors import circle_open, rate_limited

ANALYTICS_STOCKS = "/v1/analytics/stocks"
_REFUSALS_SECONDS = 10.0

Clock = Callable[[], float]


class Window:
    """The moments of requests in the last ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._moments: deque[float] = deque()

    def count(self, now: float) -> int:
        while self._moments and self._moments[0] <= now - self.seconds:
            self._moments.popleft()
        return len(self._moments)

    def add(self, now: float) -> None:
        self._moments.append(now)

    def seconds_until_free(self, now: float) -> float:
        return self._moments[0] + self.seconds - now


def _second() -> Window:
    return Window(1.0)


def _refusals() -> Window:
    return Window(_REFUSALS_SECONDS)


@dataclass
class _Client:
    admitted: Window = field(default_factory=_second)
    arrived: Window = field(default_factory=_second)
    busiest_second: int = 0
    analytics_free_at: float = 0.0
    refused: defaultdict[str, Window] = field(default_factory=lambda: defaultdict(_refusals))
    circuit_open_until: dict[str, float] = field(default_factory=dict)


class Limits:
    """The use of the API by all clients; for one event loop, so without locks."""

    def __init__(self, config: Config, clock: Clock = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._clients: defaultdict[str, _Client] = defaultdict(_Client)

    def remaining(self, client_id: str) -> int:
        """Return the value of ``Ratelimit-Remaining``."""
        used = self._clients[client_id].admitted.count(self._clock()) if client_id in self._clients else 0
        return max(0, self._config.rate_limit_per_second - used)

    def busiest_seconds(self) -> dict[str, int]:
        """Return the most requests that arrived in any one second, by Client-Id."""
        return {client_id: client.busiest_second for client_id, client in self._clients.items()}

    def reset_busiest_seconds(self) -> None:
        for client in self._clients.values():
            client.busiest_second = 0

    def admit(self, client_id: str, path: str) -> None:
        """Count a request. Raises ApiError (429) if the limit is exceeded or the method's circuit is open."""
        now = self._clock()
        client = self._clients[client_id]
        client.arrived.add(now)
        client.busiest_second = max(client.busiest_second, client.arrived.count(now))
        if now < client.circuit_open_until.get(path, 0.0):
            raise circle_open()
        wait_seconds = self._wait_seconds(client, path, now)
        if wait_seconds > 0:
            self._refuse(client, path, now)
            raise rate_limited(math.ceil(wait_seconds))
        client.admitted.add(now)
        if path == ANALYTICS_STOCKS:
            client.analytics_free_at = now + self._config.analytics_seconds_between_requests

    def _wait_seconds(self, client: _Client, path: str, now: float) -> float:
        if client.admitted.count(now) >= self._config.rate_limit_per_second:
            return client.admitted.seconds_until_free(now)
        return client.analytics_free_at - now if path == ANALYTICS_STOCKS else 0.0

    def _refuse(self, client: _Client, path: str, now: float) -> None:
        refused = client.refused[path]
        refused.add(now)
        if refused.count(now) >= self._config.circuit_refusals:
            client.circuit_open_until[path] = now + self._config.circuit_open_seconds
