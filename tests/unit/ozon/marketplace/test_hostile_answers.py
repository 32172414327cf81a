"""Answers that are no HTTP, have a wrong length, or are endless: an error that names the method, and little memory."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from include.ozon.errors import RetriableError
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.paging import CursorTrail
from tests.unit.ozon.marketplace.conftest import API_KEY, MakeClient

pytestmark = pytest.mark.faults

_PAGE = b'{"result": {"items": [{"product_id": 1, "offer_id": "a"}], "last_id": "%s", "total_items": 9}}'
_MOST_BYTES = 80_000_000


def _http(body: bytes, length: int | None = None, headers: bytes = b"") -> bytes:
    length = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s" % (
        length,
        headers,
        body,
    )


_BROKEN = "broke before the answer was complete"
_NO_JSON = "not complete JSON"

# Each with what the error says.
HOSTILE = {
    "HTTP/0.9": (_PAGE % b"", _BROKEN),
    "a status of 0": (b"HTTP/1.1 0 OK\r\n\r\n", _BROKEN),
    "binary": (b"\x00\xff" * 1000, _BROKEN),
    "a length that is too small": (_http(_PAGE % b"", length=20), _NO_JSON),
    "a length that is too large": (_http(_PAGE % b"", length=10**9), _BROKEN),
    "100,000 levels": (_http(b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), _NO_JSON),
    "a cursor of 10 MB": (_http(_PAGE % (b"c" * 10_000_000)), "a cursor of 10000000 characters"),
    "a header of 1 MB": (_http(_PAGE % b"", headers=b"X-A: " + b"a" * 1_000_000 + b"\r\n"), _BROKEN),
    "100,000 headers": (_http(_PAGE % b"", headers=b"X-A: a\r\n" * 100_000), _BROKEN),
}


@contextmanager
def serving(answer: bytes) -> Iterator[str]:
    """Send bytes to the first request, and close the connection; yield the server's URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _answer(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    # The client hangs up when it has read enough.
    with connection, suppress(OSError):
        # Closed with unread bytes, the connection would be reset.
        request = b""
        while not request.endswith(b"}") and (more := connection.recv(100_000)):
            request += more
        connection.sendall(answer)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_answer_is_an_error_that_names_the_method(kind: str, make_client: MakeClient) -> None:
    answer, expected = HOSTILE[kind]
    with serving(answer) as url:
        # A page of one entry is then a full one, which has a following page.
        client = make_client(other=Credentials(url, "101", API_KEY, "ozon_api_main"), attempts=1, page_size=1)
        tracemalloc.start()
        try:
            with pytest.raises(RetriableError, match=r"^/v3/product/list") as caught:
                client.product_list("ALL", "", CursorTrail())
            _, most_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert expected in str(caught.value)
    assert len(str(caught.value)) < 2_000
    assert most_bytes < _MOST_BYTES
