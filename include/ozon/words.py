"""Formatting of counts, numbers, money, sizes, spans and moments for mails, reports and messages.

Babel is imported inside the functions: parsing a DAG does not need it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from textwrap import shorten
from typing import Literal, Protocol

NOTHING = "–"

_LOCALE = "en"
_QUOTED_CHARACTERS = 300
_BYTE_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte")
_TIME_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
# Shorter spans keep their seconds: a minute and a half is not a whole number of minutes.
_IN_SECONDS = 120


class HasTimeZone(Protocol):
    """The part of the settings that `moment` needs; they are in a layer above."""

    def in_time_zone(self, moment: datetime) -> datetime: ...


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return the number with separated thousands: ``1 234 567``."""
    return NOTHING if value is None else _decimal(value, f"#,##0.{'0' * digits}")


def amount(value: float | None) -> str:
    """Return the number with at most two decimals, or two significant digits: ``1 234.5``, ``0.0043``."""
    return NOTHING if value is None else _decimal(value, "@#" if 0 < abs(value) < 0.01 else "#,##0.##")


def signed(value: float | None, digits: int = 0) -> str:
    """Return the number with its sign: ``+12``, ``-3``, ``0``."""
    if value is None:
        return NOTHING
    pattern = f"#,##0.{'0' * digits}"
    return "0" if round(value, digits) == 0 else _decimal(value, f"+{pattern};-{pattern}")


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{number(value, 1)} %"


def money(value: Decimal, currency: str) -> str:
    """Return the amount, rounded to whole units from 1000 on: ``1 234 567 RUB``, ``99.50 RUB``."""
    digits = 0 if abs(value) >= 1000 or value == value.to_integral_value() else 2
    return f"{number(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP), digits)} {currency}".rstrip()


def count_of(count: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 product``, ``2 000 products``, ``2 successes``."""
    from babel import Locale

    is_one = Locale.parse(_LOCALE).plural_form(count) == "one"
    return f"{number(count)} {singular if is_one else plural or f'{singular}s'}"


def size(byte_count: float) -> str:
    """Return a size, for example ``3.4 MB``, with 1024 bytes per kB."""
    power = 0
    while abs(byte_count) >= 1024 and power < len(_BYTE_UNITS) - 1:
        byte_count /= 1024
        power += 1
    if not power:
        return count_of(round(byte_count), "byte")
    return _with_unit(byte_count, f"digital-{_BYTE_UNITS[power]}", "short", "#,##0.0")


def span(time: timedelta) -> str:
    """Return a span in at most two units: ``45 seconds``, ``12 minutes``, ``3 hours 5 minutes``, ``2 days``."""
    seconds = max(0, round(time.total_seconds()))
    if seconds >= _IN_SECONDS:
        seconds = 60 * round(seconds / 60)
    parts: list[tuple[int, str]] = []
    for unit, length in _TIME_UNITS:
        whole, seconds = divmod(seconds, length)
        if whole or parts or length == 1:
            parts.append((whole, unit))
    named = [_with_unit(whole, f"duration-{unit}", "long", "#,##0") for whole, unit in parts[:2] if whole]
    return " ".join(named) or "0 seconds"


def moment(at: datetime | None, settings: HasTimeZone) -> str:
    """Return the moment to the minute, in the configured time zone: ``2026-11-24 08:10 MSK``."""
    return NOTHING if at is None else f"{settings.in_time_zone(at):%Y-%m-%d %H:%M %Z}"


def minutes_between(earlier: datetime, later: datetime) -> float:
    """Return the minutes, never below zero: the warehouse's clock may be a little ahead of this machine's."""
    return round(max(0.0, (later - earlier).total_seconds()) / 60, 1)


def quoted(text: str | None) -> str:
    """Return an error's message for use within a sentence: without line breaks and full stop, shortened."""
    return shorten(text or "no reason was recorded", _QUOTED_CHARACTERS, placeholder=" ...").rstrip(". ")


def one_line(text: object, length: int | None = None) -> str:
    """Return a text as one line, without control, direction and other invisible characters; cut if it is too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())
    return line if length is None or len(line) <= length else f"{line[: length - 3]}..."


def _decimal(value: float | Decimal, pattern: str) -> str:
    from babel.numbers import format_decimal

    return format_decimal(value, pattern.rstrip("."), locale=_LOCALE).replace(",", " ")


def _with_unit(value: float, unit: str, length: Literal["short", "long"], pattern: str) -> str:
    from babel.units import format_unit

    return format_unit(value, unit, length, pattern, locale=_LOCALE).replace(",", " ")
