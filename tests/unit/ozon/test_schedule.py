"""Due moments, compared with Airflow's own timetable and with examples."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.ozon.schedule import due_moments, is_due, next_due, smallest_gap

ETL = "0 2,8,14,20 * * *"
# The configured ones, and some of single days.
FEW_A_DAY = [ETL, "30 9 * * *", "30 3 * * *"]
FEW_A_DAY += ["30 2 * * 0", "0 9 * * 1-5", "15 2 1 * *", "30 2 l * *", "0 1 * * 5#1", "0 1 1-7 * mon"]
EVERY_HOUR = ["*/15 * * * *", "0 * * * *", "30 * * * *", "*/30 * * * *", "20,50 0-23 * * *"]
# Airflow counts elapsed time over the days in between, including the clock change.
EVERY_HOUR_OF_SOME_DAYS = ["30 * * * 1-5", "*/15 * * * 0", "30 * 1 * *"]
# The hours in which clocks change.
NIGHTS = ["*/15 1-3 * * *", "15,45 2 * * *", "15,40 1,2 * * *", "0,30 2,3 29 3 *", "15,45 1-3 25 10 *"]
DAYTIME_TOO = EVERY_HOUR + EVERY_HOUR_OF_SOME_DAYS
LONG = pytest.mark.long

CHANGES = {
    "Europe/Moscow": [],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-04", "2026-10-03"],
}
"""The days, in UTC, on which the zone changes its clock."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs_of_airflow(expression: str, time_zone: str, first: datetime, last: datetime) -> list[datetime]:
    """Return the runs that Airflow's scheduler plans, each from the one before, beginning well before ``first``."""
    timetable = CronTriggerTimetable(expression, timezone=time_zone)
    run_after = pendulum.instance(first - timedelta(days=35))
    every = TimeRestriction(earliest=None, latest=pendulum.instance(last), catchup=True)
    runs = []
    while run := timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval.exact(run_after), restriction=every
    ):
        run_after = run.run_after
        runs.append(run_after)
    return [run for run in runs if run > first]


@pytest.mark.parametrize("time_zone", CHANGES)
@pytest.mark.parametrize("expression", [*FEW_A_DAY, *(pytest.param(each, marks=LONG) for each in NIGHTS + DAYTIME_TOO)])
def test_the_due_moments_of_two_years_are_airflows_runs(expression: str, time_zone: str) -> None:
    first, last = utc("2026-01-01"), utc("2028-01-01")
    found = takewhile(lambda moment: moment <= last, due_moments(expression, time_zone, first))

    assert list(found) == runs_of_airflow(expression, time_zone, first, last)


@pytest.mark.parametrize(("time_zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
@pytest.mark.parametrize("expression", [*FEW_A_DAY, *NIGHTS, *(pytest.param(each, marks=LONG) for each in DAYTIME_TOO)])
def test_the_next_due_moment_near_a_clock_change_is_airflows_next_run(
    expression: str, time_zone: str, day: str
) -> None:
    first, last = utc(day) - timedelta(days=1), utc(day) + timedelta(days=3)
    runs = runs_of_airflow(expression, time_zone, first, last)
    moment = first
    while (following := bisect_right(runs, moment)) < len(runs) and moment < last:
        assert next_due(expression, time_zone, moment) == runs[following], moment
        moment += timedelta(minutes=14, seconds=17, microseconds=333_333)


@pytest.mark.parametrize(
    ("expression", "time_zone", "after", "due_at"),
    [
        (ETL, "Europe/Moscow", "2026-11-24 04:59", "2026-11-24 05:00"),
        # At the due moment itself.
        (ETL, "Europe/Moscow", "2026-11-24 05:00", "2026-11-24 11:00"),
        (ETL, "Europe/Moscow", "2026-12-31 22:59", "2026-12-31 23:00"),
        (ETL, "Europe/Moscow", "2026-12-31 23:00", "2027-01-01 05:00"),
        # On 2026-10-25 Berlin's clock goes from 03:00 back to 02:00 at 01:00 UTC: two o'clock comes at 00:00 and 01:00.
        (ETL, "Europe/Berlin", "2026-10-24 18:00", "2026-10-25 01:00"),
        (ETL, "Europe/Berlin", "2026-10-25 00:00", "2026-10-25 01:00"),
        (ETL, "Europe/Berlin", "2026-10-25 01:00", "2026-10-25 07:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 00:30", "2026-10-25 01:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25 01:30", "2026-10-26 01:30"),
        # All hours are due, including both repeated ones.
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 01:00"),
        ("30 * * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 01:30"),
        # On 2026-03-29 the clock goes from 02:00 to 03:00 at 01:00 UTC.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28 01:30", "2026-03-29 01:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 01:30", "2026-03-30 00:30"),
        ("30 2 29 3 *", "Europe/Berlin", "2026-03-28 00:00", "2026-03-29 01:30"),
        ("0,30 2,3 29 3 *", "Europe/Berlin", "2026-03-29 00:59", "2026-03-29 01:00"),
        ("0 12 29 2 *", "UTC", "2026-11-24 00:00", "2028-02-29 12:00"),
    ],
)
def test_next_due(expression: str, time_zone: str, after: str, due_at: str) -> None:
    assert next_due(expression, time_zone, utc(after)) == utc(due_at)


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
def test_an_expression_is_due_from_its_moment_until_the_tolerance(now: str, expected: bool) -> None:
    assert is_due(ETL, "Europe/Moscow", utc(now)) is expected


@pytest.mark.parametrize("due_at", ["2026-10-25 01:30", "2026-03-29 01:30"])
def test_one_hour_is_due_in_a_night_of_a_clock_change(due_at: str) -> None:
    due = [is_due("30 2 * * *", "Europe/Berlin", utc(due_at) + timedelta(hours=hours)) for hours in (-1, 0, 1)]

    assert due == [False, True, False]


def test_the_tolerance_can_be_given() -> None:
    assert is_due(ETL, "UTC", utc("2026-11-24 02:59"), timedelta(hours=1))
    assert not is_due(ETL, "UTC", utc("2026-11-24 02:59"), timedelta(minutes=59))


def test_a_moment_may_be_in_any_zone() -> None:
    assert is_due(ETL, "Europe/Moscow", datetime.fromisoformat("2026-11-24T14:00:00+09:00"))


@pytest.mark.parametrize(
    ("expression", "time_zone", "minutes"),
    [
        (ETL, "Europe/Moscow", 360),
        (ETL, "Europe/Berlin", 300),
        ("30 0,23 * * *", "UTC", 60),
        ("* * * * *", "Europe/Berlin", 1),
        ("0 * * * *", "Europe/Berlin", 60),
        # Its clock skips half an hour.
        ("0 * * * *", "Australia/Lord_Howe", 30),
        ("*/45 * * * *", "UTC", 15),
        ("0 12 * * 1", "UTC", 7 * 24 * 60),
        ("0 12 1 * MON", "UTC", 24 * 60),
        ("0 0 1,31 1,12 *", "UTC", 24 * 60),
        ("0 0 1 1 *", "UTC", 366 * 24 * 60),
        ("0 0 1 1 *", "Europe/Moscow", 366 * 24 * 60),
        ("0 0 29 2 *", "UTC", 366 * 24 * 60),
    ],
)
def test_smallest_gap(expression: str, time_zone: str, minutes: int) -> None:
    assert smallest_gap(expression, time_zone) == timedelta(minutes=minutes)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.lists(st.integers(low, high), min_size=1, max_size=2, unique=True)
    return values.map(lambda chosen: ",".join(map(str, chosen)))


@given(
    minute=_field(0, 59),
    hour=_field(0, 23),
    day=st.just("*") | _field(1, 28),
    weekday=st.just("*") | _field(0, 6),
    time_zone=st.sampled_from(list(CHANGES)),
)
@hypothesis_settings(max_examples=20, deadline=None)
def test_smallest_gap_is_that_of_airflows_runs(minute: str, hour: str, day: str, weekday: str, time_zone: str) -> None:
    expression = f"{minute} {hour} {day} * {weekday}"
    # A year and a day, as in the function, in any zone.
    runs = runs_of_airflow(expression, time_zone, utc("2028-01-01"), utc("2029-01-02"))

    assert smallest_gap(expression, time_zone) == min(later - earlier for earlier, later in pairwise(runs))
