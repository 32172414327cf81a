"""The Api-Key is in the request's header and nowhere else."""

from __future__ import annotations

import io
import logging
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.ozon.errors import ConnectionSettingsError, OzonError
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.faults import READ_CHARACTERS_COUNT
from tests.support.certificates import self_signed
from tests.support.scripted_server import Answer, Server
from tests.unit.ozon.marketplace.conftest import API_KEY, MakeClient

ECHO = f"you sent Api-Key: {API_KEY} and {API_KEY.upper()}"
FAULTS = [
    Answer(400, {"code": 3, "message": ECHO}),
    Answer(403, {"code": 7, "message": ECHO}),
    Answer(404, {"code": 5, "message": "x" * 190 + API_KEY}),
    Answer(404, f"<html>{ECHO}</html>".encode()),
    Answer(302, headers={"Location": f"http://127.0.0.1/?key={API_KEY}"}),
    Answer(410, {"message": ECHO}),
    Answer(429, {"message": ECHO}, {"Retry-After": "0.01"}),
    Answer(500, ECHO.encode()),
    # Cutting the page here would leave half of the key.
    Answer(502, f"<{'x' * (READ_CHARACTERS_COUNT - 20)}>{API_KEY}".encode()),
    Answer(200, ECHO.encode(), {"Content-Type": f"text/{API_KEY}"}),
    Answer(200, {"message": ECHO}),
    Answer(lost="before"),
    Answer(body=ECHO.encode(), lost="within"),
]


def everything_about(error: BaseException) -> str:
    """Return the traceback below the test with each frame's variables, and the errors' ``repr`` and text."""
    below = error.__traceback__ and error.__traceback__.tb_next
    report = traceback.TracebackException(type(error), error, below, capture_locals=True)
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        if (each := waiting.pop()) and each not in seen:
            seen.append(each)
            waiting += [each.__cause__, each.__context__]
    return "".join(report.format()) + "".join(f"{each!r}{each}{each.args}{vars(each)}" for each in seen)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return all log lines, including those of urllib3."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    # urllib3's own level too: a test of an alert channel in the same process may have raised it.
    loggers = (root, logging.getLogger("urllib3"))
    levels = [logger.level for logger in loggers]
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.status}{fault.lost}")
def test_no_error_and_no_log_contains_the_key(
    server: Server, make_client: MakeClient, log: io.StringIO, fault: Answer
) -> None:
    server.answers = [fault]
    client = make_client(attempts=2, retry_budget_seconds=1)
    with pytest.raises(OzonError) as caught:
        client.product_details([1])
    assert server.asked[0].headers["Api-Key"] == API_KEY
    text = everything_about(caught.value) + log.getvalue() + repr(client)
    assert "transport.py" in text
    assert API_KEY[:8].lower() not in text.lower()


def test_no_log_of_a_good_answer_contains_the_key(server: Server, make_client: MakeClient, log: io.StringIO) -> None:
    server.answers = [Answer(body={"items": []})]
    make_client().product_details([1])
    assert "POST /v3/product/info/list" in log.getvalue()
    assert API_KEY not in log.getvalue()


@pytest.fixture
def self_signed_port() -> Iterator[int]:
    """Return the port of a server with a self-signed certificate."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    http.socket = self_signed().wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield http.server_port
    http.shutdown()
    http.server_close()


def test_an_untrusted_certificate_is_fatal_and_its_server_gets_no_key(
    make_client: MakeClient, self_signed_port: int
) -> None:
    other = Credentials(f"https://127.0.0.1:{self_signed_port}", "1", API_KEY, "ozon_api_main")
    client = make_client(other=other)
    with pytest.raises(
        ConnectionSettingsError, match=r"certificate of 127\.0\.0\.1.*self-signed.*ozon_api_main"
    ) as caught:
        client.product_details([1])
    assert client.usage.requests == 1
    assert API_KEY not in everything_about(caught.value)
