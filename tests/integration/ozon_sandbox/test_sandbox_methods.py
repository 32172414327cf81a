"""Each method over HTTP, as described in ozon-api.md."""

from __future__ import annotations

import csv
import io
from typing import Any

import requests

from include.ozon_sandbox.process import SandboxProcess

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"


def listed(sandbox: SandboxProcess, visibility: str, limit: int = 1000) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    last_id = ""
    while True:
        body = {"filter": {"visibility": visibility}, "last_id": last_id, "limit": limit}
        result = sandbox.post(LIST, body).json()["result"]
        items += result["items"]
        if len(result["items"]) < limit:
            return items
        last_id = result["last_id"]


def test_the_lists_contain_the_truth(sandbox: SandboxProcess) -> None:
    truth = sandbox.catalogue("main")
    everything = [product["product_id"] for product in truth]
    current = [product["product_id"] for product in truth if not product["is_archived"]]
    archived = [product["product_id"] for product in truth if product["is_archived"]]
    visible = [product["product_id"] for product in truth if product["visibility"] == "VISIBLE"]
    assert [item["product_id"] for item in listed(sandbox, "ALL", 77)] == everything
    assert [item["product_id"] for item in listed(sandbox, "ARCHIVED", 7)] == archived
    assert [item["product_id"] for item in listed(sandbox, "VISIBLE", 100)] == visible
    sandbox.fault("archived_left_out")
    assert [item["product_id"] for item in listed(sandbox, "ALL", 77)] == current


def test_the_last_page_has_a_last_id_and_total_is_switched_off(sandbox: SandboxProcess) -> None:
    result = sandbox.post(LIST, {"filter": {"visibility": "ALL"}, "limit": 1000}).json()["result"]
    assert result["last_id"]
    assert (result["total"], result["total_items"]) == (0, len(result["items"]))
    beyond = sandbox.post(LIST, {"last_id": result["last_id"], "limit": 1000}).json()["result"]
    assert beyond["items"] == []
    stocks = sandbox.post(STOCKS, {"limit": 1000}).json()
    assert stocks["cursor"]
    assert "total" not in stocks
    assert stocks["total_items"] == len(stocks["items"])


def test_an_empty_body_asks_for_a_page_of_all(sandbox: SandboxProcess) -> None:
    assert len(sandbox.post(LIST, {}).json()["result"]["items"]) == 100


def test_a_list_can_be_narrowed_to_products(sandbox: SandboxProcess) -> None:
    first, second, *_ = listed(sandbox, "ALL")
    narrow = {"product_id": [first["product_id"]], "offer_id": [second["offer_id"]], "visibility": "ALL"}
    result = sandbox.post(LIST, {"filter": narrow, "limit": 10}).json()["result"]
    assert result["items"] == [first, second]
    assert result["total_items"] == 2
    assert sandbox.post(LIST, {"filter": narrow | {"visibility": "ARCHIVED"}}).json()["result"]["items"] == []


def test_details_are_found_by_any_id_and_unknown_ids_are_omitted(sandbox: SandboxProcess) -> None:
    first, second, third, *_ = (item for item in listed(sandbox, "VISIBLE") if item.get("sku"))
    body = {
        "product_id": [first["product_id"], 17, str(first["product_id"])],
        "offer_id": [second["offer_id"], "нет такого"],
        "sku": [third["sku"], 10**30],
    }
    items = sandbox.post(DETAILS, body).json()["items"]
    assert [item["id"] for item in items] == [product["product_id"] for product in (first, second, third)]


def test_details_contain_the_truth(sandbox: SandboxProcess) -> None:
    truth = sandbox.catalogue("main")
    items = sandbox.post(DETAILS, {"product_id": [product["product_id"] for product in truth]}).json()["items"]
    assert len(items) == len(truth)
    for item, product in zip(items, truth, strict=True):
        assert item["id"] == product["product_id"]
        for name in ("offer_id", "name", "sku", "currency_code", "is_archived"):
            assert item[name] == product[name]
        assert (item["price"] or None, item["old_price"] or None) == (product["price"], product["old_price"])
        assert item["statuses"]["status_name"] == product["status_name"]
        details = item["visibility_details"]
        assert (details["has_price"], details["has_stock"]) == (product["has_price"], product["has_stock"])
        texts = [reason["human_text"]["text"] for entry in item["availabilities"] for reason in entry["reasons"]]
        assert texts == product["hidden_reasons"]
    assert all(isinstance(item["price"], str) for item in items)
    assert 1_500 < len(sandbox.post(DETAILS, {"sku": [items[0]["sku"]]}).content) < 4_000


def test_the_seller_warehouses_contain_the_truth(sandbox: SandboxProcess) -> None:
    warehouses = sandbox.post("/v2/warehouse/list", {"limit": 200}).json()
    assert warehouses["has_next"] is False
    assert {entry["is_rfbs"] for entry in warehouses["warehouses"]} == {True, False}
    found = set()
    for warehouse in warehouses["warehouses"]:
        cursor, has_next = "", True
        while has_next:
            body = {"warehouse_id": warehouse["warehouse_id"], "limit": 50, "cursor": cursor}
            page = sandbox.post("/v1/product/info/warehouse/stocks", body).json()
            cursor, has_next = page["cursor"], page["has_next"]
            for stock in page["stocks"]:
                assert stock["free_stock"] == stock["present"] - stock["reserved"]
                found.add((stock["product_id"], stock["warehouse_id"], stock["present"], stock["reserved"]))
        assert cursor, "the cursor is not empty though nothing follows"
    truth = {
        (product["product_id"], stock["warehouse_id"], stock["present"], stock["reserved"])
        for product in sandbox.catalogue("main")
        for stock in product["warehouse_stocks"]
    }
    assert found == truth


def test_warehouses_come_in_pages(sandbox: SandboxProcess) -> None:
    first = sandbox.post("/v2/warehouse/list", {"limit": 3}).json()
    assert first["has_next"] is True
    second = sandbox.post("/v2/warehouse/list", {"limit": 3, "cursor": first["cursor"]}).json()
    assert second["has_next"] is False
    assert len({entry["warehouse_id"] for entry in first["warehouses"] + second["warehouses"]}) == 4


def test_stocks_by_warehouse_of_chosen_products(sandbox: SandboxProcess) -> None:
    truth = [product for product in sandbox.catalogue("main") if len(product["warehouse_stocks"]) > 1][:20]
    body = {"sku": [str(product["sku"]) for product in truth[:10]], "limit": 7}
    body["offer_id"] = [product["offer_id"] for product in truth[10:]]
    rows, cursor, has_next = [], "", True
    while has_next:
        page = sandbox.post("/v2/product/info/stocks-by-warehouse/fbs", body | {"cursor": cursor}).json()
        rows += page["products"]
        cursor, has_next = page["cursor"], page["has_next"]
    found = [(row["product_id"], row["warehouse_id"], row["present"], row["free_stock"]) for row in rows]
    assert found == [
        (product["product_id"], stock["warehouse_id"], stock["present"], stock["present"] - stock["reserved"])
        for product in truth
        for stock in product["warehouse_stocks"]
    ]


def test_roles_name_the_methods_and_the_keys_end(sandbox: SandboxProcess) -> None:
    answer = sandbox.post("/v1/roles", {}).json()
    assert answer["expires_at"].endswith("Z")
    assert LIST in answer["roles"][0]["methods"]


def test_a_report_is_ready_after_some_polls_and_contains_the_truth(sandbox: SandboxProcess) -> None:
    order = {"language": "DEFAULT", "visibility": "VISIBLE", "offer_id": [], "sku": []}
    code = sandbox.post("/v1/report/products/create", order).json()["result"]["code"]
    early = requests.get(f"{sandbox.base_url}/reports/{code}.csv", timeout=10)
    assert early.status_code == 404
    polls = [sandbox.post("/v1/report/info", {"code": code}).json()["result"] for _ in range(3)]
    assert [poll["status"] for poll in polls] == ["waiting", "processing", "success"]
    assert [bool(poll["file"]) for poll in polls] == [False, False, True]

    text = requests.get(polls[-1]["file"], timeout=10).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";", quotechar='"'))
    visible = [product for product in sandbox.catalogue("main") if product["visibility"] == "VISIBLE"]
    assert [row["Ozon Product ID"] for row in rows] == [str(product["product_id"]) for product in visible]
    assert [row["Артикул"] for row in rows] == [f"'{product['offer_id']}" for product in visible]
    assert {row["Видимость на Ozon"] for row in rows} == {"Отображается"}


def test_a_report_belongs_to_its_account(sandbox: SandboxProcess) -> None:
    code = sandbox.post("/v1/report/products/create", {}).json()["result"]["code"]
    assert sandbox.post("/v1/report/info", {"code": code}, account="second").status_code == 404


def test_accounts_have_their_own_catalogues(sandbox: SandboxProcess) -> None:
    answer = sandbox.post(LIST, {"limit": 1000}, account="second").json()
    mine = {product["product_id"]: product["name"] for product in sandbox.catalogue("second")}
    assert len(mine) == 40
    assert {item["product_id"] for item in answer["result"]["items"]} <= mine.keys()
    others = {product["product_id"]: product["name"] for product in sandbox.catalogue("main")}
    assert any(others.get(product_id) != name for product_id, name in mine.items())
