"""Due moments of a cron expression in a time zone, equal to those of Airflow's CronTriggerTimetable."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from croniter import croniter

DUE_TOLERANCE = timedelta(minutes=10)
"""The accepted delay of cron. It is shorter than the distance of two candidate hours, which is at least half an hour
(the clock change of Lord Howe Island), so that only one of them is due."""

# The result depends on the first moment for at most twice the clock change, and no zone changes its clock by more than
# three hours in one night.
_LOOKBACK = timedelta(hours=6)
_DAY = timedelta(days=1)


def is_due(expression: str, time_zone: str, now: datetime, tolerance: timedelta = DUE_TOLERANCE) -> bool:
    """Return whether the expression was due at ``now`` or less than ``tolerance`` before."""
    return next_due(expression, time_zone, now - tolerance) <= now


def next_due(expression: str, time_zone: str, after: datetime) -> datetime:
    """Return the first due moment after ``after``, in UTC."""
    return next(due_moments(expression, time_zone, after))


def due_moments(expression: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """Yield all due moments after ``after``, in UTC.

    In the nights of clock changes these are Airflow's rules: a repeated time is due the second time; a skipped time is
    due after the usual elapsed time since midnight, and the times that the clock has passed by then are left out. An
    hourly expression counts elapsed time instead: both repeated hours are due.
    """
    zone, times = ZoneInfo(time_zone), _WallTimes(expression)
    # Start from a due moment, as Airflow does: elapsed time since another moment gives another result.
    moment = _moment(times.before(_wall(after, zone) - _LOOKBACK), zone)
    while True:
        wall = _wall(moment, zone)
        due = times.after(wall)
        moment = moment + (due - wall) if times.is_hourly else _moment(due, zone)
        if moment > after:
            yield moment


@lru_cache(maxsize=16)
def smallest_gap(expression: str, time_zone: str) -> timedelta:
    """Return the shortest time between two due moments of a year, including clock changes."""
    # A leap year, to include 29 February, and always the same one, so that the validity of a configuration does not
    # depend on the day.
    first, last = (datetime(year, 1, day, tzinfo=ZoneInfo(time_zone)) for year, day in ((2028, 1), (2029, 2)))
    moments = takewhile(lambda moment: moment < last, due_moments(expression, time_zone, first - timedelta(seconds=1)))
    return min((later - earlier for earlier, later in pairwise(moments)), default=366 * _DAY)


class _WallTimes:
    """The wall clock times of an expression. croniter only finds the days: it is too slow for all times of a year."""

    def __init__(self, expression: str) -> None:
        minute, hour, *day_fields = expression.split()
        minutes, hours = croniter(f"{minute} {hour} * * *").expanded[:2]
        # The same test as Airflow's.
        self.is_hourly = hours == ["*"]
        self._times = sorted(
            timedelta(hours=int(h), minutes=int(m))
            for h in (range(24) if self.is_hourly else hours)
            for m in (range(60) if minutes == ["*"] else minutes)
        )
        self._days = croniter(f"0 0 {' '.join(day_fields)}")
        self._first_day = cache(self._find_day)

    def before(self, wall: datetime) -> datetime:
        """Return a time before ``wall``, the first of its day."""
        day: datetime = self._days.get_prev(datetime, start_time=wall - self._times[0])
        return day + self._times[0]

    def after(self, wall: datetime) -> datetime:
        """Return the first time after ``wall``."""
        midnight = datetime.combine(wall, time())
        if wall - midnight < self._times[-1] and self._first_day(midnight) == midnight:
            return midnight + self._times[bisect_right(self._times, wall - midnight)]
        return self._first_day(midnight + _DAY) + self._times[0]

    def _find_day(self, earliest: datetime) -> datetime:
        day: datetime = self._days.get_next(datetime, start_time=earliest - timedelta(seconds=1))
        return day


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    return max(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
