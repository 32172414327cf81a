"""The rules of the visibility metrics, with their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.judgement import judge_metrics
from include.ozon.monitoring.metrics.model import FieldQuality, HistoryPoint, Quality, QualityPart, VisibilityMetrics
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings
from tests.support.metrics import COUNTS, empty, metrics, point, product

SETTINGS = load_settings(environment="testing", environ={})
RULES = (
    "visible_share_pct",
    "visible_share_drop_points",
    "turned_invisible_pct",
    "hidden_with_stock_pct",
    "visibility_coverage_pct",
    "quality_score",
)
USUAL = [point(days, 70 + days % 2) for days in range(1, 15)]


def judged(
    measured: VisibilityMetrics, history: Sequence[HistoryPoint] = USUAL, settings: Settings = SETTINGS
) -> dict[str, CheckResult]:
    return {result.check: result for result in judge_metrics(measured, history, settings)}


def with_counts(**counts: int) -> VisibilityMetrics:
    changed = COUNTS | counts
    return metrics(counts=changed, products=sum(changed.values()))


def with_impact(**fields: Any) -> VisibilityMetrics:
    return metrics(impact=replace(metrics().impact, **fields))


def turned(count: int, before: int) -> VisibilityMetrics:
    products = tuple(product(number) for number in range(count))
    transitions = replace(metrics().transitions, turned_invisible=products, visible_before=before)
    return metrics(transitions=transitions)


def earlier(hours: float, *, invisible: int = 0, visible: int = 0) -> HistoryPoint:
    return replace(point(hours / 24, 70), turned_invisible=invisible, turned_visible=visible)


def came_and_went(invisible: int = 0, visible: int = 0) -> VisibilityMetrics:
    measured = turned(invisible, COUNTS["VISIBLE"] + invisible)
    back = tuple(product(number) for number in range(visible))
    return replace(measured, transitions=replace(measured.transitions, turned_visible=back))


@pytest.mark.parametrize(
    ("measured", "history", "status"),
    [
        # They turned invisible before the last measurement, and nothing has changed since.
        (came_and_went(), [earlier(12), earlier(6, invisible=300)], Status.CRITICAL),
        # A few more each time: no single change was large.
        (came_and_went(30), [earlier(12, invisible=40), earlier(6, invisible=40)], Status.WARNING),
        # They came back, all at once or one by one.
        (came_and_went(visible=300), [earlier(12), earlier(6, invisible=300)], Status.OK),
        (came_and_went(), [earlier(12, invisible=300), earlier(6, visible=300)], Status.OK),
        # Half of them came back.
        (came_and_went(visible=150), [earlier(12), earlier(6, invisible=300)], Status.WARNING),
        # For more than a week: this is the normal state now.
        (came_and_went(), [earlier(24 * 8), earlier(24 * 7 + 1, invisible=300)], Status.OK),
        # The first measurement noticed them, compared with the previous load.
        (came_and_went(), [earlier(6, invisible=300)], Status.CRITICAL),
        (came_and_went(), [earlier(6)], Status.OK),
    ],
)
def test_products_that_turned_invisible_fire_until_they_are_visible_again(
    measured: VisibilityMetrics, history: list[HistoryPoint], status: Status
) -> None:
    assert judged(measured, history)["turned_invisible_pct"].status is status


def test_missing_products_are_counted_since_they_were_last_visible() -> None:
    message = judged(came_and_went(), [earlier(12), earlier(6, invisible=300)])["turned_invisible_pct"].message

    assert "300 of 1 000 products that were visible before" in message
    assert "turned invisible and have not come back, 30.0 %" in message


def test_every_rule_has_a_result_and_all_are_ok() -> None:
    results = judged(metrics())
    assert tuple(results) == RULES
    assert {result.status for result in results.values()} == {Status.OK}
    assert {(result.area, result.account) for result in results.values()} == {("visibility", "main")}


@pytest.mark.parametrize(
    ("rule", "measured", "status"),
    [
        ("visible_share_pct", with_counts(VISIBLE=150), Status.WARNING),
        ("visible_share_pct", with_counts(VISIBLE=50), Status.CRITICAL),
        ("turned_invisible_pct", turned(71, 700), Status.WARNING),
        ("turned_invisible_pct", turned(200, 700), Status.CRITICAL),
        ("hidden_with_stock_pct", with_impact(hidden_with_stock=200), Status.WARNING),
        ("hidden_with_stock_pct", with_impact(hidden_with_stock=400), Status.CRITICAL),
        ("visibility_coverage_pct", metrics(field=FieldQuality(94.0, None, 1.0)), Status.WARNING),
        ("visibility_coverage_pct", metrics(field=FieldQuality(79.0, None, 1.0)), Status.CRITICAL),
        ("quality_score", metrics(quality=Quality(79.0, ())), Status.WARNING),
        ("quality_score", metrics(quality=Quality(59.0, ())), Status.CRITICAL),
    ],
)
def test_a_crossed_threshold_names_its_setting(rule: str, measured: VisibilityMetrics, status: Status) -> None:
    result = judged(measured)[rule]
    assert result.status is status
    assert f"set by rules.{rule}.{status}" in result.message


@pytest.mark.parametrize(("now_pct", "status"), [(700, Status.OK), (550, Status.WARNING), (250, Status.CRITICAL)])
def test_the_visible_share_is_compared_with_the_usual_one_at_this_hour(now_pct: int, status: Status) -> None:
    measured = with_counts(VISIBLE=now_pct, HIDDEN=900 - now_pct)
    result = judged(measured)["visible_share_drop_points"]
    assert result.status is status
    assert result.value == pytest.approx(70.5 - now_pct / 10)


def test_the_message_has_the_distance_from_normal() -> None:
    result = judged(with_counts(VISIBLE=500, HIDDEN=400))["visible_share_drop_points"]
    assert "20.5 percentage points below the usual 70.5 %" in result.message
    assert "median of 14 days" in result.message
    assert "41.0 times the usual deviation of 0.50 percentage points" in result.message


def test_a_share_that_never_varied_has_no_deviation_to_divide_by() -> None:
    result = judged(with_counts(VISIBLE=500, HIDDEN=400), [point(days) for days in (1, 2, 3)])
    assert "which hardly varied" in result["visible_share_drop_points"].message


def test_with_fewer_than_three_days_nothing_is_usual() -> None:
    result = judged(metrics(), [point(1), point(2), point(2.01)])["visible_share_drop_points"]
    assert (result.status, result.value) == (Status.UNKNOWN, None)
    assert "fewer than 3" in result.message


def test_few_products_are_no_trend() -> None:
    few = turned(3, 9)
    assert judged(few)["turned_invisible_pct"].status is Status.OK
    assert judged(turned(3, 10))["turned_invisible_pct"].status is Status.CRITICAL


def test_a_small_share_does_not_look_like_none() -> None:
    assert "0.014 %" in judged(turned(1, 7000))["turned_invisible_pct"].message


def test_hidden_stock_is_shown_in_pieces_and_in_money_by_currency() -> None:
    message = judged(metrics())["hidden_with_stock_pct"].message
    assert "25 of 500 products in stock, 5.0 %: 1 234 pieces worth 2 345 679 RUB, 999.50 KZT" in message


def test_the_score_names_its_weakest_parts() -> None:
    parts = (
        QualityPart("has_name", "", 10, 20.0, 20, 100),
        QualityPart("known_visibility", "", 25, 60.0, 60, 100),
        QualityPart("freshness", "", 15, 10.0),
        QualityPart("has_reason", "", 15, None, 0, 0),
    )
    message = judged(metrics(quality=Quality(44.0, parts)))["quality_score"].message
    assert "44.0 of 100; its weakest parts: freshness 10.0 (loaded 5 minutes ago), known_visibility 60.0" in message


def test_an_account_that_was_never_loaded_is_unknown_with_one_sentence() -> None:
    results = judged(empty(), [])
    assert tuple(results) == RULES
    assert {result.status for result in results.values()} == {Status.UNKNOWN}
    (message,) = {result.message for result in results.values()}
    assert message == "Account main has not been loaded yet; the first run of ozon_etl loads its products."


def test_an_account_without_products_is_unknown() -> None:
    results = judged(replace(empty(), loaded_at=metrics().loaded_at))
    assert {result.message for result in results.values()} == {"Account main has no products."}


def test_nothing_visible_before_and_nothing_in_stock_divides_by_nothing() -> None:
    assert judged(turned(0, 0))["turned_invisible_pct"].status is Status.UNKNOWN
    none_in_stock = with_impact(in_stock=0, hidden_with_stock=0)
    assert judged(none_in_stock)["hidden_with_stock_pct"].status is Status.UNKNOWN
