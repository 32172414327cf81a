"""The settings' types for cron expressions and time zones."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter
from pydantic import AfterValidator

from include.ozon.settings.base import Allowed


def _check_cron(expression: str) -> str:
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"expected 5 fields, found {len(fields)}")
    # For H and R croniter picks random values, which differ at every parsing.
    if re.search(r"\b[HR]\b", expression, re.IGNORECASE):
        raise ValueError("the random values H and R are not allowed")
    try:
        croniter(expression).get_next(datetime)
    except CroniterBadDateError:
        raise ValueError("it never matches a day") from None
    except CroniterBadCronError as error:
        raise ValueError(str(error)) from None
    return expression


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("unknown time zone") from None
    return name


Cron = Annotated[
    str,
    AfterValidator(_check_cron),
    Allowed("cron expression of five fields"),
]
TimeZone = Annotated[str, AfterValidator(_check_time_zone), Allowed("IANA time zone, such as `Europe/Moscow`")]
