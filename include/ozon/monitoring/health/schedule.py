"""When a load is due next, by its cron expression and the wall clock of its time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

# Longer than any clock is put forward or back.
_CLOCK_CHANGE = timedelta(hours=3)


def next_due(expression: str, time_zone: str, after: datetime) -> datetime:
    """The first due moment after ``after``, as UTC.

    A time that the clock skips in spring is due when it would have come; one that comes twice in autumn is due the
    first time.
    """
    zone = ZoneInfo(time_zone)
    wall_clock = after.astimezone(zone).replace(tzinfo=None)
    times = croniter(expression, wall_clock - _CLOCK_CHANGE)
    while True:
        time: datetime = times.get_next(datetime)
        due_at = time.replace(tzinfo=zone).astimezone(UTC)
        if due_at > after:
            return due_at
