"""Stock: the same pieces in every method."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.effects import NegativeStock
from include.ozon_sandbox.items import detail_items, list_items, stock_items
from include.ozon_sandbox.products import Origin, Products, Storage
from include.ozon_sandbox.stocks import ozon_warehouse_rows, seller_warehouses, typed_stocks, warehouse_stocks

CATALOGUE = Catalogue(Origin(1, "main", 2000), 3)


def existing(catalogue: Catalogue = CATALOGUE) -> Products:
    products = catalogue.products(np.arange(catalogue.length, dtype=np.int64))
    return catalogue.products(products.indices[products.exist])


@pytest.mark.parametrize("effects", [(), (NegativeStock(0.5),)])
def test_fbs_and_rfbs_are_the_sums_over_the_sellers_warehouses(effects: tuple[NegativeStock, ...]) -> None:
    products = existing(Catalogue(CATALOGUE.origin, 3, effects))
    sums: Counter[tuple[int, str, str]] = Counter()
    for stock in warehouse_stocks(products, seller_warehouses(CATALOGUE.origin)):
        kind = "rfbs" if stock.warehouse.is_rfbs else "fbs"
        sums[stock.row, kind, "present"] += stock.present
        sums[stock.row, kind, "reserved"] += stock.reserved
    for row, stocks in enumerate(typed_stocks(products)):
        for stock in stocks:
            if stock.type in {"fbs", "rfbs"}:
                found = (sums[row, stock.type, "present"], sums[row, stock.type, "reserved"])
                assert found == (stock.present, stock.reserved)


def test_fbo_is_the_sum_over_ozons_warehouses_less_what_is_reserved() -> None:
    products = existing()
    sums: Counter[int] = Counter()
    for entry in ozon_warehouse_rows(products):
        if entry["warehouse_id"]:
            sums[entry["sku"]] += entry["available_stock_count"]
    for stocks in typed_stocks(products):
        for stock in stocks:
            if stock.type == "fbo":
                assert sums[stock.sku] == stock.present - stock.reserved


def test_a_sku_in_several_warehouses_has_also_the_sums_of_its_clusters() -> None:
    sums: Counter[tuple[int, int, bool]] = Counter()
    for entry in ozon_warehouse_rows(existing()):
        assert bool(entry["warehouse_id"]) == bool(entry["warehouse_name"])
        sums[entry["sku"], entry["cluster_id"], entry["warehouse_id"] == 0] += entry["available_stock_count"]
    of_clusters = {(sku, cluster): count for (sku, cluster, is_sum), count in sums.items() if is_sum}
    assert of_clusters == {key: sums[*key, False] for key in of_clusters}
    assert len({sku for sku, _ in of_clusters}) < len(of_clusters)


def test_days_of_stock_follow_from_the_sales_a_day() -> None:
    rows = [entry for entry in ozon_warehouse_rows(existing()) if entry["ads"] > 0]
    totals: Counter[int] = Counter()
    for entry in rows:
        if entry["warehouse_id"]:
            totals[entry["sku"]] += entry["available_stock_count"]
    for entry in rows:
        assert entry["idc"] == pytest.approx(totals[entry["sku"]] / entry["ads"], abs=0.01)


def test_present_includes_reserved_and_what_is_on_sale_can_be_ordered() -> None:
    products = existing()
    kinds: Counter[str] = Counter()
    for row, stocks in enumerate(typed_stocks(products)):
        kinds.update(stock.type for stock in stocks)
        assert all(stock.present >= stock.reserved >= 0 for stock in stocks)
        free = sum(stock.present - stock.reserved for stock in stocks)
        assert bool(products.has_stock[row]) == (free > 0)
        if products.visible[row]:
            assert free > 0
        if products.archived[row]:
            assert {(stock.present, stock.reserved) for stock in stocks} == {(0, 0)}
        assert bool(stocks) == bool(products.skus[row] > 0)
    assert kinds["fbo"] == kinds["fbs"] > kinds["rfbs"] > kinds["fbp"] > 0


def test_a_rare_type_appears_and_disappears() -> None:
    indices = np.arange(2000, dtype=np.int64)
    listed = [Catalogue(CATALOGUE.origin, tick).products(indices).listed_in[Storage.RFBS] for tick in range(3, 5)]
    assert (listed[0] & ~listed[1]).any()
    assert (~listed[0] & listed[1]).any()


def test_list_details_and_stocks_agree() -> None:
    products = existing()
    by_list, by_stock = list_items(products), stock_items(products)
    details = detail_items(products)
    for listed, stocked, detailed in zip(by_list, by_stock, details, strict=True):
        assert listed["product_id"] == stocked["product_id"] == detailed["id"]
        assert listed["offer_id"] == stocked["offer_id"] == detailed["offer_id"]
        assert listed.get("sku", 0) == detailed["sku"]
        assert listed["archived"] == detailed["is_archived"]
        types = {(entry["type"], entry["present"], entry["reserved"]) for entry in stocked["stocks"]}
        assert types == {
            (entry["source"], entry["present"], entry["reserved"]) for entry in detailed["stocks"]["stocks"]
        }
        free = {kind: present - reserved for kind, present, reserved in types}
        assert listed["has_fbo_stocks"] == (free.get("fbo", 0) > 0)
        assert detailed["visibility_details"]["has_stock"] == (sum(free.values()) > 0)
        assert detailed["visibility_details"]["has_price"] == bool(detailed["price"])
