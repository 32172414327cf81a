"""The client respects the limits that the sandbox enforces and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.settings import ApiSettings
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox

MakeClient = Callable[..., SellerClient]


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    return start_sandbox({"main": 600}, analytics_seconds_between_requests=0.1)


@pytest.fixture
def make_client(sandbox: SandboxProcess) -> Iterator[MakeClient]:
    account = sandbox.accounts["main"]
    credentials = Credentials(sandbox.base_url, account.client_id, account.api_key, "ozon_api_main")
    clients: list[SellerClient] = []

    def make(**api: Any) -> SellerClient:
        usual = {"page_size": 100, "attempts": 2, "analytics_seconds_between_requests": 0.15}
        clients.append(SellerClient(credentials, ApiSettings(**{**usual, **api})))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_fbo_warehouses_have_their_own_rate_limit(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    skus = [product["sku"] for product in sandbox.catalogue("main") if product["sku"]]
    client = make_client()
    pages = [client.fbo_stocks(skus[start : start + 50]) for start in range(0, 150, 50)]
    assert {stock.sku for page in pages for stock in page.items} <= set(skus)
    assert any(page.items for page in pages)
    assert (client.usage.requests, client.usage.retries) == (3, 0)


def test_the_loads_limit_is_kept_by_all_threads_together(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    client = make_client(page_size=1)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(60):
            pool.submit(client.product_list, "ALL", "", CursorTrail())
    assert client.usage.requests == 60
    assert client.usage.retries == 0
    client_id = sandbox.accounts["main"].client_id
    assert sandbox.state()["max_requests_in_one_second"][client_id] <= 45
