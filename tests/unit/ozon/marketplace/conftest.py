"""Clients of a server with scripted answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tenacity import wait_fixed

from include.ozon.marketplace import transport
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.settings import ApiSettings
from tests.support.scripted_server import Server

MakeClient = Callable[..., SellerClient]

API_KEY = "5f2c1a9e-secret-key-0000-7d3b1c"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_backoff", wait_fixed(0.01))


@pytest.fixture
def credentials(server: Server) -> Credentials:
    return Credentials(server.url, "101", API_KEY, "ozon_api_main")


@pytest.fixture
def make_client(credentials: Credentials) -> Iterator[MakeClient]:
    """Return a factory of clients: ``make_client(attempts=2, stop=event)`` overrides the tests' defaults."""
    clients: list[SellerClient] = []

    def make(*, stop: threading.Event | None = None, other: Credentials | None = None, **api: Any) -> SellerClient:
        usual = {"attempts": 3, "read_timeout_seconds": 5, "analytics_seconds_between_requests": 0}
        clients.append(SellerClient(other or credentials, ApiSettings(**{**usual, **api}), stop=stop))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
