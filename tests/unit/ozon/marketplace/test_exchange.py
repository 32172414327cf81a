"""Exchanges end at the deadline, at ``stop`` and at the largest body size, whatever the server does."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from include.ozon.errors import BadDataError, MarketplaceUnavailableError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.transport import RequestStoppedError
from include.ozon_sandbox.faults.wire import zeros
from tests.support.scripted_server import Answer, Server
from tests.unit.ozon.marketplace.conftest import MakeClient

pytestmark = pytest.mark.faults

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
# The part that is sent at once, and the part that is repeated.
DRIPS = {
    "the body": (HEAD, b" "),
    "a header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "the status line": (b"", b"H"),
    "one 100 Continue after the other": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the body of an error": (HEAD.replace(b"200 OK", b"502 Bad"), b"<"),
}
PERMITTED_SECONDS = 2.0


class DrippingServer:
    """A server that sends ``first`` and then ``drop`` every 50 ms, to each connection while it is open."""

    def __init__(self, first: bytes, drop: bytes) -> None:
        self._first, self._drop = first, drop
        self.has_ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.recv(100_000)
            try:
                connection.sendall(self._first)
                while True:
                    connection.sendall(self._drop)
                    time.sleep(0.05)
            except OSError:
                self.has_ended.set()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that does not answer during the test."""
    is_over = threading.Event()
    resolve = socket.getaddrinfo

    def resolve_slowly(host: str, *arguments: object, **options: object) -> object:
        if host == "slow.example":
            is_over.wait(30)
            raise socket.gaierror
        return resolve(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)
    yield
    is_over.set()


def at(url: str) -> Credentials:
    return Credentials(url, "1", "k", "ozon_api_main", allow_http=True)


def raised_after(client: SellerClient, seconds_until_stop: float | None, stop: threading.Event) -> tuple[object, float]:
    """Return the error of one call, and the time it took from the start or from ``stop``."""
    started_at = time.monotonic()
    if seconds_until_stop is not None:
        threading.Timer(seconds_until_stop, stop.set).start()
        started_at += seconds_until_stop
    try:
        client.roles()
    except Exception as error:
        return error, time.monotonic() - started_at
    return None, 0.0


@pytest.mark.parametrize("how", ["deadline", "stop"])
@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_drips_ends(make_client: MakeClient, what: str, how: str) -> None:
    server = DrippingServer(*DRIPS[what])
    stop = threading.Event()
    options = {"exchange_timeout_seconds": 0.4} if how == "deadline" else {}
    client = make_client(other=at(f"http://127.0.0.1:{server.port}"), stop=stop, attempts=1, **options)

    error, seconds = raised_after(client, 0.4 if how == "stop" else None, stop)

    assert seconds < PERMITTED_SECONDS
    if how == "stop":
        assert type(error) is RequestStoppedError
    else:
        assert type(error) is MarketplaceUnavailableError
        assert "did not complete its answer within 0.4 seconds (api.exchange_timeout_seconds)" in str(error)
    assert server.has_ended.wait(5), "the connection is still open"
    server.close()


@pytest.mark.parametrize("how", ["deadline", "stop"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_is_not_resolved_ends(
    make_client: MakeClient, slow_names: None, monkeypatch: pytest.MonkeyPatch, how: str, scheme: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    stop = threading.Event()
    options = {"exchange_timeout_seconds": 0.4} if how == "deadline" else {}
    client = make_client(other=at(f"{scheme}://slow.example"), stop=stop, attempts=1, **options)

    error, seconds = raised_after(client, 0.4 if how == "stop" else None, stop)

    assert seconds < PERMITTED_SECONDS
    assert type(error) is (RequestStoppedError if how == "stop" else MarketplaceUnavailableError)


def test_a_server_that_accepts_without_tls_ends(make_client: MakeClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = at(f"https://127.0.0.1:{silent.getsockname()[1]}")
        client = make_client(other=other, attempts=1, exchange_timeout_seconds=0.4)
        error, seconds = raised_after(client, None, threading.Event())
    assert seconds < PERMITTED_SECONDS
    assert type(error) is MarketplaceUnavailableError


def test_a_process_ends_while_its_exchange_is_under_way() -> None:
    """A thread that waits for a name or a byte must not keep the process alive."""
    script = """
import socket, threading, time
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.settings import ApiSettings
api = ApiSettings(exchange_timeout_seconds=0.2, attempts=1)
client = SellerClient(Credentials("http://slow.example", "1", "k", "x", allow_http=True), api)
try:
    client.roles()
except Exception as error:
    print(type(error).__name__)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "MarketplaceUnavailableError\n"


def test_an_exchange_that_ended_early_leaves_the_next_one_alone(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={}, seconds=0.5), Answer(body={"expires_at": "2030-01-01T00:00:00Z"})]
    client = make_client(attempts=2, exchange_timeout_seconds=0.2)
    assert client.roles().expires_at == "2030-01-01T00:00:00Z"


def test_a_connection_serves_one_request_after_the_other(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(409, {"code": 10, "message": "conflict"}), Answer(body={})]
    client = make_client()
    for _ in range(3):
        client.roles()
    assert len({asked.port for asked in server.asked}) == 1


MEASURE = """
import resource, sys, threading
from include.ozon.errors import BadDataError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.settings import ApiSettings
client = SellerClient(Credentials(sys.argv[1], "1", "k", "x"), ApiSettings(attempts=1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    client.roles()
except BadDataError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_body_that_unpacks_to_a_thousand_times_its_size_is_refused(server: Server) -> None:
    server.answers = [Answer(body=zeros(1_500), headers={"Content-Encoding": "gzip"})]
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, server.url], capture_output=True, text=True, timeout=60, check=True
    )
    message, megabytes = ended.stdout.splitlines()
    assert "/v1/roles answered with a body that unpacks to more than 64 MB" in message
    assert int(megabytes) < 100


def test_a_body_that_takes_long_to_unpack_ends(server: Server, make_client: MakeClient) -> None:
    """Many short gzip members are unpacked much more slowly than a long one."""
    server.answers = [Answer(body=gzip.compress(bytes(1_000_000)) * 1_500, headers={"Content-Encoding": "gzip"})]
    client = make_client(attempts=1, exchange_timeout_seconds=0.5)
    others = set(threading.enumerate())
    error, seconds = raised_after(client, None, threading.Event())
    assert seconds < PERMITTED_SECONDS
    assert type(error) is MarketplaceUnavailableError
    for exchange in {thread for thread in threading.enumerate() if thread.name == "ozon-exchange"} - others:
        exchange.join(timeout=20)
        assert not exchange.is_alive()


def test_a_body_that_is_too_large_once_is_requested_again(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.ozon.marketplace.exchange.LARGEST_BODY_BYTES_COUNT", 1_000)
    server.answers = [Answer(body=b"{}" + b" " * 999), Answer(body=b"{}" + b" " * 998)]
    make_client().roles()
    assert len(server.asked) == 2


def test_a_body_that_is_too_large_each_time_is_bad_data(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.ozon.marketplace.exchange.LARGEST_BODY_BYTES_COUNT", 1_000)
    server.answers = [Answer(body=b"{}" + b" " * 999)]
    with pytest.raises(BadDataError, match=r"unpacks to more than .* This was attempt 2 of 2"):
        make_client(attempts=2).roles()


@pytest.mark.parametrize("status", [200, 403, 502])
@pytest.mark.parametrize("text", [b"<", b"<a", b"< ", b"[", b'{"message": "'])
def test_a_large_page_is_quoted_within_a_moment(
    server: Server, make_client: MakeClient, status: int, text: bytes
) -> None:
    server.answers = [Answer(status, text * (400_000 // len(text)))]
    started_at = time.process_time()
    with pytest.raises((MarketplaceUnavailableError, BadDataError)) as caught:
        make_client(attempts=1).roles()
    assert time.process_time() - started_at < 1
    assert len(str(caught.value)) < 1_000
