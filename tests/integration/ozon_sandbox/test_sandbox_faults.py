"""Each fault, as the client sees it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from include.ozon_sandbox.process import SandboxError, SandboxProcess

pytestmark = pytest.mark.faults

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"
WAREHOUSES = "/v2/warehouse/list"


def page(sandbox: SandboxProcess, last_id: str = "", limit: int = 100) -> dict[str, Any]:
    result: dict[str, Any] = sandbox.post(LIST, {"last_id": last_id, "limit": limit}).json()["result"]
    return result


def ids(result: dict[str, Any]) -> list[int]:
    return [item["product_id"] for item in result["items"]]


def details(sandbox: SandboxProcess, count: int = 50) -> list[dict[str, Any]]:
    wanted = [product["product_id"] for product in sandbox.catalogue("main")[:count]]
    items: list[dict[str, Any]] = sandbox.post(DETAILS, {"product_id": wanted}).json()["items"]
    return items


@pytest.mark.parametrize(
    ("name", "params", "status", "message"),
    [
        ("rate_limited", {"retry_after_seconds": 7}, 429, "You have reached request rate limit per second"),
        ("server_error", {"status": 500}, 500, "Internal Server Error"),
        ("key_deactivated", {}, 403, "Api-key is deactivated, use another one or generate a new one"),
        ("key_unknown", {}, 404, "Invalid Api-Key, please check the key and try again"),
        ("role_missing", {}, 403, "Api-Key is missing a required role for a method"),
        ("address_restricted", {}, 403, "Api-Key is restricted to specific IP addresses"),
        ("offer_not_signed", {}, 403, "Offer not signed"),
        ("circle_open", {}, 429, "Circle is open"),
        ("method_obsolete", {}, 410, "obsolete method cannot be used"),
        ("method_obsolete", {"status": 400}, 400, "obsolete method cannot be used"),
        ("company_blocked", {}, 403, "Company is blocked, please contact support"),
        ("subscription_needed", {}, 403, "The method is available with the Premium Plus subscription only"),
        ("conflict", {}, 409, "conflict"),
        ("stocks_not_found", {}, 404, "stocks not found"),
        (
            "rate_limited",
            {"retry_after_seconds": None, "status": 400},
            400,
            "You have reached request rate limit per second",
        ),
    ],
)
def test_refusals(sandbox: SandboxProcess, name: str, params: dict[str, Any], status: int, message: str) -> None:
    sandbox.fault(name, method=LIST, times=1, **params)
    answer = sandbox.post(LIST)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert answer.headers.get("Retry-After") == ("7" if params.get("retry_after_seconds") else None)
    assert sandbox.post(LIST).status_code == 200


def test_a_robot_check_is_a_page(sandbox: SandboxProcess) -> None:
    sandbox.fault("html_forbidden")
    answer = sandbox.post(LIST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "not a robot" in answer.text


def test_an_error_page_of_one_text(sandbox: SandboxProcess) -> None:
    sandbox.fault("error_page", status=403, text="<a", count=1_000)
    answer = sandbox.post(LIST)
    assert (answer.status_code, answer.text) == (403, "<a" * 1_000)


def test_a_little_gzip_unpacks_to_much(sandbox: SandboxProcess) -> None:
    sandbox.fault("gzip_bomb", megabytes=3)
    answer = sandbox.post(LIST)
    assert answer.content == bytes(3_000_000)
    assert int(answer.headers["Content-Length"]) < 10_000


def test_a_body_that_drips_is_whole_in_the_end(sandbox: SandboxProcess) -> None:
    usual = sandbox.post(LIST, {"limit": 1}).json()
    sandbox.fault("dripping", seconds_between_bytes=0.001)
    answer = sandbox.post(LIST, {"limit": 1})
    assert answer.json() == usual
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_edge_answers_with_a_page(sandbox: SandboxProcess, status: int) -> None:
    sandbox.fault("server_error", status=status)
    answer = sandbox.post(LIST)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<html>" in answer.text


def test_latency(sandbox: SandboxProcess) -> None:
    sandbox.fault("latency", method=LIST, ms=60_000)
    with pytest.raises(requests.ReadTimeout):
        sandbox.post(LIST, timeout_seconds=0.3)
    assert sandbox.post("/v1/roles").status_code == 200


def test_the_connection_breaks_in_the_middle_of_the_body(sandbox: SandboxProcess) -> None:
    sandbox.fault("broken_connection", method=LIST)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="bytes read"):
        sandbox.post(LIST)


def test_bodies_that_are_not_json(sandbox: SandboxProcess) -> None:
    whole = sandbox.post(LIST).content
    sandbox.fault("truncated_json", times=1)
    truncated = sandbox.post(LIST)
    assert (truncated.status_code, truncated.content) == (200, whole[: len(whole) // 2])
    sandbox.fault("not_json", times=1)
    strange = sandbox.post(LIST)
    assert strange.status_code == 200
    assert strange.text.startswith("<html>")


def test_a_repeated_page_loses_no_product(sandbox: SandboxProcess) -> None:
    usual = [page(sandbox)]
    usual.append(page(sandbox, usual[0]["last_id"]))
    sandbox.fault("repeated_page", method=LIST, times=2)
    first = page(sandbox)
    again = page(sandbox, first["last_id"])
    following = page(sandbox, again["last_id"])
    assert ids(first) == ids(again) == ids(usual[0])
    assert ids(following) == ids(usual[1])
    assert first["last_id"] != again["last_id"]


def test_duplicates_on_a_page(sandbox: SandboxProcess) -> None:
    usual = ids(page(sandbox))
    sandbox.fault("duplicate_items", count=3)
    assert ids(page(sandbox)) == usual + usual[:3]


def test_a_page_in_another_order(sandbox: SandboxProcess) -> None:
    usual = ids(page(sandbox))
    sandbox.fault("reversed_page")
    assert ids(page(sandbox)) == usual[::-1]


@pytest.mark.parametrize("length", [1, 2])
def test_a_list_that_loops_on_full_pages(sandbox: SandboxProcess, length: int) -> None:
    sandbox.fault("looping_mark", length=length)
    marks = [""]
    for _ in range(6):
        result = page(sandbox, marks[-1])
        assert len(result["items"]) == 100
        marks.append(result["last_id"])
    assert len(set(marks[1:])) == length
    assert marks[1:4] == [marks[1], marks[length], marks[1 + 2 % length]]


@pytest.mark.parametrize(("method", "cursor"), [(LIST, "last_id"), (STOCKS, "cursor"), (WAREHOUSES, "cursor")])
def test_a_list_with_new_marks_of_its_first_page(sandbox: SandboxProcess, method: str, cursor: str) -> None:
    sandbox.fault("looping_mark", method=method, length=0)
    marks, pages = [""], []
    for _ in range(5):
        answer = sandbox.post(method, {"limit": 2, cursor: marks[-1]}).json()
        answer = answer.get("result", answer)
        marks.append(answer[cursor])
        pages.append(answer.get("items") or answer["warehouses"])
        assert answer.get("has_next", True)
    assert len(set(marks)) == 6
    assert pages == [pages[0]] * 5


def test_the_stocks_cursor_loops_too(sandbox: SandboxProcess) -> None:
    sandbox.fault("looping_mark", method=STOCKS)
    cursor = sandbox.post(STOCKS, {"limit": 10}).json()["cursor"]
    assert sandbox.post(STOCKS, {"limit": 10, "cursor": cursor}).json()["cursor"] == cursor


def test_a_short_page_in_the_middle(sandbox: SandboxProcess) -> None:
    usual = ids(page(sandbox, limit=200))
    sandbox.fault("short_page", method=LIST, times=1, missing=30)
    first = page(sandbox)
    second = page(sandbox, first["last_id"])
    assert len(first["items"]) == 70
    assert ids(first) + ids(second) == usual[:170]


def test_totals(sandbox: SandboxProcess) -> None:
    right = page(sandbox)["total_items"]
    sandbox.fault("totals", mode="wrong", by=-9)
    assert page(sandbox)["total_items"] == right - 9
    sandbox.clear_faults()
    sandbox.fault("totals", mode="legacy")
    legacy = page(sandbox)
    assert legacy["total"] == right
    assert "total_items" not in legacy
    sandbox.clear_faults()
    sandbox.fault("totals", mode="missing")
    assert page(sandbox).keys() == {"items", "last_id"}


def test_missing_and_unknown_fields(sandbox: SandboxProcess) -> None:
    sandbox.fault("drop_field", field="id", share=0.5)
    with_id = [item for item in details(sandbox) if "id" in item]
    assert 5 < len(with_id) < 45
    sandbox.clear_faults()
    sandbox.fault("drop_field", field="statuses")
    sandbox.fault("unknown_fields")
    for item in details(sandbox):
        assert "statuses" not in item
        assert "quantum_state" in item
    sandbox.clear_faults()
    sandbox.fault("drop_field", field="items", where="answer", method=STOCKS)
    assert "items" not in sandbox.post(STOCKS).json()


@pytest.mark.parametrize("value", [None, -1, 10**30, "слово", 1.5, [], {}])
def test_any_value_anywhere(sandbox: SandboxProcess, value: object) -> None:
    sandbox.fault("set_field", method=STOCKS, field="stocks.present", value=value)
    items = sandbox.post(STOCKS).json()["items"]
    assert [stock["present"] for item in items for stock in item["stocks"] if stock["present"] != value] == []


def test_wrong_types(sandbox: SandboxProcess) -> None:
    sandbox.fault("wrong_types")
    item = details(sandbox)[0]
    assert isinstance(item["price"], float)
    assert isinstance(item["sku"], str)
    assert isinstance(item["statuses"], str)


def test_nul_and_lone_surrogates_in_names(sandbox: SandboxProcess) -> None:
    sandbox.fault("odd_text", kind="nul", times=1)
    assert {item["name"] for item in details(sandbox)} == {"до\x00после"}
    sandbox.clear_faults()
    sandbox.fault("odd_text", kind="lone_surrogate")
    assert {item["name"] for item in details(sandbox)} == {"до\ud83dпосле"}


def test_a_product_that_is_missing_from_the_lists(sandbox: SandboxProcess) -> None:
    missed, *others = ids(page(sandbox, limit=1000))
    sandbox.fault("omitted_from_lists", product_ids=[missed])
    result = page(sandbox, limit=1000)
    assert ids(result) == others
    assert result["total_items"] == len(others) + 1
    assert sandbox.post(DETAILS, {"product_id": [missed]}).json()["items"][0]["id"] == missed
    assert missed in {product["product_id"] for product in sandbox.catalogue("main")}


def test_details_that_are_left_out(sandbox: SandboxProcess) -> None:
    first = details(sandbox)[0]["id"]
    sandbox.fault("details_left_out", product_ids=[first])
    assert first not in {item["id"] for item in details(sandbox)}
    assert first in ids(page(sandbox)) + [product["product_id"] for product in sandbox.catalogue("main")]


def visible_count(sandbox: SandboxProcess) -> int:
    body = {"filter": {"visibility": "VISIBLE"}, "limit": 1000}
    result = sandbox.post(LIST, body).json()["result"]
    truth = sum(product["visibility"] == "VISIBLE" for product in sandbox.catalogue("main"))
    assert len(result["items"]) == result["total_items"] == truth
    return truth


def test_a_third_is_hidden(sandbox: SandboxProcess) -> None:
    before = visible_count(sandbox)
    everything = page(sandbox)["total_items"]
    sandbox.fault("hide_share", share=0.33, account="main")
    assert 0.55 < visible_count(sandbox) / before < 0.8
    assert page(sandbox)["total_items"] == everything


def test_a_share_vanishes_and_an_empty_catalogue(sandbox: SandboxProcess) -> None:
    before = len(sandbox.catalogue("main"))
    sandbox.fault("vanish_share", share=0.25)
    assert 0.65 < len(sandbox.catalogue("main")) / before < 0.85
    visible_count(sandbox)
    sandbox.fault("empty_catalogue", account="main")
    assert sandbox.catalogue("main") == []
    assert page(sandbox) == {"items": [], "last_id": "", "total": 0, "total_items": 0}
    assert sandbox.catalogue("second")


def test_prices_double_and_stock_is_negative(sandbox: SandboxProcess) -> None:
    before = {item["id"]: item["price"] for item in details(sandbox, 600)}
    sandbox.fault("change_prices", share=0.6, factor=2)
    sandbox.fault("negative_stock", share=0.5)
    doubled = [item for item in details(sandbox, 600) if item["price"] != before[item["id"]]]
    assert 0.5 < len(doubled) / len(before) < 0.7
    assert all(float(item["price"]) == 2 * float(before[item["id"]]) for item in doubled)
    stocks = [stock["present"] for product in sandbox.catalogue("main") for stock in product["stocks"]]
    assert min(stocks) < 0 < max(stocks)


def test_unknown_statuses(sandbox: SandboxProcess) -> None:
    sandbox.fault("unknown_status", share=0.1)
    unknown = {product["product_id"] for product in sandbox.catalogue("main") if product["visibility"] == "UNKNOWN"}
    assert 20 < len(unknown) < 120
    items = sandbox.post(DETAILS, {"product_id": list(unknown)}).json()["items"]
    assert {item["statuses"]["status_name"] for item in items} == {"Небывалый статус"}
    visible_count(sandbox)


def test_faults_are_listed_and_refused_over_the_admin_address(sandbox: SandboxProcess) -> None:
    added = sandbox.fault("server_error", account="second", after=2, times=1, status=502)
    assert sandbox.faults() == [added]
    for expected in (200, 200, 502, 200):
        assert sandbox.post(LIST, account="second").status_code == expected
    assert (sandbox.faults()[0]["seen_count"], sandbox.faults()[0]["fired_count"]) == (4, 1)
    with pytest.raises(SandboxError, match="unknown fault 'gremlins'"):
        sandbox.fault("gremlins")
    with pytest.raises(SandboxError, match="unknown account 'nobody'"):
        sandbox.catalogue("nobody")
    sandbox.clear_faults()
    assert sandbox.faults() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "sandbox:8070"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 403),
    ],
)
def test_the_admin_address_refuses_what_another_site_sends(
    sandbox: SandboxProcess, headers: dict[str, str], status: int
) -> None:
    for method, path in ("GET", "state"), ("POST", "reset-counters"):
        answer = requests.request(method, f"{sandbox.base_url}/admin/{path}", headers=headers, timeout=10)
        assert answer.status_code == status
