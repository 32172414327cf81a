"""The rows of ``visibility_metrics``, and their use in later measurements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.monitoring.metrics.store import HISTORY_DAYS, history, save
from include.ozon.warehouse.session import open_session
from tests.integration.ozon.monitoring.metrics.conftest import Measured

NOW = datetime(2026, 11, 24, 8, 10, tzinfo=UTC)


def test_a_row_has_the_numbers_of_the_measurement(pipeline: Measured) -> None:
    pipeline.load()
    metrics = pipeline.measure(store=True)

    (row,) = pipeline.rows("SELECT * FROM ozon.visibility_metrics")
    assert (row["account"], row["measured_at"], row["workflow_id"]) == ("main", metrics.measured_at, "run/main")
    assert row["products"] == 400
    for name, count in metrics.counts.items():
        assert row[name.lower()] == count
        assert row[f"{name.lower()}_pct"] == pytest.approx(metrics.pct(name))
    assert row["coverage_pct"] == metrics.field.coverage_pct
    assert row["hidden_with_stock"] == metrics.impact.hidden_with_stock
    assert row["quality_score"] == metrics.quality.score
    assert [part["name"] for part in row["quality_parts"]] == [part.name for part in metrics.quality.parts]
    for currency, impact in metrics.impact.currencies.items():
        assert row["impact"][currency]["hidden_units"] == impact.hidden_units
        query = "SELECT (impact -> %s ->> 'hidden_money')::numeric FROM ozon.visibility_metrics"
        assert pipeline.value(query, currency) == impact.hidden_money


def test_measuring_twice_at_one_moment_changes_nothing_twice(pipeline: Measured) -> None:
    pipeline.load()
    first = pipeline.measure(now=NOW, store=True)
    before = pipeline.everything()

    again = pipeline.measure(now=NOW, store=True)

    assert pipeline.everything() == before
    assert again == first


def test_changes_are_against_the_nearest_measurement_at_or_before(pipeline: Measured) -> None:
    pipeline.load()
    measured = pipeline.measure(now=NOW)
    agos = {
        "a month": timedelta(days=29), "a week": timedelta(days=7), "later": timedelta(days=6, hours=23),
        "a day": timedelta(days=1, hours=3), "not yet": timedelta(hours=23), "last": timedelta(hours=6),
    }  # fmt: skip
    for ago in agos.values():
        pipeline.measure(now=NOW - ago, store=True)
    pipeline.execute(
        "UPDATE ozon.visibility_metrics SET visible = visible - 10, products = products - 10, visible_pct = 50"
        " WHERE measured_at = %s",
        NOW - agos["a week"],
    )

    changes = pipeline.measure(now=NOW).changes

    compared = {name: change.measured_at for name, change in changes.items() if change}
    assert compared == {"last": NOW - agos["last"], "day": NOW - agos["a day"], "week": NOW - agos["a week"]}
    week = changes["week"]
    assert week is not None
    assert (week.products, week.counts["VISIBLE"], week.counts["HIDDEN"]) == (10, 10, 0)
    assert measured.visible_pct is not None
    assert week.visible_points == pytest.approx(measured.visible_pct - 50)


def test_without_an_earlier_measurement_there_is_no_change(pipeline: Measured) -> None:
    pipeline.load()
    assert pipeline.measure().changes == {"last": None, "day": None, "week": None}


def test_the_history_is_of_one_account_and_of_the_last_days(pipeline: Measured) -> None:
    pipeline.load()
    moments = [NOW - timedelta(days=days) for days in (HISTORY_DAYS + 5, 3, 1, 0)]
    for moment in moments:
        pipeline.measure(now=moment, store=True)
    pipeline.measure("second", now=NOW - timedelta(days=2), store=True)

    with open_session(pipeline.connect, pipeline.settings.warehouse, "test") as connection:
        points = history(connection, "main", NOW, pipeline.settings)
        assert [point.measured_at for point in points] == moments[1:3]
        # The last one is included, however old.
        (oldest,) = history(connection, "main", NOW - timedelta(days=3), pipeline.settings)
        assert oldest.measured_at == moments[0]
    assert points[0].counts == pipeline.measure(now=NOW).counts


def test_an_account_without_products_can_be_stored(pipeline: Measured) -> None:
    metrics = pipeline.measure()
    with open_session(pipeline.connect, pipeline.settings.warehouse, "test") as connection:
        save(connection, metrics)
    (row,) = pipeline.rows("SELECT * FROM ozon.visibility_metrics")
    assert (row["products"], row["visible_pct"], row["quality_score"]) == (0, None, None)
