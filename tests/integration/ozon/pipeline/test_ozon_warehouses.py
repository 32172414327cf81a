"""Stock in FBO warehouses: only if enabled, only for SKUs with stock, in batches, and with its age."""

from __future__ import annotations

import pytest

from tests.support.agreement import fbo_stocks, true_fbo_stocks
from tests.support.pipeline import Pipeline, changed

ANALYTICS, STOCKS = "/v1/analytics/stocks", "/v4/product/info/stocks"


def skus_with_stock(pipeline: Pipeline) -> set[int]:
    return {
        stock["sku"]
        for row in pipeline.truth().values()
        for stock in row["stocks"]
        if stock["type"] == "fbo" and stock["present"] > 0
    }


def asked(pipeline: Pipeline) -> set[int]:
    return {row["sku"] for row in pipeline.rows("SELECT sku FROM ozon.fbo_stock_requests")}


def one_batch_a_run(pipeline: Pipeline) -> None:
    """Set a budget that is used up after the first answer."""
    pipeline.sandbox.fault("latency", method=ANALYTICS, ms=400)
    pipeline.set_fbo_budget(0.3 / 60)


def test_it_is_off_by_default(pipeline: Pipeline) -> None:
    pipeline.load()

    assert ANALYTICS not in pipeline.requests()
    assert pipeline.value("SELECT count(*) FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'") == 0


def test_skus_with_fbo_stock_are_requested_and_their_stock_adds_up(with_fbo: Pipeline) -> None:
    with_fbo.load()

    skus = skus_with_stock(with_fbo)
    assert asked(with_fbo) == skus
    assert with_fbo.requests()[ANALYTICS] == -(-len(skus) // 100)
    assert fbo_stocks(with_fbo) == true_fbo_stocks(with_fbo.truth())
    for row in with_fbo.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo' AND present > 0"):
        assert row["warehouse_name"]
        assert row["average_daily_sales"] is not None
        assert row["days_of_stock"] is not None
    details = with_fbo.workflow()["execution_details"]["inventory_etl"]
    assert details["ozon_warehouses"] == {"skus_asked": len(skus)}


def test_an_entry_that_is_repeated_counts_once(with_fbo: Pipeline) -> None:
    with_fbo.sandbox.fault("duplicate_items", method=ANALYTICS, count=5)

    with_fbo.products()
    numbers = with_fbo.inventory()

    assert numbers.rows_repeated == 5 * with_fbo.requests()[ANALYTICS]
    assert fbo_stocks(with_fbo) == true_fbo_stocks(with_fbo.truth())


def test_never_requested_skus_come_first_and_then_the_oldest_requests(with_fbo: Pipeline) -> None:
    skus = skus_with_stock(with_fbo)
    assert 200 < len(skus) <= 400
    one_batch_a_run(with_fbo)
    turns: list[set[int]] = []
    for n in range(-(-len(skus) // 100)):
        before = last_asked(with_fbo)
        with_fbo.load(str(n))
        turns.append({sku for sku, moment in last_asked(with_fbo).items() if before.get(sku) != moment})
    last = len(turns) - 1
    assert set().union(*turns) == skus
    assert [len(turn) for turn in turns] == [100] * len(turns)
    assert all(turns[n].isdisjoint(turns[m]) for m in range(last) for n in range(m))
    # The last run had room for SKUs that had been requested before, and took the oldest.
    assert turns[last] - (skus - set().union(*turns[:last])) <= turns[0]


def last_asked(pipeline: Pipeline) -> dict[int, object]:
    return {row["sku"]: row["asked_at"] for row in pipeline.rows("SELECT * FROM ozon.fbo_stock_requests")}


def test_a_budget_of_zero_changes_nothing(with_fbo: Pipeline) -> None:
    with_fbo.load("before")
    good = with_fbo.versions("inventory_by_warehouse", "fbo_stock_requests")
    with_fbo.sandbox.reset_counters()
    with_fbo.set_fbo_budget(0)

    with_fbo.load("after")

    assert ANALYTICS not in with_fbo.requests()
    assert with_fbo.versions("inventory_by_warehouse", "fbo_stock_requests") == good


def test_every_row_has_the_time_of_its_request(with_fbo: Pipeline) -> None:
    one_batch_a_run(with_fbo)
    with_fbo.load("0")
    first = fetched(with_fbo)
    with_fbo.load("1")

    second = fetched(with_fbo)

    assert first.keys() < second.keys()
    assert {key: second[key] for key in first} == first
    assert min(second[key] for key in second.keys() - first.keys()) > max(first.values())


def fetched(pipeline: Pipeline) -> dict[tuple[int, int], object]:
    rows = pipeline.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'")
    return {(row["product_id"], row["warehouse_id"]): row["fetched_at"] for row in rows}


def test_vanished_stock_becomes_zero_without_a_request(with_fbo: Pipeline) -> None:
    with_fbo.load("before")
    for guard in ("vanished", "empty_catalogue"):
        with_fbo.settings = changed(with_fbo.settings, f"guards.{guard}", level="off")
    with_fbo.sandbox.fault("set_field", method=STOCKS, field="stocks.present", value=0)
    with_fbo.sandbox.fault("set_field", method=STOCKS, field="stocks.reserved", value=0)
    with_fbo.sandbox.reset_counters()

    with_fbo.load("after")

    assert ANALYTICS not in with_fbo.requests()
    assert with_fbo.value("SELECT count(*) FROM ozon.fbo_stock_requests WHERE average_daily_sales IS NOT NULL") == 0
    assert with_fbo.value("SELECT sum(present) FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'") == 0


def test_stock_of_a_product_that_cannot_be_read_stays_as_it_was(with_fbo: Pipeline) -> None:
    with_fbo.load("before")
    with_fbo.settings = changed(with_fbo.settings, "guards.rejected", level="off")
    with_fbo.set_fbo_budget(0)
    good = with_fbo.versions("inventory_by_warehouse")
    with_fbo.sandbox.fault("set_field", method=STOCKS, field="stocks.present", value=None)

    with_fbo.products("after")
    numbers = with_fbo.inventory("after")

    assert numbers.rows_rejected > 0
    assert with_fbo.versions("inventory_by_warehouse") == good


def test_stock_in_a_warehouse_that_cannot_be_read_stays_as_it_was(with_fbo: Pipeline) -> None:
    with_fbo.load("before")
    with_fbo.settings = changed(with_fbo.settings, "guards.rejected", level="off")
    pieces = "SELECT sum(present) FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'"
    good = with_fbo.value(pieces)
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="available_stock_count", value=-1)

    with_fbo.products("after")
    numbers = with_fbo.inventory("after")

    assert numbers.rows_rejected > 0
    assert with_fbo.value(pieces) == good > 0


def test_a_retry_does_not_request_staged_skus_again(with_fbo: Pipeline) -> None:
    with_fbo.products()
    with_fbo.sandbox.fault("server_error", method=ANALYTICS, after=2)
    with pytest.raises(Exception, match="analytics"):
        with_fbo.inventory()
    with_fbo.sandbox.clear_faults()
    with_fbo.sandbox.reset_counters()

    with_fbo.inventory()

    assert with_fbo.requests() == {ANALYTICS: -(-len(skus_with_stock(with_fbo)) // 100) - 2}
    assert asked(with_fbo) == skus_with_stock(with_fbo)
