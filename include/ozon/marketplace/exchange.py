"""One request and its answer, within a number of seconds and a number of bytes.

The time-outs of requests are for single reads: a server that sends a byte now and then is waited for without an end,
and nothing limits the name resolution. So each exchange runs on a daemon thread of its own, and whoever waits for it
goes on at the deadline or when told to stop.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import requests.adapters
from urllib3.connection import HTTPConnection

# Requests reads in pieces of 10 kB by default, which takes longer than all else it does for a page (measured).
READ_BYTES_COUNT = 1_000_000
# A page of a thousand products has some 3 MB. A few kB of gzip can unpack to a thousand times as much.
LARGEST_BODY_BYTES_COUNT = 64_000_000
# Of an answer other than 200, which is read for its message only.
LARGEST_ERROR_BYTES_COUNT = 64_000
_STOP_INTERVAL_SECONDS = 0.1


class ExchangeTimeoutError(Exception):
    """The answer was not complete at the deadline."""


class ExchangeStoppedError(Exception):
    """``stop`` was set while the exchange was under way."""


class BodyTooLargeError(Exception):
    """The unpacked body is larger than LARGEST_BODY_BYTES_COUNT."""


@dataclass(frozen=True)
class Exchange:
    """An answer as it came, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """Its beginning where the status is not 2xx."""
    seconds: float

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Line:
    """A session with one connection, for one exchange after the other."""

    def __init__(self, headers: Mapping[str, str], timeouts: tuple[float, float]) -> None:
        self._timeouts = timeouts
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=1)
        self._session = requests.Session()
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._session.headers.update(headers)
        self._is_given_up = threading.Event()

    def exchange(self, url: str, content: bytes, seconds: float, stop: threading.Event) -> Exchange:
        """POST ``content`` and return the answer.

        Raises requests' errors and those above. After ExchangeTimeoutError and ExchangeStoppedError the line
        must not be used again: its thread may still be busy with the name resolution.
        """
        outcome: Future[Exchange] = Future()

        def post() -> None:
            try:
                outcome.set_result(self._post(url, content))
            except Exception as error:
                outcome.set_exception(error)

        deadline = time.monotonic() + seconds
        threading.Thread(target=post, name="ozon-exchange", daemon=True).start()
        try:
            while not wait([outcome], min(_STOP_INTERVAL_SECONDS, max(0.0, deadline - time.monotonic()))).done:
                if stop.is_set():
                    raise ExchangeStoppedError
                if time.monotonic() >= deadline:
                    raise ExchangeTimeoutError
        finally:
            if not outcome.done():
                self._is_given_up.set()
                self._adapter.shut_down()
        return outcome.result()

    def _post(self, url: str, content: bytes) -> Exchange:
        options: dict[str, Any] = {"timeout": self._timeouts, "allow_redirects": False, "stream": True}
        started_at = time.monotonic()
        with self._session.post(url, data=content, **options) as response:
            body = self._read(response)
        return Exchange(response.status_code, response.headers, body, time.monotonic() - started_at)

    def _read(self, response: requests.Response) -> bytes:
        is_success = 200 <= response.status_code < 300
        most = LARGEST_BODY_BYTES_COUNT if is_success else LARGEST_ERROR_BYTES_COUNT
        body: list[bytes] = []
        size = 0
        for piece in response.iter_content(min(READ_BYTES_COUNT, most)):
            body.append(piece)
            size += len(piece)
            if self._is_given_up.is_set():
                # What has come already takes its time to unpack, whatever became of the connection.
                raise ExchangeStoppedError
            if size > most:
                if is_success:
                    raise BodyTooLargeError
                break
        return b"".join(body)

    def close(self) -> None:
        self._session.close()


class _Adapter(requests.adapters.HTTPAdapter):
    """Knows its connection, so that another thread can end what waits for it."""

    _connection: HTTPConnection | None = None

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        if "ConnectionCls" not in vars(pool):
            make_connection = pool.ConnectionCls

            def make_known_connection(*args: Any, **options: Any) -> Any:
                self._connection = make_connection(*args, **options)
                return self._connection

            pool.ConnectionCls = make_known_connection
        return pool

    def shut_down(self) -> None:
        """End the exchange that is under way, unless it still resolves the name: that ends when it can."""
        sock = self._connection and self._connection.sock
        if sock:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
