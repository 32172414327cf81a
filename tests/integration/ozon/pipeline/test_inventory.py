"""Stock by type and by seller warehouse, and its changes."""

from __future__ import annotations

import pytest

from tests.support.agreement import assert_agreement, true_seller_stocks, true_stocks
from tests.support.pipeline import Pipeline, changed

LIST = "/v3/product/list"
STOCKS, SELLER_STOCKS = "/v4/product/info/stocks", "/v1/product/info/warehouse/stocks"
BIGGEST = 2**31 - 1


@pytest.fixture
def without_guards(pipeline: Pipeline) -> Pipeline:
    for guard in ("empty_catalogue", "rejected", "vanished"):
        pipeline.settings = changed(pipeline.settings, f"guards.{guard}", level="off")
    return pipeline


def stock_rows(pipeline: Pipeline, table: str = "inventory") -> list[dict[str, object]]:
    return pipeline.rows(f"SELECT * FROM ozon.{table} ORDER BY 1, 2, 3, 4")


def test_zeros_and_archived_products_have_their_rows(pipeline: Pipeline) -> None:
    pipeline.load()

    truth = pipeline.truth()
    archived = [product_id for product_id, row in truth.items() if row["is_archived"]]
    assert pipeline.value("SELECT count(*) FROM ozon.inventory WHERE product_id = ANY(%s)", archived) == sum(
        len(truth[product_id]["stocks"]) for product_id in archived
    )
    zeros = sum(stock[1:] == (0, 0) for stock in true_stocks(truth).values())
    assert pipeline.value("SELECT count(*) FROM ozon.inventory WHERE (present, reserved) = (0, 0)") == zeros > 0


def test_a_type_that_is_no_longer_listed_becomes_zero_once(without_guards: Pipeline) -> None:
    pipeline = without_guards
    pipeline.load("before")
    with_stock = "SELECT count(*) FROM ozon.inventory WHERE (present, reserved) <> (0, 0)"
    before, rows = pipeline.value(with_stock), len(stock_rows(pipeline))
    history = "SELECT count(*) FROM ozon.inventory_history WHERE workflow_id = %s"
    pipeline.sandbox.fault("set_field", method=STOCKS, field="stocks", value=[])
    pipeline.sandbox.fault("set_field", method=LIST, field="has_fbo_stocks", value=False)
    pipeline.products("gone")
    pipeline.products("still gone")

    numbers = pipeline.inventory("gone")
    again = pipeline.inventory("still gone")

    assert (numbers.rows_read, numbers.rows_removed) == (0, before)
    assert pipeline.value(with_stock) == 0
    assert len(stock_rows(pipeline)) == rows
    assert pipeline.value(history, "gone/main") == before > 0
    assert (
        pipeline.value(
            "SELECT count(*) FROM ozon.inventory_history WHERE workflow_id = 'gone/main' "
            "AND (present, reserved, available) = (0, 0, 0) AND (previous_present, previous_reserved) <> (0, 0)"
        )
        == before
    )
    assert (again.rows_removed, pipeline.value(history, "still gone/main")) == (0, 0)


def test_stock_of_a_product_that_cannot_be_read_stays_as_it_was(without_guards: Pipeline) -> None:
    pipeline = without_guards
    pipeline.load("before")
    tables = ("inventory", "inventory_history", "inventory_by_warehouse")
    good = pipeline.versions(*tables)
    pipeline.sandbox.fault("negative_stock", share=0.2)
    pipeline.products("after")

    numbers = pipeline.inventory("after")

    rejected = pipeline.rows("SELECT * FROM ozon.rejected_items WHERE component = 'inventory_etl'")
    assert numbers.rows_rejected == len(rejected) > 0
    assert all("present" in row["reason"] for row in rejected)
    assert numbers.rows_read == numbers.rows_unchanged + numbers.rows_rejected
    assert pipeline.versions(*tables) == good


@pytest.mark.parametrize("share", [0.004, 0.1], ids=["one product", "many products"])
def test_stock_of_a_product_whose_id_cannot_be_read_stays_as_it_was(without_guards: Pipeline, share: float) -> None:
    pipeline = without_guards
    pipeline.load("before")
    good = pipeline.versions("inventory", "inventory_history")
    pipeline.sandbox.fault("drop_field", method=STOCKS, field="product_id", share=share)
    pipeline.products("after")

    numbers = pipeline.inventory("after")

    assert numbers.rows_rejected > 0
    assert numbers.rows_removed == 0
    assert pipeline.versions("inventory", "inventory_history") == good


@pytest.mark.parametrize("value", [None, "twelve", 2**31, 10**30, -1, 1.5, True, {"value": 4}])
def test_an_impossible_amount_of_stock_is_rejected(pipeline: Pipeline, value: object) -> None:
    pipeline.sandbox.fault("set_field", method=STOCKS, field="stocks.present", value=value, share=0.1)
    pipeline.products()

    numbers = pipeline.inventory()

    assert numbers.rows_rejected == len(pipeline.rejected()) > 0
    assert numbers.rows_inserted == numbers.rows_read - numbers.rows_rejected > 0


def test_several_stocks_of_one_sku_are_added_up_beyond_32_bits(pipeline: Pipeline) -> None:
    lot = {"type": "fbs", "present": BIGGEST, "reserved": 5, "sku": 77}
    pipeline.sandbox.fault("set_field", method=STOCKS, field="stocks", value=[lot, lot])
    pipeline.sandbox.fault("set_field", method=LIST, field="has_fbo_stocks", value=False)
    pipeline.products()

    pipeline.inventory()

    found = pipeline.rows("SELECT DISTINCT stock_type, sku, present, reserved, available FROM ozon.inventory")
    assert found == [
        {"stock_type": "fbs", "sku": 77, "present": 2 * BIGGEST, "reserved": 10, "available": 2 * BIGGEST - 10}
    ]


def test_stock_in_the_sellers_warehouses_follows_the_marketplace(pipeline: Pipeline) -> None:
    pipeline.load("before")
    before = true_seller_stocks(pipeline.truth())
    pipeline.sandbox.tick()

    pipeline.products("after")
    numbers = pipeline.inventory("after")

    now = true_seller_stocks(pipeline.truth())
    changes = numbers.details["seller_warehouses"]
    assert isinstance(changes, dict)
    assert changes["inserted"] == len(now.keys() - before.keys())
    assert changes["updated"] == sum(before[key] != now[key] for key in before.keys() & now.keys()) > 0
    assert changes["removed"] == sum(before[key][1:] != (0, 0) for key in before.keys() - now.keys())
    assert_agreement(pipeline)


def test_a_warehouse_that_cannot_be_read_keeps_its_stock(without_guards: Pipeline) -> None:
    pipeline = without_guards
    pipeline.load("before")
    good = pipeline.versions("inventory_by_warehouse")
    pipeline.sandbox.fault("set_field", method="/v2/warehouse/list", field="warehouse_id", value="none")
    pipeline.products("after")

    numbers = pipeline.inventory("after")

    assert numbers.rows_rejected > 0
    assert pipeline.versions("inventory_by_warehouse") == good


def test_a_product_in_a_sellers_warehouse_whose_id_cannot_be_read_keeps_its_stock(without_guards: Pipeline) -> None:
    pipeline = without_guards
    pipeline.load("before")
    good = pipeline.versions("inventory_by_warehouse")
    stocks = "/v1/product/info/warehouse/stocks"
    pipeline.sandbox.fault("set_field", method=stocks, field="product_id", value="none")
    pipeline.products("after")

    numbers = pipeline.inventory("after")

    assert numbers.rows_rejected > 0
    assert pipeline.versions("inventory_by_warehouse") == good


def test_the_sellers_warehouses_can_be_left_out(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = pipeline.versions("inventory_by_warehouse")
    pipeline.settings = changed(pipeline.settings, "inventory", seller_warehouses=False)
    pipeline.sandbox.tick()
    pipeline.sandbox.reset_counters()

    pipeline.load("after")

    assert SELLER_STOCKS not in pipeline.requests()
    assert pipeline.versions("inventory_by_warehouse") == good
