"""When a cron expression is due, the nights included in which the clock is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.scheduling.due import DUE_TOLERANCE, is_due, next_due

pytestmark = pytest.mark.unit

ETL = "0 2,8,14,20 * * *"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-24 05:00:00", True),
        ("2026-11-24 05:09:59", True),
        ("2026-11-24 05:10:00", False),
        ("2026-11-24 04:59:59", False),
        ("2026-11-24 06:00:00", False),
    ],
)
def test_it_is_due_from_its_moment_on_until_the_tolerance_is_over(now: str, expected: bool) -> None:
    assert is_due(ETL, "Europe/Moscow", utc(now)) is expected


def test_the_tolerance_can_be_given() -> None:
    assert is_due(ETL, "UTC", utc("2026-11-24 02:59"), timedelta(hours=1))
    assert not is_due(ETL, "UTC", utc("2026-11-24 02:59"), timedelta(minutes=59))


def test_a_moment_is_asked_for_in_any_zone() -> None:
    assert is_due(ETL, "Europe/Moscow", datetime.fromisoformat("2026-11-24T14:00:00+09:00"))


@pytest.mark.parametrize(
    ("after", "due_at"),
    [
        # Half past two comes twice this night, at 00:30 and at 01:30; Airflow takes the second one.
        ("2026-10-24 00:30", "2026-10-25 01:30"),
        ("2026-10-25 01:30", "2026-10-26 01:30"),
        # And not at all in this one: it is due so long after midnight as on other days.
        ("2026-03-28 01:30", "2026-03-29 01:30"),
        ("2026-03-29 01:30", "2026-03-30 00:30"),
    ],
)
def test_each_day_has_one_moment_where_the_clock_is_moved(after: str, due_at: str) -> None:
    assert next_due("30 2 * * *", "Europe/Berlin", utc(after)) == utc(due_at)
    assert is_due("30 2 * * *", "Europe/Berlin", utc(due_at))
    assert not is_due("30 2 * * *", "Europe/Berlin", utc(due_at) + timedelta(hours=1))


def test_what_is_due_every_hour_is_due_in_each_hour_of_the_night() -> None:
    for night in ("2026-03-28 23:00", "2026-10-24 23:00"):
        moment, due_at = utc(night), []
        for _ in range(4):
            moment = next_due("30 * * * *", "Europe/Berlin", moment)
            due_at.append(moment - utc(night))
        assert due_at == [timedelta(minutes=30 + 60 * n) for n in range(4)]


def test_a_time_that_is_skipped_does_not_come_before_earlier_ones() -> None:
    # 02:30 is skipped and moves behind 03:00.
    assert next_due("30 2 29 3 *", "Europe/Berlin", utc("2026-03-28 00:00")) == utc("2026-03-29 01:30")
    assert next_due("0,30 2,3 29 3 *", "Europe/Berlin", utc("2026-03-29 00:59")) == utc("2026-03-29 01:00")


def test_a_schedule_of_leap_days_is_found() -> None:
    assert next_due("0 12 29 2 *", "UTC", utc("2026-11-24 00:00")) == utc("2028-02-29 12:00")


def test_two_candidate_hours_are_never_both_in_time() -> None:
    assert timedelta(minutes=30) > DUE_TOLERANCE
