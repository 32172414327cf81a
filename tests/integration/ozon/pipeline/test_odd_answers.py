"""Answers that real sellers get: recorded, documented, or only plausible (docs/decisions/0014)."""

from __future__ import annotations

from typing import Any

import pytest

from include.ozon.errors import BadDataError, MarketplaceUnavailableError
from tests.support.agreement import assert_agreement, seller_stocks, true_stocks, warehouse_products
from tests.support.pipeline import DATA_TABLES, Pipeline, changed

pytestmark = pytest.mark.faults

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"
WAREHOUSES, SELLER_STOCKS = "/v2/warehouse/list", "/v1/product/info/warehouse/stocks"
ANALYTICS = "/v1/analytics/stocks"


def warnings(pipeline: Pipeline, dag_run_id: str = "run") -> list[str]:
    details = pipeline.workflow(dag_run_id)["execution_details"].get("inventory_etl", {})
    found: list[str] = details.get("warnings", [])
    return found


# Lists that overlap.


@pytest.mark.parametrize("method", [LIST, STOCKS])
def test_archived_products_may_be_on_both_lists_or_on_one(pipeline: Pipeline, method: str) -> None:
    pipeline.load("both")
    assert_agreement(pipeline)
    both = pipeline.versions(*DATA_TABLES)
    pipeline.sandbox.fault("archived_left_out", method=method)

    assert pipeline.load("one") == "success"

    assert pipeline.versions(*DATA_TABLES) == both
    records = [*pipeline.attempts(dag_run_id="one"), *pipeline.attempts("inventory_etl", "one")]
    assert [row["rows_repeated"] for row in records] == [0, 0]


@pytest.mark.parametrize("method", [LIST, STOCKS])
def test_a_truncated_list_is_detected_despite_overlaps(pipeline: Pipeline, method: str) -> None:
    pipeline.products()
    # The pages of ARCHIVED, whose products ALL has too.
    pipeline.sandbox.fault("totals", mode="wrong", by=100, method=method)

    with pytest.raises(BadDataError, match="Ozon's total"):
        pipeline.products("short") if method == LIST else pipeline.inventory()


# Lists that are null, missing or empty.

NOTHING: dict[str, Any] = {
    "an empty object": {},
    "null": {"warehouses": None, "stocks": None, "has_next": False},
    "no list": {"has_next": False, "cursor": ""},
}


@pytest.mark.parametrize("case", NOTHING)
@pytest.mark.parametrize("method", [WAREHOUSES, SELLER_STOCKS])
def test_a_seller_without_warehouses_or_without_stock_in_them_is_loaded(
    pipeline: Pipeline, method: str, case: str
) -> None:
    pipeline.sandbox.fault("other_answer", method=method, value=NOTHING[case])

    assert pipeline.load() == "success"

    assert (SELLER_STOCKS in pipeline.requests()) == (method == SELLER_STOCKS)
    assert pipeline.value("SELECT count(*) FROM ozon.inventory_by_warehouse") == 0
    assert pipeline.value("SELECT count(*) FROM ozon.inventory") == len(true_stocks(pipeline.truth()))


@pytest.mark.parametrize("value", [{"items": None}, {}, {"items": []}])
def test_fbo_details_that_are_empty_are_loaded(with_fbo: Pipeline, value: dict[str, Any]) -> None:
    with_fbo.sandbox.fault("other_answer", method=ANALYTICS, value=value)

    assert with_fbo.load() == "success"

    assert with_fbo.value("SELECT count(*) FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'") == 0


EMPTY_IN_PASSING: dict[str, tuple[str, Any]] = {
    "a bare object": (LIST, {}),
    "no entries": (LIST, {"result": {"items": [], "last_id": ""}}),
    "null": (LIST, {"result": None}),
    "no stocks at all": (STOCKS, {}),
    "null in the stocks": (STOCKS, {"items": None, "cursor": ""}),
    "no details": (DETAILS, {"items": []}),
}


@pytest.mark.parametrize("case", EMPTY_IN_PASSING)
def test_a_temporary_empty_answer_hides_nothing(pipeline: Pipeline, case: str) -> None:
    method, value = EMPTY_IN_PASSING[case]
    pipeline.settings = changed(pipeline.settings, "api", attempts=3)
    pipeline.load("before")
    good = pipeline.versions(*DATA_TABLES)
    pipeline.sandbox.fault("other_answer", method=method, value=value, times=1)

    assert pipeline.load("after") == "success"

    assert pipeline.versions(*DATA_TABLES) == good
    assert pipeline.sandbox.faults()[0]["fired_count"] == 1


def test_an_empty_visible_list_is_accepted_if_the_second_answer_agrees(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("hide_share", share=1.0)

    assert pipeline.load() == "success"

    assert pipeline.value("SELECT count(*) FROM ozon.products WHERE visibility = 'VISIBLE'") == 0
    assert_agreement(pipeline)


def test_missing_stocks_of_a_product_with_has_stock_keep_its_stock(
    pipeline: Pipeline,
) -> None:
    pipeline.load("before")
    before = {(row["product_id"], row["stock_type"]): row for row in pipeline.rows("SELECT * FROM ozon.inventory")}
    pipeline.sandbox.fault("set_field", method=STOCKS, field="stocks", value=None, share=0.2)

    assert pipeline.load("after") == "success"

    assert pipeline.rejected() == []
    truth = pipeline.truth()
    after = {(row["product_id"], row["stock_type"]): row for row in pipeline.rows("SELECT * FROM ozon.inventory")}
    assert after.keys() == before.keys()
    for key, row in after.items():
        if row["available"] != before[key]["available"]:
            assert not truth[key[0]]["has_stock"]
            assert row["present"] == 0


# One warehouse that cannot be read.


@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_unreadable_warehouse_keeps_its_stock_and_does_not_stop_the_others(pipeline: Pipeline, status: int) -> None:
    pipeline.load("before")
    stale = seller_stocks(pipeline, "main")
    pipeline.sandbox.tick()
    pipeline.sandbox.fault("warehouse_refused", number=2, status=status)

    assert pipeline.load("after") == "success"

    (refused,) = {key[1] for key in stale if str(key[1]).endswith("001")}
    rows = pipeline.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type <> 'fbo'")
    kept = {(row["product_id"], refused, row["stock_type"]): row for row in rows if row["warehouse_id"] == refused}
    assert {key: (row["warehouse_name"], row["present"], row["reserved"]) for key, row in kept.items()} == {
        key: stock for key, stock in stale.items() if key[1] == refused
    }
    (warning,) = warnings(pipeline, "after")
    assert (
        f"Cannot read the stock of seller warehouse {refused} (Склад Тверь, ул. Объездная); its {len(kept)} stocks"
        in warning
    )
    pipeline.sandbox.clear_faults()
    assert pipeline.load("then") == "success"
    assert_agreement(pipeline)


def test_a_disabled_warehouse_is_not_requested(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = pipeline.versions("inventory_by_warehouse")
    asked = pipeline.requests()[SELLER_STOCKS]
    pipeline.sandbox.fault("set_field", method=WAREHOUSES, field="status", value="Disabled")
    pipeline.sandbox.reset_counters()

    assert pipeline.load("after") == "success"

    assert asked > 0
    assert SELLER_STOCKS not in pipeline.requests()
    assert pipeline.versions("inventory_by_warehouse") == good
    assert warnings(pipeline, "after") == []


def test_if_no_warehouse_can_be_read_the_next_attempt_requests_all_again(pipeline: Pipeline) -> None:
    pipeline.products()
    pipeline.sandbox.fault("server_error", method=SELLER_STOCKS)
    with pytest.raises(MarketplaceUnavailableError):
        pipeline.inventory()
    pipeline.sandbox.clear_faults()

    pipeline.inventory()

    assert pipeline.end() == "success"
    assert_agreement(pipeline)


# The language of the seller's account, and other spellings.


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_visibility_needs_no_name_of_a_status(pipeline: Pipeline, language: str) -> None:
    pipeline.sandbox.fault("status_language", method=DETAILS, language=language)

    pipeline.load()

    truth = pipeline.truth()
    found = warehouse_products(pipeline, "main")
    assert {key: row["visibility"] for key, row in found.items()} == {
        key: row["visibility"] for key, row in truth.items()
    }


@pytest.mark.parametrize("name", ["Продаётся", "Готов к продаже ", "", "Небывалый статус"])
def test_a_name_in_another_spelling_makes_no_product_unknown(pipeline: Pipeline, name: str) -> None:
    pipeline.sandbox.fault("set_field", method=DETAILS, field="statuses.status_name", value=name)
    pipeline.sandbox.fault("set_field", method=DETAILS, field="statuses.status_failed", value="none")

    numbers = pipeline.products()

    assert numbers.visibility_counts is not None
    assert "UNKNOWN" not in numbers.visibility_counts


def test_an_internal_error_with_a_description_is_a_block_by_ozon(pipeline: Pipeline) -> None:
    block = {"code": "BLOCKED", "level": "ERROR_LEVEL_INTERNAL", "texts": {"description": "Товар заблокирован"}}
    pipeline.sandbox.fault("set_field", method=DETAILS, field="errors", value=[block])

    pipeline.products()

    rows = pipeline.rows(
        "SELECT hidden_reasons, visibility FROM ozon.products WHERE visibility NOT IN "
        "('VISIBLE', 'ARCHIVED', 'MODERATION')"
    )
    assert {row["visibility"] for row in rows} == {"DECLINED"}
    assert all(row["hidden_reasons"][-1] == "Товар заблокирован" for row in rows)


# SKUs.


def test_skus_are_taken_from_the_sources_without_a_top_level_sku(pipeline: Pipeline) -> None:
    pipeline.settings = changed(pipeline.settings, "inventory", ozon_warehouses=True)
    pipeline.load("before")
    fbo = pipeline.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo' AND present > 0")
    skus = {row["product_id"]: row["sku"] for row in pipeline.rows("SELECT * FROM ozon.products")}
    pipeline.sandbox.fault("split_skus", method=DETAILS)

    assert pipeline.load("after") == "success"

    for row in pipeline.rows("SELECT product_id, sku, skus FROM ozon.products"):
        sku = skus[row["product_id"]]
        assert row["sku"] == sku
        assert row["skus"] == ([sku, sku + 1_000_000_000] if sku else [])
    found = pipeline.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo' AND present > 0")
    assert len(found) == len(fbo) > 0


def test_skus_are_taken_from_the_stocks_if_no_source_has_one(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = pipeline.rows("SELECT product_id, sku, skus FROM ozon.products ORDER BY 1")
    pipeline.sandbox.fault("drop_field", method=DETAILS, field="sku")
    pipeline.sandbox.fault("set_field", method=DETAILS, field="sources", value=None)

    pipeline.load("after")

    assert pipeline.rows("SELECT product_id, sku, skus FROM ozon.products ORDER BY 1") == good


# Numbers as text, zeros left out, types in capitals.


@pytest.mark.parametrize(
    ("method", "fault", "params"),
    [
        (STOCKS, "drop_zeros", {"field": "stocks.reserved"}),
        (STOCKS, "as_text", {"field": "stocks.present"}),
        (STOCKS, "as_text", {"field": "stocks.sku"}),
        (STOCKS, "upper_case", {"field": "stocks.type"}),
        (SELLER_STOCKS, "as_text", {"field": "present"}),
        (SELLER_STOCKS, "drop_zeros", {"field": "reserved"}),
        (DETAILS, "as_text", {"field": "id"}),
        (LIST, "as_text", {"field": "product_id"}),
        (LIST, "unknown_fields", {}),
        (LIST, "drop_field", {"field": "sku"}),
        (LIST, "set_field", {"field": "offer_id", "value": None}),
    ],
)
def test_other_spellings_and_unused_fields_change_nothing(
    pipeline: Pipeline, method: str, fault: str, params: dict[str, Any]
) -> None:
    pipeline.sandbox.fault(fault, method=method, **params)

    assert pipeline.load() == "success"

    assert pipeline.rejected() == []
    assert_agreement(pipeline)


# FBO: one rate for a SKU, sums of clusters, and stock that only analytics have.


def test_the_rate_of_a_sku_is_kept_once_however_many_rows_repeat_it(with_fbo: Pipeline) -> None:
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="ads", value=2.6)
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="ads_cluster", value=None)

    with_fbo.load()

    requests = with_fbo.rows("SELECT * FROM ozon.fbo_stock_requests WHERE average_daily_sales IS NOT NULL")
    assert {float(row["average_daily_sales"]) for row in requests} == {2.6}
    assert with_fbo.rows("SELECT DISTINCT average_daily_sales AS rate FROM ozon.inventory_by_warehouse") == [
        {"rate": None}
    ]
    assert (
        with_fbo.value(
            "SELECT max(n) FROM (SELECT count(*) n FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo' "
            "GROUP BY product_id) rows"
        )
        > 1
    )


def test_the_rate_of_a_cluster_is_that_of_its_rows(with_fbo: Pipeline) -> None:
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="ads_cluster", value=1.5)
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="idc_cluster", value=12)

    with_fbo.load()

    rows = with_fbo.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'")
    assert {(float(row["average_daily_sales"]), int(row["days_of_stock"])) for row in rows} == {(1.5, 12)}


def test_the_sum_of_a_cluster_is_not_added_to_its_warehouses(with_fbo: Pipeline) -> None:
    with_fbo.load()

    assert with_fbo.value("SELECT count(*) FROM ozon.inventory_by_warehouse WHERE warehouse_id = 0") == 0


def test_the_sums_of_clusters_whose_warehouses_ozon_does_not_name_are_kept_apart(with_fbo: Pipeline) -> None:
    with_fbo.load("before")
    pieces = "SELECT sum(present) FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo'"
    before = with_fbo.value(pieces)
    with_fbo.sandbox.fault("warehouses_unnamed", method=ANALYTICS)

    with_fbo.load("after")

    rows = with_fbo.rows("SELECT * FROM ozon.inventory_by_warehouse WHERE stock_type = 'fbo' AND present > 0")
    assert {row["warehouse_id"] for row in rows} == {0}
    assert with_fbo.value(pieces) == before


@pytest.mark.parametrize("unknown", ["ads", "idc"])
def test_a_sku_that_is_no_longer_in_stock_loses_its_rate(with_fbo: Pipeline, unknown: str) -> None:
    without_stock = """
        SELECT q.sku, coalesce(q.average_daily_sales, q.days_of_stock) AS rate
        FROM ozon.fbo_stock_requests q JOIN ozon.inventory i USING (account, sku)
        WHERE i.stock_type = 'fbo' AND i.present = 0
    """
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field=unknown, value=None)
    with_fbo.load("before")
    before = {row["sku"] for row in with_fbo.rows(without_stock)}
    with_fbo.sandbox.fault("out_of_stock", share=1.0)

    with_fbo.load("after", accept_guards={"turned_invisible"})

    found = with_fbo.rows(without_stock)
    assert {row["sku"] for row in found} - before
    assert {row["rate"] for row in found} == {None}


def test_a_row_that_ozon_no_longer_returns_loses_its_rate(with_fbo: Pipeline) -> None:
    with_fbo.sandbox.fault("set_field", method=ANALYTICS, field="available_stock_count", value=0)
    with_fbo.load("before")
    with_fbo.sandbox.clear_faults()
    with_fbo.sandbox.fault("other_answer", method=ANALYTICS, value={"items": []})

    with_fbo.load("after")

    assert (
        with_fbo.rows(
            "SELECT * FROM ozon.inventory_by_warehouse "
            "WHERE average_daily_sales IS NOT NULL OR days_of_stock IS NOT NULL"
        )
        == []
    )
    assert (
        with_fbo.rows(
            "SELECT * FROM ozon.fbo_stock_requests WHERE average_daily_sales IS NOT NULL OR days_of_stock IS NOT NULL"
        )
        == []
    )


def fbo_stock(pipeline: Pipeline) -> dict[tuple[int, int], int]:
    rows = pipeline.rows("SELECT * FROM ozon.inventory WHERE stock_type = 'fbo' AND available > 0")
    return {(row["product_id"], row["sku"]): row["available"] for row in rows}


@pytest.mark.parametrize("wants_places", [True, False])
def test_fbo_stock_that_the_stocks_by_type_leave_out_comes_from_the_analytics(
    pipeline: Pipeline, *, wants_places: bool
) -> None:
    pipeline.settings = changed(pipeline.settings, "inventory", ozon_warehouses=wants_places)
    pipeline.sandbox.fault("fbo_left_out", method=STOCKS)

    assert pipeline.load() == "success"

    assert fbo_stock(pipeline) == {
        (product_id, stock["sku"]): stock["present"] - stock["reserved"]
        for product_id, row in pipeline.truth().items()
        for stock in row["stocks"]
        if stock["type"] == "fbo" and stock["present"] > stock["reserved"]
    }
    assert warnings(pipeline) == []


def test_fbo_stock_that_no_method_returns_is_kept_with_a_warning(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = fbo_stock(pipeline)
    pipeline.sandbox.fault("fbo_left_out", method=STOCKS)
    pipeline.sandbox.fault("other_answer", method=ANALYTICS, value={"items": []})

    assert pipeline.load("after") == "success"

    assert (
        fbo_stock(pipeline).items()
        >= {key: pieces for key, pieces in good.items() if pipeline.truth()[key[0]]["has_fbo_stocks"]}.items()
    )
    (warning,) = warnings(pipeline, "after")
    count = sum(row["has_fbo_stocks"] for row in pipeline.truth().values())
    assert warning.startswith(f"Ozon's product list reports FBO stock for {count} products")


def test_fbo_stock_that_the_budget_has_no_time_for_is_kept(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = fbo_stock(pipeline)
    pipeline.sandbox.fault("fbo_left_out", method=STOCKS)
    pipeline.set_fbo_budget(0)

    assert pipeline.load("after") == "success"

    assert fbo_stock(pipeline) == good
    assert warnings(pipeline, "after") == []


def test_a_key_that_may_not_call_the_analytics_keeps_fbo_stock_with_a_warning(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = fbo_stock(pipeline)
    pipeline.sandbox.fault("fbo_left_out", method=STOCKS)
    pipeline.sandbox.fault("role_missing", method=ANALYTICS)

    assert pipeline.load("after") == "success"

    assert fbo_stock(pipeline) == good
    assert "missing a required role" in warnings(pipeline, "after")[0]


def test_fbo_stock_becomes_zero_if_the_product_list_agrees(pipeline: Pipeline) -> None:
    pipeline.settings = changed(pipeline.settings, "guards.vanished", level="off")
    pipeline.load("before")
    pipeline.sandbox.fault("fbo_left_out", method=STOCKS)
    pipeline.sandbox.fault("set_field", method=LIST, field="has_fbo_stocks", value=False)

    assert pipeline.load("after") == "success"

    assert fbo_stock(pipeline) == {}
