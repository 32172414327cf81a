"""One request and its answer, limited in seconds and bytes.

The time-outs of the library requests apply to single reads: a server that sends a byte now and then can block forever,
and nothing limits the name resolution. So each exchange runs on its own daemon thread, and the caller waits only until
the deadline or until ``stop`` is set.
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

# The library's default of 10 kB takes longer than everything else it does for a page (measured).
READ_BYTES_COUNT = 1_000_000
# A page of a thousand products has about 3 MB. A few kB of gzip can unpack to a thousand times as much.
LARGEST_BODY_BYTES_COUNT = 64_000_000
# For an answer other than 200, which is read only for its message.
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
    """A raw answer with any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """Only the beginning if the status is not 2xx."""
    seconds: float

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class HttpSession:
    """A session with one connection, for one exchange at a time."""

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

        Raises the errors of requests and of this module. The session must not be used again after ExchangeTimeoutError
        and ExchangeStoppedError: its thread may still be busy with the name resolution.
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
                # Unpacking the received bytes takes time even after the connection was closed.
                raise ExchangeStoppedError
            if size > most:
                if is_success:
                    raise BodyTooLargeError
                break
        return b"".join(body)

    def close(self) -> None:
        self._session.close()


class _Adapter(requests.adapters.HTTPAdapter):
    """An adapter that keeps its connection, so that another thread can shut it down."""

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
        """End the running exchange; a name resolution cannot be interrupted."""
        sock = self._connection and self._connection.sock
        if sock:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
