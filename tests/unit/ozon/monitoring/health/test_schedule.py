from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ozon.monitoring.health.schedule import next_due

pytestmark = pytest.mark.unit

FOUR_TIMES_A_DAY = "0 2,8,14,20 * * *"


def due(expression: str, time_zone: str, after: str) -> str:
    return f"{next_due(expression, time_zone, datetime.fromisoformat(after).replace(tzinfo=UTC)):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-11-24 04:59", "11-24 05:00"),
        # The moment itself has come.
        ("2026-11-24 05:00", "11-24 11:00"),
        ("2026-12-31 22:59", "12-31 23:00"),
        ("2026-12-31 23:00", "01-01 05:00"),
    ],
)
def test_it_is_told_by_the_wall_clock_of_the_time_zone(after: str, expected: str) -> None:
    assert due(FOUR_TIMES_A_DAY, "Europe/Moscow", after) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # Berlin: on 2026-03-29 the clock goes from 02:00 to 03:00 at 01:00 UTC.
        ("2026-03-28 20:00", "03-29 01:30"),
        ("2026-03-29 01:30", "03-30 00:30"),
        # On 2026-10-25 it goes from 03:00 back to 02:00 at 01:00 UTC, so 02:30 comes at 00:30 and 01:30.
        ("2026-10-24 22:00", "10-25 00:30"),
        ("2026-10-25 00:30", "10-26 01:30"),
        ("2026-10-25 01:15", "10-26 01:30"),
    ],
)
def test_a_night_in_which_the_clock_changes_has_one_load_as_any_other(after: str, expected: str) -> None:
    assert due("30 2 * * *", "Europe/Berlin", after) == expected


def test_what_the_repeated_hour_brings_again_is_not_due_a_second_time() -> None:
    assert due("*/30 * * * *", "Europe/Berlin", "2026-10-25 00:30") == "10-25 02:00"
