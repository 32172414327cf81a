"""Conversion of a cron expression from the configured time zone to that of the machine's cron.

Debian's cron knows only its own zone. If an hour of one zone is not always the same hour of the other, or a day field
cannot be shifted, the fields contain every possible moment, and the started command checks whether it is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from croniter import croniter

from include.ozon.scheduling.zones import ZoneDifferences, zone_differences

_DAY = 24 * 60
_EVERY = ["*"]
_ALL_HOURS = frozenset(range(24))

# Day of the week (None for any), hour, minute.
_Start = tuple[int | None, int, int]
_Values = Sequence[int | str]


@dataclass(frozen=True)
class CronTimes:
    fields: tuple[str, ...]
    """Five fields for each line of the crontab."""
    only_if_due: bool
    """The moments are candidates: the command has to check whether it is due."""


def machine_times(expression: str, configured: ZoneInfo, machine: ZoneInfo, year: int) -> CronTimes:
    """Convert an expression; the differences of the zones are those of ``year``, the present one, and the next."""
    parsed = croniter(expression)
    minutes, hours, days, months, weekdays = parsed.expanded[:5]
    differences = zone_differences(configured, machine, year)
    times = [(h, m) for h in _numbers(hours, 24) for m in _numbers(minutes, 60)]
    any_day = days == _EVERY and months == _EVERY
    # The last day of a month, or the third Friday: only Airflow's cron expressions support them.
    is_cron = not parsed.nth_weekday_of_month and "l" not in days
    crosses_midnight = any(
        not 0 <= hour * 60 + minute + shift < _DAY for hour, minute in times for shift in differences.minutes
    )
    if is_cron and any_day:
        week = [None] if weekdays == _EVERY else [int(day) for day in weekdays]
        by_shift = [{_moved(day, *time, shift) for day in week for time in times} for shift in differences.minutes]
        day_fields = None
    else:
        by_shift = [{_moved(None, *time, shift) for time in times} for shift in differences.minutes]
        keeps_days = is_cron and not crosses_midnight
        day_fields = f"{_list(days)} {_list(months)} {_list(weekdays)}" if keeps_days else "* * *"
    starts = set.union(*by_shift)
    only_if_due = any(each != starts for each in by_shift) or (day_fields == "* * *")
    return CronTimes(tuple(_lines(starts, day_fields, differences if only_if_due else None)), only_if_due)


def _moved(weekday: int | None, hour: int, minute: int, shift_minutes: int) -> _Start:
    days, minutes = divmod(hour * 60 + minute + shift_minutes, _DAY)
    return None if weekday is None else (weekday + days) % 7, minutes // 60, minutes % 60


def _lines(starts: Collection[_Start], day_fields: str | None, differences: ZoneDifferences | None) -> Iterator[str]:
    weekdays: dict[tuple[int, int], set[int | None]] = defaultdict(set)
    for weekday, hour, minute in starts:
        weekdays[hour, minute].add(weekday)
    hours: dict[tuple[str, int], set[int]] = defaultdict(set)
    for (hour, minute), days in weekdays.items():
        named = sorted(day for day in days if day is not None)
        hours[day_fields or f"* * {_list(named or _EVERY)}", minute].add(hour)
    minutes: dict[tuple[str, frozenset[int]], list[int]] = defaultdict(list)
    for (day_part, minute), group in sorted(hours.items()):
        # In the night of a clock change, cron starts jobs with a fixed hour twice or not at all, but hourly jobs by
        # elapsed time. So a candidate of that night is started every hour and checks whether it is due.
        moved = differences is not None and any(_is_changed(hour * 60 + minute, differences) for hour in group)
        minutes[day_part, _ALL_HOURS if moved else frozenset(group)].append(minute)
    for (day_part, of_hours), of_minutes in minutes.items():
        hour_part = "*" if of_hours == _ALL_HOURS else _list(sorted(of_hours))
        yield f"{_minutes(of_minutes)} {hour_part} {day_part}"


def _is_changed(minute: int, differences: ZoneDifferences) -> bool:
    return any(
        start <= minute < end if start < end else minute >= start or minute < end for start, end in differences.changes
    )


def _numbers(values: _Values, size: int) -> list[int]:
    return list(range(size)) if values == _EVERY else [int(value) for value in values]


def _list(values: Collection[int | str]) -> str:
    return ",".join(map(str, values))


def _minutes(minutes: list[int]) -> str:
    for step in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30):
        if minutes == list(range(0, 60, step)):
            return "*" if step == 1 else f"*/{step}"
    return _list(minutes)
