"""The client against the sandbox: a whole catalogue, and each fault that the sandbox can have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import psycopg
import pytest
from tenacity import wait_fixed

from include.ozon.errors import (
    AccessDeniedError,
    BadDataError,
    FatalError,
    MarketplaceUnavailableError,
    ObsoleteMethodError,
    RateLimitedError,
)
from include.ozon.marketplace import transport
from include.ozon.marketplace.answers import Page, ProductDetail
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.marketplace.visibility import hidden_reasons, status_visibility
from include.ozon.settings import ApiSettings
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox

pytestmark = pytest.mark.faults

T = TypeVar("T")
Fetch = Callable[[str, CursorTrail], Page[T]]
MakeClient = Callable[..., SellerClient]

PRODUCTS_COUNT = 600


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    return start_sandbox({"main": PRODUCTS_COUNT}, analytics_seconds_between_requests=0.1)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_backoff", wait_fixed(0.01))


@pytest.fixture
def credentials(sandbox: SandboxProcess) -> Credentials:
    account = sandbox.accounts["main"]
    return Credentials(sandbox.base_url, account.client_id, account.api_key, "ozon_api_main")


@pytest.fixture
def make_client(credentials: Credentials) -> Iterator[MakeClient]:
    clients: list[SellerClient] = []

    def make(**api: Any) -> SellerClient:
        usual = {"page_size": 100, "attempts": 2, "analytics_seconds_between_requests": 0.15}
        clients.append(SellerClient(credentials, ApiSettings(**{**usual, **api})))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def read_all(fetch: Fetch[T]) -> list[T]:
    """All entries of a list; there must be none that is rejected."""
    items: list[T] = []
    trail, cursor = CursorTrail(), ""
    while True:
        page = fetch(cursor, trail)
        assert page.rejected == []
        items += page.items
        if page.next_cursor is None:
            return items
        cursor = page.next_cursor


def product_ids(client: SellerClient, visibility: str) -> list[int]:
    listed = read_all(partial(client.product_list, visibility))
    return [product.product_id for product in listed]


def all_details(client: SellerClient) -> list[ProductDetail]:
    ids = product_ids(client, "ALL")
    page = client.product_details(ids)
    assert page.rejected == []
    return page.items


def truth(sandbox: SandboxProcess) -> dict[int, dict[str, Any]]:
    return {product["product_id"]: product for product in sandbox.catalogue("main")}


def test_the_lists_hold_what_they_are_named_for(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    client, products = make_client(), truth(sandbox)
    listed, archived = product_ids(client, "ALL"), product_ids(client, "ARCHIVED")
    assert sorted(listed) == sorted(products)
    assert set(archived) == {number for number, product in products.items() if product["is_archived"]}
    visible = {number for number, product in products.items() if product["visibility"] == "VISIBLE"}
    assert set(product_ids(client, "VISIBLE")) == visible


def test_the_details_are_the_truth(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    products = truth(sandbox)
    details = all_details(make_client())
    assert len(details) == len(products)
    for detail in details:
        product = products[detail.id]
        for field in ("offer_id", "name", "currency_code", "is_archived"):
            assert getattr(detail, field) == product[field]
        assert (detail.price or None, detail.old_price or None) == (product["price"], product["old_price"])
        assert (detail.sku or 0) == product["sku"]
        assert detail.visibility_details is not None
        assert detail.visibility_details.has_price == product["has_price"]


def test_the_statuses_mean_what_the_catalogue_says(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    sandbox.fault("unknown_status", share=0.05)
    products = truth(sandbox)
    seen = set()
    for detail in all_details(make_client()):
        product = products[detail.id]
        if product["visibility"] != "VISIBLE":
            seen.add(product["visibility"])
            assert status_visibility(detail) == product["visibility"]
            reasons = product["hidden_reasons"]
            assert list(hidden_reasons(detail))[: len(reasons)] == reasons
    assert seen == {"HIDDEN", "MODERATION", "DECLINED", "ARCHIVED", "UNKNOWN"}


def test_the_stocks_are_the_truth(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    client, products = make_client(), truth(sandbox)
    for visibility in ("ALL", "ARCHIVED"):
        for item in read_all(partial(client.stocks, visibility)):
            expected = {
                (stock["type"], stock["sku"], stock["present"], stock["reserved"])
                for stock in products[item.product_id]["stocks"]
            }
            assert {(stock.type, stock.sku, stock.present, stock.reserved) for stock in item.stocks} == expected


def test_the_stocks_in_the_sellers_warehouses_are_the_truth(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    client = make_client()
    found = set()
    for warehouse in read_all(client.warehouses):
        for stock in read_all(partial(client.warehouse_stocks, warehouse.warehouse_id)):
            found.add((stock.product_id, warehouse.name, warehouse.is_rfbs, stock.present, stock.reserved))
    assert found
    assert found == {
        (number, stock["warehouse_name"], stock["is_rfbs"], stock["present"], stock["reserved"])
        for number, product in truth(sandbox).items()
        for stock in product["warehouse_stocks"]
    }


def test_ozons_warehouses_are_asked_at_their_own_pace(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    skus = [product["sku"] for product in truth(sandbox).values() if product["sku"]]
    client = make_client()
    pages = [client.fbo_stocks(skus[start : start + 50]) for start in range(0, 150, 50)]
    assert {stock.sku for page in pages for stock in page.items} <= set(skus)
    assert any(page.items for page in pages)
    assert (client.usage.requests, client.usage.retries) == (3, 0)


def test_roles_tell_when_the_key_expires(make_client: MakeClient) -> None:
    roles = make_client().roles()
    assert roles.expires_at
    assert roles.allow("/v3/product/list")


def test_the_loads_limit_is_kept_by_all_threads_together(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    client = make_client(page_size=1)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(60):
            pool.submit(client.product_list, "ALL", "", CursorTrail())
    assert client.usage.requests == 60
    assert client.usage.retries == 0
    client_id = sandbox.accounts["main"].client_id
    assert sandbox.state()["max_requests_in_one_second"][client_id] <= 45


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("key_unknown", AccessDeniedError, "Invalid Api-Key"),
        ("key_deactivated", AccessDeniedError, "deactivated"),
        ("role_missing", AccessDeniedError, "missing a required role"),
        ("address_restricted", AccessDeniedError, "restricted to specific IP"),
        ("offer_not_signed", AccessDeniedError, "Offer not signed"),
        ("method_obsolete", ObsoleteMethodError, "obsolete method"),
    ],
)
def test_a_permanent_fault_is_not_tried_again(
    sandbox: SandboxProcess, make_client: MakeClient, fault: str, kind: type[FatalError], said: str
) -> None:
    sandbox.fault(fault)
    client = make_client()
    with pytest.raises(kind, match=said):
        client.product_list("ALL", "", CursorTrail())
    assert client.usage.requests == 1


PASSING = [
    ("server_error", {"status": 500}, MarketplaceUnavailableError),
    ("server_error", {"status": 502}, MarketplaceUnavailableError),
    ("broken_connection", {}, MarketplaceUnavailableError),
    ("truncated_json", {}, BadDataError),
    ("not_json", {}, BadDataError),
    ("rate_limited", {"retry_after_seconds": 1}, RateLimitedError),
]


@pytest.mark.parametrize(("fault", "params", "kind"), PASSING)
def test_a_short_fault_costs_a_retry_and_a_lasting_one_ends_the_call(
    sandbox: SandboxProcess, make_client: MakeClient, fault: str, params: dict[str, Any], kind: type[Exception]
) -> None:
    sandbox.fault(fault, times=3, **params)
    with pytest.raises(kind):
        make_client(retry_budget_seconds=1.5).product_list("ALL", "", CursorTrail())
    client = make_client()
    assert client.product_list("ALL", "", CursorTrail()).items
    assert client.usage.retries == 1


def test_an_open_circuit_is_not_waited_for(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    sandbox.fault("circle_open")
    client = make_client()
    with pytest.raises(RateLimitedError, match="Circle is open") as caught:
        client.product_list("ALL", "", CursorTrail())
    assert caught.value.retry_after_seconds >= 60
    assert client.usage.requests == 1


def test_a_wrong_key_and_a_wrong_url(sandbox: SandboxProcess, credentials: Credentials) -> None:
    wrong_key = Credentials(credentials.base_url, credentials.client_id, "another-key", "ozon_api_main")
    with (
        SellerClient(wrong_key, ApiSettings()) as client,
        pytest.raises(AccessDeniedError, match="ozon_api_main") as caught,
    ):
        client.roles()
    assert "another-key" not in str(caught.value)
    wrong_url = Credentials(f"{credentials.base_url}/api", credentials.client_id, credentials.api_key, "ozon_api_main")
    with SellerClient(wrong_url, ApiSettings()) as client, pytest.raises(FatalError, match=f"{sandbox.base_url}/api"):
        client.roles()


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize(
    ("read", "method"),
    [
        (lambda client: product_ids(client, "ALL"), "/v3/product/list"),
        (lambda client: read_all(partial(client.stocks, "ALL")), "/v4/product/info/stocks"),
    ],
)
def test_a_loop_is_an_error(
    sandbox: SandboxProcess, make_client: MakeClient, read: Callable[[SellerClient], object], method: str, length: int
) -> None:
    sandbox.fault("looping_mark", method=method, length=length)
    client = make_client(page_size=50)
    with pytest.raises(BadDataError, match=f"{method} goes in circles"):
        read(client)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("repeated_page", {}),
        ("duplicate_items", {"count": 3}),
        ("totals", {"mode": "missing"}),
        ("totals", {"mode": "legacy"}),
        ("unknown_fields", {}),
        ("drop_field", {"field": "sku"}),
        ("set_field", {"field": "offer_id", "value": None}),
    ],
)
def test_what_the_list_may_do_loses_no_product(
    sandbox: SandboxProcess, make_client: MakeClient, fault: str, params: dict[str, Any]
) -> None:
    sandbox.fault(fault, method="/v3/product/list", **params)
    assert set(product_ids(make_client(), "ALL")) == truth(sandbox).keys()


@pytest.mark.parametrize(
    ("fault", "params", "reason"),
    [
        ("wrong_types", {}, "statuses: expected an object"),
        ("drop_field", {"field": "id"}, "id: expected a value, found nothing"),
        ("set_field", {"field": "price", "value": "9" * 40}, "price: expected a decimal"),
        ("set_field", {"field": "id", "value": 2**70}, "id: expected a whole number"),
        ("set_field", {"field": "created_at", "value": "2026-13-01T00:00:00Z"}, "created_at: expected a moment"),
        ("odd_text", {"kind": "nul"}, "name: expected text that PostgreSQL can store"),
        ("odd_text", {"kind": "lone_surrogate"}, "name: expected text that PostgreSQL can store"),
        ("odd_text", {"kind": "empty", "field": "offer_id"}, "offer_id: expected at most 500 characters, not empty"),
        ("odd_text", {"kind": "long", "field": "offer_id"}, "offer_id: expected at most 500 characters, not empty"),
    ],
)
def test_what_is_wrong_is_rejected_with_a_payload_that_postgresql_takes(
    sandbox: SandboxProcess,
    make_client: MakeClient,
    empty_database_dsn: str,
    *,
    fault: str,
    params: dict[str, Any],
    reason: str,
) -> None:
    client = make_client()
    ids = product_ids(client, "ALL")[:100]
    sandbox.fault(fault, method="/v3/product/info/list", share=0.1, **params)
    page = client.product_details(ids)
    assert 0 < len(page.rejected) < 50
    assert page.item_count == len(ids)
    assert len(page.items) + sum(rejected.kind == "entry" for rejected in page.rejected) == len(ids)
    with psycopg.connect(empty_database_dsn) as connection:
        for rejected in page.rejected:
            assert rejected.reason.startswith(reason) or reason in rejected.reason
            row = connection.execute("SELECT %s::jsonb, %s::text", (rejected.payload, rejected.reason)).fetchone()
            assert row is not None
            assert row[0] == json.loads(rejected.payload)


@pytest.mark.parametrize("kind", ["control", "bidi", "long"])
def test_text_that_is_only_odd_is_taken(sandbox: SandboxProcess, make_client: MakeClient, kind: str) -> None:
    client = make_client()
    ids = product_ids(client, "ALL")[:100]
    sandbox.fault("odd_text", method="/v3/product/info/list", kind=kind)
    assert len(client.product_details(ids).items) == 100


def test_negative_stocks_are_rejected(sandbox: SandboxProcess, make_client: MakeClient) -> None:
    sandbox.fault("negative_stock", share=0.2)
    page = make_client().stocks("ALL", "", CursorTrail())
    assert page.rejected
    assert all(
        "present: expected a whole number from 0 to 2147483647, found -" in rejected.reason
        for rejected in page.rejected
    )
    assert all(rejected.product_id for rejected in page.rejected)
    assert len(page.items) + len(page.rejected) == 100
