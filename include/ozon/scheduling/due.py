"""The moments at which a cron expression is due in its own time zone, the same as under Airflow's scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

DUE_TOLERANCE = timedelta(minutes=10)
"""How late cron may start what is due. Shorter than the distance of two candidate hours, which is half an hour at least
(Lord Howe Island moves its clock by so much), so that only one of them is taken for the right one."""

# No zone moves its clock by more in one night.
_LONGEST_SHIFT = timedelta(hours=3)


def is_due(expression: str, time_zone: str, now: datetime, tolerance: timedelta = DUE_TOLERANCE) -> bool:
    """Whether the expression was due in ``time_zone`` at ``now`` or less than ``tolerance`` before it.

    A wall clock time that comes twice when the clock goes back is due the second time only; one that is skipped is
    due so long after midnight as on other days. What is due every hour goes by the real time instead.
    """
    started_after = now - tolerance
    until = _wall(now, ZoneInfo(time_zone)) + _LONGEST_SHIFT
    for wall, moment in _moments(expression, time_zone, started_after):
        if wall > until:
            return False
        if started_after < moment <= now:
            return True
    return False


def next_due(expression: str, time_zone: str, after: datetime) -> datetime:
    """The first moment after this one at which the expression is due, in UTC."""
    first: datetime | None = None
    last_wall: datetime | None = None
    for wall, moment in _moments(expression, time_zone, after):
        # Where the clock skips an hour, a time in it comes after later ones.
        if first and last_wall and wall > last_wall:
            break
        if moment > after:
            first = min(first or moment, moment)
            last_wall = last_wall or wall + _LONGEST_SHIFT
    assert first is not None  # noqa: S101 - croniter raises where there is no further day, and ends no other way
    return first


def _moments(expression: str, time_zone: str, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Wall clock time and moment of each time that matches, from somewhat before ``after`` on.

    croniter is asked for wall clock times only: what the clock's changes make of them is decided here.
    """
    zone = ZoneInfo(time_zone)
    times = croniter(expression, _wall(after, zone) - _LONGEST_SHIFT)
    is_hourly = times.expanded[1] == ["*"]
    while True:
        wall: datetime = times.get_next(datetime)
        # They differ only where the wall clock shows the time twice, or not at all.
        first, second = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if is_hourly:
            yield wall, first
        yield wall, second


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
