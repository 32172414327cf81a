"""The conversion of hours between zones: against a model of Debian's cron, and by example."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from include.ozon.schedule import is_due, next_due
from include.ozon.scheduling.cron_times import CronTimes, machine_times

# Around both clock changes in Europe, America and Australia, the end of February and the end of a year.
WINDOWS = [("2026-02-27", "2026-03-02"), ("2026-03-07", "2026-03-10"), ("2026-03-28", "2026-04-06")]
WINDOWS += [("2026-10-02", "2026-10-06"), ("2026-10-24", "2026-10-27"), ("2026-10-30", "2026-11-03")]
WINDOWS += [("2026-12-30", "2027-01-03")]
# All times below are multiples of it in all zones.
STEP = timedelta(minutes=5)

EXPRESSIONS = [
    "0 2,8,14,20 * * *",
    "20 * * * *",
    "30 3 * * *",
    "30 4 * * *",
    "*/30 2-4 * * *",
    "15 0 * * 1",
    "45 23 * * 6,7",
    "0 2 1 * *",
    "30 23 28-31 * *",
    "0 0 l * *",
    "0 1 * * 5#1",
    "0 1 1-7 * mon",
    "0 5 1 1 *",
]
ZONES = [
    ("Europe/Moscow", "UTC"),
    ("Europe/Moscow", "Asia/Kathmandu"),
    ("Europe/Moscow", "America/New_York"),
    ("Europe/Moscow", "Europe/Berlin"),
    ("Europe/Berlin", "UTC"),
    ("Australia/Sydney", "Europe/London"),
    ("Asia/Vladivostok", "Australia/Lord_Howe"),
]


def times(expression: str, configured: str, machine: str) -> CronTimes:
    return machine_times(expression, ZoneInfo(configured), ZoneInfo(machine), 2026)


@pytest.mark.parametrize(("configured", "machine"), ZONES)
def test_each_due_moment_is_started_exactly_once_in_every_season(configured: str, machine: str) -> None:
    for expression in EXPRESSIONS:
        found = times(expression, configured, machine)
        for first, last in WINDOWS:
            start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
            started = [
                moment
                for moment in starts_of_cron(found.fields, ZoneInfo(machine), start, end)
                if not found.only_if_due or is_due(expression, configured, moment)
            ]
            assert started == list(due_moments(expression, configured, start, end)), (expression, found)


def due_moments(expression: str, configured: str, start: datetime, end: datetime) -> Iterator[datetime]:
    moment = next_due(expression, configured, start - timedelta(seconds=1))
    while moment < end:
        yield moment
        moment = next_due(expression, configured, moment)


def starts_of_cron(lines: tuple[str, ...], zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Return the starts according to Debian's cron(8), including the nights of clock changes.

    Jobs with a fixed hour and minute are made up for when their time is skipped, and not repeated when it comes twice;
    jobs with a star go by the clock as it is.
    """
    parsed = [Line(line) for line in lines]
    for moment, wall, skipped, is_repeated in clock(zone, start, end):
        for line in parsed:
            if line.has_star:
                yield from [moment] if line.matches(wall) else []
            else:
                yield from [moment for each in skipped if line.matches(each)]
                yield from [moment] if not is_repeated and line.matches(wall) else []


@cache
def clock(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime, list[datetime], bool]]:
    """Return for each step the wall clock time, the times skipped just before it, and whether it is repeated."""
    found = []
    caught_up_at = moment = start
    while moment < end:
        wall, before = (each.astimezone(zone).replace(tzinfo=None) for each in (moment, moment - STEP))
        jump = wall - before - STEP
        if jump < timedelta():
            caught_up_at = moment - jump
        skipped = [before + n * STEP for n in range(1, jump // STEP + 1)] if jump > timedelta() else []
        found.append((moment, wall, skipped, moment < caught_up_at))
        moment += STEP
    return found


class Line:
    """Five fields as Vixie's cron reads them, as far as they are used here."""

    def __init__(self, fields: str) -> None:
        minute, hour, day, month, weekday = fields.split()
        self.has_star = minute.startswith("*") or hour.startswith("*")
        self._minutes, self._hours = values(minute, range(60)), values(hour, range(24))
        self._days, self._months, self._weekdays = (
            values(day, range(1, 32)),
            values(month, range(1, 13)),
            values(weekday, range(7)),
        )
        self._needs_both = day.startswith("*") or weekday.startswith("*")

    def matches(self, wall: datetime) -> bool:
        if wall.minute not in self._minutes or wall.hour not in self._hours or wall.month not in self._months:
            return False
        both = wall.day in self._days, wall.isoweekday() % 7 in self._weekdays
        return all(both) if self._needs_both else any(both)


def values(field: str, allowed: range) -> set[int]:
    if field.startswith("*"):
        return set(allowed[:: int(field[2:] or 1)])
    found = {int(value) for value in field.split(",")}
    assert found <= set(allowed)
    return found


@pytest.mark.parametrize(
    ("expression", "machine", "fields", "only_if_due"),
    [
        ("0 2,8,14,20 * * *", "Europe/Moscow", ("0 2,8,14,20 * * *",), False),
        ("0 2,8,14,20 * * *", "UTC", ("0 5,11,17,23 * * *",), False),
        ("0 2,8,14,20 * * *", "Asia/Kathmandu", ("45 4,10,16,22 * * *",), False),
        ("0 2,8,14,20 * * *", "Europe/Berlin", ("0 0,1,6,7,12,13,18,19 * * *",), True),
        # Every quarter of an hour is the same in every zone.
        ("*/15 * * * *", "Europe/Berlin", ("*/15 * * * *",), False),
        ("0 2 * * 1", "UTC", ("0 23 * * 0",), False),
        ("0 12 1 jan *", "UTC", ("0 9 1 1 *",), False),
        # The evening before the first is the last of a month, which cron does not support.
        ("0 2 1 * *", "UTC", ("0 23 * * *",), True),
        ("0 12 l * *", "Europe/Moscow", ("0 12 * * *",), True),
        # Two and three o'clock are changed in Berlin: by elapsed time, not by cron's compensation.
        ("30 4 * * *", "Europe/Berlin", ("30 * * * *",), True),
        # Only some of the starts are on the day before.
        ("0 2,8 * * 1", "UTC", ("0 23 * * 0", "0 5 * * 1"), False),
    ],
)
def test_examples(expression: str, machine: str, fields: tuple[str, ...], only_if_due: bool) -> None:
    found = times(expression, "Europe/Moscow", machine)

    assert (set(found.fields), found.only_if_due) == (set(fields), only_if_due)


def test_days_of_month_and_week_stay_alternatives() -> None:
    # With a star in one of them cron requires both; Airflow accepts either.
    assert times("0 12 */1 * 1", "Europe/Moscow", "UTC").fields == (f"0 9 {','.join(map(str, range(1, 32)))} * 1",)
