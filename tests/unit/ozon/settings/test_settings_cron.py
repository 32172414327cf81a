"""The shortest time between two runs, against croniter's own way from run to run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.ozon.settings.cron import smallest_gap

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("expression", "time_zone", "minutes"),
    [
        ("0 2,8,14,20 * * *", "Europe/Moscow", 360),
        ("0 2,8,14,20 * * *", "Europe/Berlin", 300),
        ("30 0,23 * * *", "UTC", 60),
        ("* * * * *", "Europe/Berlin", 1),
        ("0 * * * *", "Europe/Berlin", 60),
        ("*/45 * * * *", "UTC", 15),
        ("0 12 * * 1", "UTC", 7 * 24 * 60),
        ("0 12 1 * MON", "UTC", 24 * 60),
        ("0 0 1,31 1,12 *", "UTC", 24 * 60),
        ("0 0 1 1 *", "UTC", 366 * 24 * 60),
        ("0 0 29 2 *", "UTC", 366 * 24 * 60),
    ],
)
def test_smallest_gap(expression: str, time_zone: str, minutes: int) -> None:
    assert smallest_gap(expression, time_zone) == timedelta(minutes=minutes)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True)
    return values.map(lambda chosen: ",".join(map(str, chosen)))


@given(
    minute=_field(0, 59),
    hour=_field(0, 23),
    day=st.just("*") | _field(1, 28),
    weekday=st.just("*") | _field(0, 6),
)
@hypothesis_settings(max_examples=30, deadline=None)
def test_smallest_gap_is_what_croniter_steps_through(minute: str, hour: str, day: str, weekday: str) -> None:
    expression = f"{minute} {hour} {day} * {weekday}"
    runs = croniter(expression, datetime(2027, 12, 31, 23, 59, tzinfo=UTC))
    moments = [runs.get_next(datetime)]
    while moments[-1] < datetime(2029, 1, 1, 23, 59, tzinfo=UTC):
        moments.append(runs.get_next(datetime))

    gap = smallest_gap(expression, "UTC")

    assert gap == min(later - earlier for earlier, later in pairwise(moments[:-1]))
