"""The dead man's switch: it never fails the caller, and never logs its address."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.ozon.monitoring.health.heartbeat import ping

TOKEN = "5f2c1a9e-token"


class Listener(BaseHTTPRequestHandler):
    calls: list[str]

    def do_GET(self) -> None:
        type(self).calls.append(self.path)
        self.send_response(503 if "refuse" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.calls = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_address_is_called(listener: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ping(f"{listener}/{TOKEN}?a=1", 5)
    assert Listener.calls == [f"/{TOKEN}?a=1"]
    assert caplog.text == ""


def test_a_refusal_is_logged_without_the_address(listener: str, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("urllib3").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        assert not ping(f"{listener}/refuse/{TOKEN}", 5)
    assert "HTTP 503" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{TOKEN}", f"nonsense://{TOKEN}", f"http://[{TOKEN}", ""])
def test_an_address_that_cannot_be_called_is_logged_without_it(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert not ping(url, 5)
    assert "could not be called" in caplog.text
    assert TOKEN not in caplog.text
