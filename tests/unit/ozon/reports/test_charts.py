"""The axes of time: labels that differ, and no empty beginning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from include.ozon.reports.chart_parts import ms, time_axis
from include.ozon.reports.charts import load_durations
from include.ozon.reports.product_chart import History, product_over_time

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "formatter", "step"),
    [
        (timedelta(minutes=7), "format:time", timedelta(minutes=1)),
        (timedelta(days=2), "format:moment", timedelta(minutes=1)),
        (timedelta(days=30), "format:day", timedelta(days=1)),
    ],
)
def test_labels_are_as_exact_as_the_span_needs(span: timedelta, formatter: str, step: timedelta) -> None:
    axis = time_axis([NOW - span, NOW], margin=8)
    assert axis["axisLabel"]["formatter"] == formatter
    assert axis["minInterval"] == step.total_seconds() * 1000


def test_labelled_days_have_the_same_distance_also_where_a_month_begins() -> None:
    values = time_axis([NOW - timedelta(days=30), NOW], margin=8)["axisLabel"]["customValues"]
    assert {later - earlier for earlier, later in pairwise(values)} == {3 * 24 * 3600 * 1000}
    assert ms(NOW - timedelta(days=30)) < values[0] < values[-1] <= ms(NOW)


def test_loads_of_one_day_are_labelled_with_their_time() -> None:
    def labels(*moments: datetime) -> str:
        bars = [{"at": at, "parts": []} for at in moments]
        return str(load_durations(bars)["xAxis"]["axisLabel"]["formatter"])

    assert labels(NOW, NOW - timedelta(hours=6)) == "format:time"
    assert labels(NOW - timedelta(days=30), NOW) == "format:moment"


def test_the_accounts_of_one_run_have_one_label() -> None:
    moments = (NOW, NOW + timedelta(seconds=20), NOW + timedelta(minutes=1))
    option = load_durations([{"at": at, "parts": []} for at in moments])
    assert option["xAxis"]["data"] == [ms(NOW), "", ms(moments[-1])]


@pytest.mark.parametrize(
    ("known_for", "shown"),
    [
        (timedelta(minutes=5), timedelta(days=1)),
        (timedelta(days=6), timedelta(days=6)),
        (timedelta(days=90), timedelta(days=30)),
    ],
)
def test_a_products_chart_begins_where_something_is_known(known_for: timedelta, shown: timedelta) -> None:
    begin = NOW - known_for
    history = History(
        visibility=[(begin + timedelta(minutes=1), None, "VISIBLE")],
        prices=[(begin, None, Decimal(99), None)],
        stock=[],
    )
    option = product_over_time(history, NOW - timedelta(days=30), NOW)
    assert {axis["min"] for axis in option["xAxis"]} == {ms(NOW - shown)}
    assert {axis["max"] for axis in option["xAxis"]} == {ms(NOW)}
