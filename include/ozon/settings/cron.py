"""Cron expressions and time zones, as the settings use them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter
from pydantic import AfterValidator

from include.ozon.settings.base import Allowed

# A leap year, so that a schedule on 29 February is seen, and always the same one, so that a configuration is
# not valid on one day and invalid on another.
_FIRST_DAY = datetime(2028, 1, 1)  # noqa: DTZ001 - wall clock time, given its zone below
_DAYS = 366


def _check_cron(expression: str) -> str:
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields instead of 5")
    # croniter takes H and R for values that it picks by itself, others at every parsing.
    if re.search(r"\b[HR]\b", expression, re.IGNORECASE):
        raise ValueError("the random values H and R are not allowed")
    try:
        croniter(expression, _FIRST_DAY).get_next(datetime)
    except CroniterBadDateError:
        raise ValueError("no day ever matches it") from None
    except CroniterBadCronError as error:
        raise ValueError(str(error)) from None
    return expression


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("no such time zone is known here") from None
    return name


Cron = Annotated[
    str,
    AfterValidator(_check_cron),
    Allowed("cron expression of five fields"),
]
TimeZone = Annotated[str, AfterValidator(_check_time_zone), Allowed("IANA time zone, such as `Europe/Moscow`")]


@lru_cache(maxsize=16)
def smallest_gap(expression: str, time_zone: str) -> timedelta:
    """The shortest time between two runs of a cron expression in a year, the clock's changes included.

    The times of day are the same on all days that match, so only the days are asked of croniter: its own way
    from run to run takes seconds for a schedule of every minute.
    """
    minute, hour, *day_fields = expression.split()
    days = croniter(f"0 0 {' '.join(day_fields)}", _FIRST_DAY - timedelta(days=1))
    last_day = _FIRST_DAY + timedelta(days=_DAYS)
    minutes, hours = croniter(f"{minute} {hour} * * *").expanded[:2]
    times = [
        timedelta(hours=int(h), minutes=int(m))
        for h in (range(24) if hours == ["*"] else hours)
        for m in (range(60) if minutes == ["*"] else minutes)
    ]
    zone = ZoneInfo(time_zone)
    # A set: where the clock skips an hour, two times of the wall clock are one moment.
    moments: set[datetime] = set()
    while (day := days.get_next(datetime)) <= last_day:
        moments.update((day + time).replace(tzinfo=zone).astimezone(UTC) for time in times)
    return min((later - earlier for earlier, later in pairwise(sorted(moments))), default=timedelta(days=_DAYS))
