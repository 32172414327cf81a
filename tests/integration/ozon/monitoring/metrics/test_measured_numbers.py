"""The numbers of a measurement after real loads, compared with independent sums of the sandbox's data."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from include.ozon.monitoring.metrics.product_lists import LISTED_AT_MOST
from tests.integration.ozon.monitoring.metrics.conftest import Measured
from tests.support.pipeline import Row

IN_SIGHT_OR_ARCHIVED = {"VISIBLE", "ARCHIVED"}


@pytest.fixture
def loaded(pipeline: Measured) -> Measured:
    """Some products without a name, and some with unknown statuses."""
    pipeline.sandbox.fault("unknown_status", share=0.05)
    pipeline.load()
    return pipeline


def units(product: Row) -> int:
    return sum(max(stock["present"] - stock["reserved"], 0) for stock in product["stocks"])


def out_of_sight(truth: dict[int, Row]) -> list[Row]:
    return [product for product in truth.values() if product["visibility"] not in IN_SIGHT_OR_ARCHIVED]


def test_the_distribution_is_that_of_the_marketplace(loaded: Measured) -> None:
    metrics = loaded.measure()

    truth = Counter(product["visibility"] for product in loaded.truth().values())
    assert truth["UNKNOWN"] > 0
    assert {name: count for name, count in metrics.counts.items() if count} == truth
    assert metrics.products == sum(truth.values()) == 400
    assert metrics.visible_pct == pytest.approx(100 * truth["VISIBLE"] / 400)
    assert sum(metrics.pct(name) or 0 for name in metrics.counts) == pytest.approx(100)
    assert metrics.field.coverage_pct == pytest.approx(100 - 100 * truth["UNKNOWN"] / 400)


def test_hidden_stock_is_counted_and_priced_for_each_currency(loaded: Measured) -> None:
    impact = loaded.measure().impact

    stuck = [product for product in out_of_sight(loaded.truth()) if units(product)]
    money: defaultdict[str, Decimal] = defaultdict(Decimal)
    for product in stuck:
        if product["price"]:
            money[product["currency_code"]] += units(product) * Decimal(product["price"])
    assert len(money) > 1
    assert impact.hidden_with_stock == len(stuck)
    assert impact.hidden_units == sum(map(units, stuck))
    assert {name: each.hidden_money for name, each in impact.currencies.items() if each.hidden_money} == money
    assert impact.hidden_with_stock_by_visibility == {
        name: sum(product["visibility"] == name for product in stuck)
        for name in ("HIDDEN", "MODERATION", "DECLINED", "UNKNOWN")
    }
    in_stock = [p for p in loaded.truth().values() if units(p) and p["visibility"] != "ARCHIVED"]
    assert impact.in_stock == len(in_stock)
    assert {product.product_id for product in impact.hidden_with_stock_products} == {p["product_id"] for p in stuck}


def test_lost_sales_are_daily_sales_times_price_where_sales_are_known(loaded: Measured) -> None:
    loaded.execute(
        "UPDATE ozon.inventory SET present = 0, reserved = 0 WHERE product_id IN ("
        " SELECT product_id FROM ozon.products WHERE visibility = 'VISIBLE' ORDER BY product_id LIMIT 40)"
    )
    impact = loaded.measure().impact

    expected: dict[bool, defaultdict[str, Decimal]] = {True: defaultdict(Decimal), False: defaultdict(Decimal)}
    known: Counter[tuple[bool, str]] = Counter()
    for row in loaded.rows(
        "SELECT visibility, currency_code, price, (SELECT average_daily_sales FROM ozon.fbo_stock_requests q"
        " WHERE q.product_id = p.product_id) AS sales, (SELECT sum(available) FROM ozon.inventory i"
        " WHERE i.product_id = p.product_id) AS units FROM ozon.products p WHERE visibility <> 'ARCHIVED'"
    ):
        is_visible, has_units = row["visibility"] == "VISIBLE", bool(row["units"])
        if row["sales"] and row["price"] and is_visible != has_units:
            expected[is_visible][row["currency_code"]] += row["sales"] * row["price"]
            known[is_visible, row["currency_code"]] += 1
    assert expected[True]
    assert expected[False]
    for currency, each in impact.currencies.items():
        assert each.lost_hidden == expected[False][currency]
        assert each.lost_without_stock == expected[True][currency]
        assert each.lost_per_day == expected[True][currency] + expected[False][currency]
        assert each.lost_hidden_products == known[False, currency]
        assert each.lost_without_stock_products == known[True, currency]
    assert impact.visible_without_stock == 40
    assert {product.units for product in impact.visible_without_stock_products} == {0}


def test_the_most_frequent_reasons_come_first_with_their_counts(loaded: Measured) -> None:
    reasons = loaded.measure().top_reasons

    stored = Counter(
        reason
        for row in loaded.rows(
            "SELECT hidden_reasons FROM ozon.products WHERE visibility NOT IN ('VISIBLE', 'ARCHIVED')"
        )
        for reason in row["hidden_reasons"]
    )
    truth = Counter(reason for product in out_of_sight(loaded.truth()) for reason in product["hidden_reasons"])
    assert {reason.text: reason.products for reason in reasons} == stored
    assert truth.items() <= stored.items()
    assert [reason.products for reason in reasons] == sorted(stored.values(), reverse=True)


def test_the_longest_hidden_come_first(loaded: Measured) -> None:
    (oldest, second) = loaded.rows(
        "SELECT product_id FROM ozon.products WHERE visibility = 'HIDDEN' ORDER BY product_id DESC LIMIT 2"
    )
    for product, days in ((oldest, 90), (second, 30)):
        loaded.execute(
            "UPDATE ozon.products SET visibility_changed_at = visibility_changed_at - %s * interval '1 day'"
            " WHERE product_id = %s",
            days,
            product["product_id"],
        )

    metrics = loaded.measure()

    assert [product.product_id for product in metrics.longest_hidden[:2]] == [
        oldest["product_id"],
        second["product_id"],
    ]
    assert [product.is_since_first_seen for product in metrics.longest_hidden[1:3]] == [False, True]
    assert len(metrics.longest_hidden) == metrics.out_of_sight == len(out_of_sight(loaded.truth())) < LISTED_AT_MOST


def test_a_stock_below_zero_is_not_sold_and_counts_against_the_quality(loaded: Measured) -> None:
    before = loaded.measure()
    (stuck, *_) = before.impact.hidden_with_stock_products
    loaded.execute("UPDATE ozon.inventory SET present = -5, reserved = 3 WHERE product_id = %s", stuck.product_id)

    after = loaded.measure()

    assert stuck.units
    assert after.impact.hidden_units == before.impact.hidden_units - stuck.units
    assert after.impact.hidden_with_stock == before.impact.hidden_with_stock - 1
    part = next(part for part in after.quality.parts if part.name == "possible_stock")
    assert part.total is not None
    assert part.good == part.total - 1


def test_removed_products_are_in_no_number(loaded: Measured) -> None:
    loaded.execute(
        "UPDATE ozon.products SET removed_at = now() WHERE product_id IN ("
        " SELECT product_id FROM ozon.products WHERE visibility <> 'VISIBLE' ORDER BY product_id LIMIT 100)"
    )

    metrics = loaded.measure()

    assert metrics.products == 300
    gone = {row["product_id"] for row in loaded.rows("SELECT * FROM ozon.products WHERE removed_at IS NOT NULL")}
    named = {*metrics.longest_hidden, *metrics.impact.hidden_with_stock_products}
    assert not gone & {product.product_id for product in named}


def test_accounts_are_apart(loaded: Measured) -> None:
    before = loaded.measure()
    loaded.load(account="second")

    assert loaded.measure("second").products == 200
    assert loaded.measure().counts == before.counts
    assert loaded.measure().impact == before.impact


def test_the_score_is_the_weighted_mean_of_the_parts_that_are_shown(loaded: Measured) -> None:
    loaded.execute("UPDATE ozon.products SET name = '' WHERE visibility = 'ARCHIVED'")
    loaded.execute("UPDATE ozon.products SET hidden_reasons = '{}' WHERE visibility = 'DECLINED'")
    metrics = loaded.measure()

    parts = {part.name: part for part in metrics.quality.parts}
    assert sum(part.weight for part in parts.values()) == 100
    mean = sum(part.weight * (part.value or 0) for part in parts.values()) / 100
    assert metrics.quality.score == pytest.approx(mean)
    counts = metrics.counts
    assert (parts["has_name"].good, parts["has_name"].total) == (400 - counts["ARCHIVED"], 400)
    assert parts["has_reason"].total == counts["HIDDEN"] + counts["DECLINED"]
    assert parts["has_reason"].good == counts["HIDDEN"]
    assert metrics.field.with_reason_pct == parts["has_reason"].value
    assert parts["known_visibility"].value == metrics.field.coverage_pct
    priced = [p for p in loaded.truth().values() if p["visibility"] != "ARCHIVED" and p["has_price"]]
    assert parts["has_price"].good == len(priced)
    assert parts["has_inventory"].value == 100


def test_the_age_is_that_of_the_last_success(loaded: Measured) -> None:
    loaded.execute(
        "UPDATE ozon.etl_component_executions SET finished_at = finished_at - interval '11 hours'"
        " WHERE component = 'product_etl'"
    )
    metrics = loaded.measure()

    assert metrics.field.age_hours == pytest.approx(11, abs=0.2)
    freshness = metrics.quality.parts[-1]
    # Halfway between the age of a warning (8 h) and the critical age (14 h).
    assert (freshness.name, freshness.total) == ("freshness", None)
    assert freshness.value == pytest.approx(50, abs=4)
    assert metrics.workflow_id == "run/main"


def test_an_account_that_was_never_loaded_has_no_numbers_and_breaks_nothing(pipeline: Measured) -> None:
    metrics = pipeline.measure()

    assert metrics.is_empty
    assert (metrics.products, metrics.loaded_at, metrics.visible_pct, metrics.quality.score) == (0, None, None, None)
    assert metrics.impact.hidden_with_stock_pct is None


def test_products_without_their_inventory_yet_are_not_out_of_stock(pipeline: Measured) -> None:
    pipeline.products()
    metrics = pipeline.measure()

    assert metrics.inventory_loaded_at is None
    assert (metrics.impact.visible_without_stock, metrics.impact.in_stock) == (0, 0)
    assert next(part.value for part in metrics.quality.parts if part.name == "has_inventory") == 0
