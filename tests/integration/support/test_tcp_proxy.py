from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from tests.support.scripted_server import Answer, Server
from tests.support.tcp_proxy import Disturbance, TcpProxy

BODY = b"x" * 100_000


@pytest.fixture
def proxied() -> Iterator[tuple[TcpProxy, str]]:
    server = Server()
    server.answers = [Answer(body=BODY)]
    proxy = TcpProxy(int(server.url.rpartition(":")[2]))
    yield proxy, f"http://127.0.0.1:{proxy.port}"
    proxy.close()
    server.close()


def test_everything_passes_without_a_disturbance(proxied: tuple[TcpProxy, str]) -> None:
    _, url = proxied

    assert requests.post(url, timeout=5).content == BODY


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_body_is_cut_once_at_the_byte(proxied: tuple[TcpProxy, str], kind: str) -> None:
    proxy, url = proxied
    with proxy.disturbed(Disturbance(kind, "down", after_bytes=50_000)):  # type: ignore[arg-type]
        with pytest.raises(requests.RequestException):
            requests.post(url, timeout=5)
        assert requests.post(url, timeout=5).content == BODY


def test_a_silent_peer_sends_nothing_until_the_end_of_the_disturbance(proxied: tuple[TcpProxy, str]) -> None:
    proxy, url = proxied
    with proxy.disturbed(Disturbance("silence", "up")), pytest.raises(requests.ReadTimeout):
        requests.post(url, timeout=0.3)

    assert requests.post(url, timeout=5).content == BODY


def test_a_narrow_line_loses_nothing(proxied: tuple[TcpProxy, str]) -> None:
    proxy, url = proxied
    with proxy.disturbed(Disturbance("slow", "down", seconds=0.02)):
        assert requests.post(url, timeout=5).content == BODY


def test_a_target_that_is_down_ends_the_connection(proxied: tuple[TcpProxy, str]) -> None:
    proxy, url = proxied
    with socket.create_server(("127.0.0.1", 0)) as free:
        proxy.target = free.getsockname()[1]

    with pytest.raises(requests.ConnectionError):
        requests.post(url, timeout=5)
