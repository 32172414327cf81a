"""How checks word moments, spans of time and what others have said."""

from __future__ import annotations

from datetime import datetime
from textwrap import shorten

from include.ozon.settings import Settings

_QUOTED_CHARACTERS = 300


def minutes_between(earlier: datetime, later: datetime) -> float:
    """Never below zero: the warehouse's clock may be a little ahead of this machine's."""
    return round(max(0.0, (later - earlier).total_seconds()) / 60, 1)


def at(settings: Settings, moment: datetime) -> str:
    """A moment in the configuration's time zone."""
    return f"{settings.in_time_zone(moment):%Y-%m-%d %H:%M %Z}"


def quoted(text: str | None) -> str:
    """An error's sentence as a part of another sentence: no line breaks, no full stop, not too long."""
    return shorten(text or "no reason was recorded", _QUOTED_CHARACTERS, placeholder=" ...").rstrip(". ")


def count_of(number: int, singular: str, plural: str | None = None) -> str:
    """``1 workflow``, ``2 workflows``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
