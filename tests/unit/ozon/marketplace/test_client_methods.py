"""The client's requests, and the decoded answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from include.ozon.errors import BadDataError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.marketplace.transport import RequestUsage
from tests.support.scripted_server import Answer, Server
from tests.unit.ozon.marketplace.conftest import API_KEY, MakeClient

STOCK = {"type": "fbs", "present": 5, "reserved": 2, "sku": 9}


class Case(NamedTuple):
    call: Callable[[SellerClient], Any]
    path: str
    body: dict[str, Any]
    answer: dict[str, Any]
    next_cursor: str | None


@pytest.mark.parametrize(
    "case",
    [
        Case(
            lambda client: client.product_list("ARCHIVED", "abc", CursorTrail()),
            "/v3/product/list",
            {"filter": {"visibility": "ARCHIVED", "offer_id": [], "product_id": []}, "last_id": "abc", "limit": 2},
            {"result": {"items": [{"product_id": 1}, {"product_id": 2}], "last_id": "def", "total": 9}},
            "def",
        ),
        Case(
            lambda client: client.product_details([4, 5]),
            "/v3/product/info/list",
            {"product_id": [4, 5]},
            {"items": [{"id": 4, "offer_id": "x"}]},
            None,
        ),
        Case(
            lambda client: client.stocks("ALL", "abc", CursorTrail()),
            "/v4/product/info/stocks",
            {"filter": {"visibility": "ALL"}, "cursor": "abc", "limit": 2},
            {"items": [{"product_id": 1, "offer_id": "x", "stocks": [STOCK]}], "cursor": "abc", "total": 3},
            None,
        ),
        Case(
            lambda client: client.warehouses("abc", CursorTrail()),
            "/v2/warehouse/list",
            {"cursor": "abc", "limit": 2},
            {"warehouses": [{"warehouse_id": 3}], "cursor": "def", "has_next": True},
            "def",
        ),
        Case(
            lambda client: client.warehouse_stocks(77, "abc", CursorTrail()),
            "/v1/product/info/warehouse/stocks",
            {"warehouse_id": 77, "cursor": "abc", "limit": 2},
            {
                "stocks": [{"sku": 1, "product_id": 2, "warehouse_id": 77, "present": 3, "reserved": 1}],
                "cursor": "def",
                "has_next": False,
            },
            None,
        ),
        Case(
            lambda client: client.fbo_stocks([8, 9]),
            "/v1/analytics/stocks",
            {"skus": [8, 9]},
            {"items": [{"sku": 8, "warehouse_id": 5, "available_stock_count": 3, "ads": 0.5, "idc": None}]},
            None,
        ),
    ],
    ids=lambda case: case.path,
)
def test_each_list_sends_the_documented_request(server: Server, make_client: MakeClient, case: Case) -> None:
    server.answers = [Answer(body=case.answer)]
    page = case.call(make_client(page_size=2))
    assert (server.asked[0].path, server.asked[0].body) == (case.path, case.body)
    assert page.items
    assert (page.rejected, page.next_cursor) == ([], case.next_cursor)


def test_the_headers_have_client_key_and_content_type(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": []})]
    make_client().product_details([1])
    expected = {
        "Client-Id": "101",
        "Api-Key": API_KEY,
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": "ozon-etl",
    }
    assert expected.items() <= server.asked[0].headers.items()


def test_roles_have_the_expiry_and_the_allowed_methods(server: Server, make_client: MakeClient) -> None:
    server.answers = [
        Answer(
            body={
                "expires_at": "2026-12-01T00:00:00Z",
                "roles": [{"name": "Products", "methods": ["/v3/product/list", "/a"]}, {"methods": ["/a", "/b"]}],
            }
        )
    ]
    roles = make_client().roles()
    assert roles.expires_at == "2026-12-01T00:00:00Z"
    assert [roles.allow(method) for method in ("/v3/product/list", "/a", "/b", "/c")] == [True, True, True, False]


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        (None, None),
        ([], None),
        ([{"name": "Admin", "methods": []}], None),
        ([{"name": "Admin"}, {"methods": ["/v1/a"]}], None),
        ([{"methods": ["/v1/a", ""]}], False),
        ([{"methods": ["/v3/product"]}], True),
        ([{"name": "Admin", "methods": None}, {"methods": ["/v3"]}], True),
    ],
)
def test_a_role_without_methods_is_unknown_and_a_prefix_allows_its_methods(
    server: Server, make_client: MakeClient, roles: object, allowed: bool | None
) -> None:
    server.answers = [Answer(body={"roles": roles})]
    assert make_client().roles().allow("/v3/product/list") is allowed


def test_roles_of_another_shape_are_bad_data(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body="all")]
    with pytest.raises(BadDataError, match="/v1/roles"):
        make_client().roles()


def test_a_page_has_its_rejected_items_and_they_count_for_its_length(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"result": {"items": [{"product_id": 1}, {"product_id": -1}], "last_id": "next"}})]
    page = make_client(page_size=2).product_list("ALL", "", CursorTrail())
    assert (len(page.items), len(page.rejected), page.next_cursor) == (1, 1, "next")


def test_a_loop_ends_in_an_error(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"result": {"items": [{"product_id": 1}], "last_id": "same"}})]
    client, trail = make_client(page_size=1), CursorTrail()
    assert client.product_list("ALL", "", trail).next_cursor == "same"
    with pytest.raises(BadDataError, match=r"/v3/product/list goes in circles: page 2 .*'same'"):
        client.product_list("ALL", "same", trail)


def test_a_page_of_warehouses_respects_ozons_limit(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"warehouses": [], "has_next": False})]
    make_client(page_size=1000).warehouses("", CursorTrail())
    assert server.asked[0].body["limit"] == 200


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.product_details([]),
        lambda client: client.product_details(range(1, 1002)),
        lambda client: client.fbo_stocks([]),
        lambda client: client.fbo_stocks(range(1, 102)),
    ],
)
def test_a_request_that_ozon_would_refuse_is_not_sent(
    server: Server, make_client: MakeClient, call: Callable[[SellerClient], Any]
) -> None:
    with pytest.raises(ValueError, match="expected 1 to"):
        call(make_client())
    assert server.asked == []


def test_threads_share_the_limit_and_the_count(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": [{"id": 1}]})]
    client = make_client(requests_per_second=20)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(24):
            pool.submit(client.product_details, [1])
    arrivals = sorted(asked.arrived_at for asked in server.asked)
    assert len(arrivals) == 24
    assert max(sum(start <= arrival < start + 1 for arrival in arrivals) for start in arrivals) <= 20
    assert (client.usage.requests, client.usage.retries) == (24, 0)
    assert client.usage.wait_seconds > 0


def test_consecutive_clients_share_the_limit(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": [{"id": 1}]})]
    for _ in range(24):
        with make_client(requests_per_second=20) as client:
            client.product_details([1])
    arrivals = sorted(asked.arrived_at for asked in server.asked)
    assert max(sum(start <= arrival < start + 1 for arrival in arrivals) for start in arrivals) <= 20


def test_analytics_have_a_stricter_limit_of_their_own(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": []})]
    client = make_client(analytics_seconds_between_requests=0.3)
    for _ in range(3):
        client.fbo_stocks([1])
    arrivals = [asked.arrived_at for asked in server.asked]
    assert max(sum(start <= arrival < start + 0.3 for arrival in arrivals) for start in arrivals) == 1


def test_a_new_client_has_used_nothing(make_client: MakeClient) -> None:
    assert make_client().usage == RequestUsage(requests=0, retries=0, wait_seconds=0)


def test_a_client_is_closed_by_its_with_block(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": []})]
    before = threading.active_count()
    with make_client() as client:
        client.product_details([1])
    # The server keeps a thread for each connection, and ends it when the client closes.
    for _ in range(1000):
        if threading.active_count() <= before:
            return
        threading.Event().wait(0.01)
    pytest.fail("the connection was left open")


EMPTY_LISTS = [
    (lambda client: client.product_list("ALL", "", CursorTrail()), {"result": {"items": []}}),
    (lambda client: client.product_list("ALL", "", CursorTrail()), {"result": {"items": None, "total_items": None}}),
    (lambda client: client.product_list("ALL", "", CursorTrail()), {"result": None}),
    (lambda client: client.stocks("ALL", "", CursorTrail()), {"items": None, "cursor": ""}),
    (lambda client: client.product_details([1]), {"items": []}),
]


@pytest.mark.parametrize(("read", "body"), EMPTY_LISTS)
def test_an_empty_list_that_would_hide_a_catalogue_needs_two_answers(
    server: Server, make_client: MakeClient, read: Callable[[SellerClient], Any], body: object
) -> None:
    server.answers = [Answer(body=body)]
    page = read(make_client())
    assert (page.items, page.next_cursor, len(server.asked)) == ([], None, 2)


def test_a_second_answer_with_entries_is_used(server: Server, make_client: MakeClient) -> None:
    server.answers = [Answer(body={"items": None, "cursor": ""}), Answer(body={"items": [{"product_id": 1}]})]
    page = make_client().stocks("ALL", "", CursorTrail())
    assert [item.product_id for item in page.items] == [1]


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (lambda client: client.product_list("ALL", "", CursorTrail()), {"result": {"items": [], "total_items": 0}}),
        (lambda client: client.stocks("ALL", "", CursorTrail()), {"total_items": 0}),
        (lambda client: client.warehouses("", CursorTrail()), {}),
        (lambda client: client.warehouses("", CursorTrail()), {"warehouses": None, "has_next": False}),
        (lambda client: client.warehouse_stocks(5, "", CursorTrail()), {"stocks": None}),
        (lambda client: client.fbo_stocks([1]), {}),
    ],
)
def test_an_empty_list_is_accepted_if_its_total_agrees_or_it_is_normal(
    server: Server, make_client: MakeClient, read: Callable[[SellerClient], Any], body: object
) -> None:
    server.answers = [Answer(body=body)]
    page = read(make_client())
    assert (page.items, page.rejected, page.next_cursor, len(server.asked)) == ([], [], None, 1)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (lambda client: client.product_list("ALL", "", CursorTrail()), {}),
        (lambda client: client.stocks("ALL", "", CursorTrail()), {}),
        (lambda client: client.stocks("ALL", "", CursorTrail()), {"result": []}),
        (lambda client: client.product_details([1]), {}),
        (lambda client: client.warehouses("", CursorTrail()), {"code": 5, "message": "no"}),
        (lambda client: client.warehouses("", CursorTrail()), {"warehouses": "none"}),
        (lambda client: client.warehouse_stocks(5, "", CursorTrail()), {"stocks": [], "has_next": "perhaps"}),
    ],
)
def test_an_answer_without_the_methods_list_is_requested_again(
    server: Server, make_client: MakeClient, read: Callable[[SellerClient], Any], body: object
) -> None:
    server.answers = [Answer(body=body)]
    with pytest.raises(BadDataError, match="answered with unexpected JSON"):
        read(make_client(attempts=3))
    assert len(server.asked) == 3


def test_a_list_that_is_complete_by_its_total_ends_at_an_empty_page(server: Server, make_client: MakeClient) -> None:
    server.answers = [
        Answer(body={"result": {"items": [{"product_id": 1}], "last_id": "next", "total_items": 1}}),
        Answer(body={"result": {"items": [], "last_id": "next", "total_items": 1}}),
    ]
    client, trail = make_client(page_size=1), CursorTrail()
    page = client.product_list("ALL", "", trail)
    assert page.next_cursor == "next"
    assert client.product_list("ALL", "next", trail).next_cursor is None
    assert len(server.asked) == 2
