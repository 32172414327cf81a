"""Formatting of numbers, money, sizes, spans and moments for people, in the current language.

Thousands are separated by a plain space in every language: texts also go to terminals, chats and plain mails, and a
page keeps a number on one line by its style.
Babel is imported inside the functions: parsing a DAG does not need it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from textwrap import shorten
from typing import Literal, Protocol

from include.ozon.translation import Language, current_language

NOTHING = "–"

_QUOTED_CHARACTERS = 300
_BYTE_UNITS = ("byte", "kilobyte", "megabyte", "gigabyte")
_TIME_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
# Shorter spans keep their seconds: a minute and a half is not a whole number of minutes.
_IN_SECONDS = 120
_MOMENTS: dict[Language, str] = {"en": "%Y-%m-%d %H:%M %Z", "ru": "%d.%m.%Y %H:%M %Z"}


class HasTimeZone(Protocol):
    """The part of the settings that `moment` needs; they are in a layer above."""

    def in_time_zone(self, moment: datetime) -> datetime: ...


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Return the number with separated thousands: ``1 234 567``."""
    return NOTHING if value is None else _decimal(value, f"#,##0.{'0' * digits}")


def amount(value: float | None) -> str:
    """Return the number with at most two decimals, or two significant digits: ``1 234.5``, ``0.0043``."""
    return NOTHING if value is None else _decimal(value, _amount_pattern(value))


def signed(value: float | None, digits: int = 0) -> str:
    """Return the number with its sign: ``+12``, ``-3``, ``0``."""
    if value is None:
        return NOTHING
    pattern = f"#,##0.{'0' * digits}"
    return "0" if round(value, digits) == 0 else _decimal(value, f"+{pattern};-{pattern}")


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{number(value, 1)} %"


def money(value: Decimal, currency: str) -> str:
    """Return the amount, rounded to whole units from 1000 on: ``1 234 567 RUB``, ``99.50 RUB``; ``1 234 567 ₽``."""
    digits = 0 if abs(value) >= 1000 or value == value.to_integral_value() else 2
    amount_of_money = number(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP), digits)
    return f"{amount_of_money} {currency_name(currency)}".rstrip()


def currency_name(currency: str) -> str:
    """Return the code in English, which is short and clear in a log: ``RUB``; otherwise the symbol: ``₽``."""
    from babel.numbers import get_currency_symbol

    language = current_language()
    return currency if language == "en" or not currency else get_currency_symbol(currency, locale=language)


def count_of(count: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun, for logs and commands: ``1 product``, ``2 000 products``, ``2 successes``.

    It is English; a text that is translated has its forms in ``ngettext``.
    """
    return f"{number(count)} {singular if count == 1 else plural or f'{singular}s'}"


def size(byte_count: float) -> str:
    """Return a size, for example ``3.4 MB``, with 1024 bytes per kB."""
    power = 0
    while abs(byte_count) >= 1024 and power < len(_BYTE_UNITS) - 1:
        byte_count /= 1024
        power += 1
    if not power:
        return with_unit(round(byte_count), "digital-byte", "long", "#,##0")
    return with_unit(byte_count, f"digital-{_BYTE_UNITS[power]}", "short", "#,##0.0")


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
    shown = [part for part in parts[:2] if part[0]] or [(0, "second")]
    return " ".join(with_unit(whole, f"duration-{unit}", "long", "#,##0") for whole, unit in shown)


def moment(at: datetime | None, settings: HasTimeZone) -> str:
    """Return the moment to the minute, in the configured time zone: ``2026-11-24 08:10 MSK``."""
    return NOTHING if at is None else settings.in_time_zone(at).strftime(_MOMENTS[current_language()])


def day(at: datetime, settings: HasTimeZone) -> str:
    """Return the moment's date in the configured time zone: ``2026-11-24``, ``24.11.2026``."""
    return settings.in_time_zone(at).strftime(_MOMENTS[current_language()].split()[0])


def minutes_between(earlier: datetime, later: datetime) -> float:
    """Return the minutes, never below zero: the warehouse's clock may be a little ahead of this machine's."""
    return round(max(0.0, (later - earlier).total_seconds()) / 60, 1)


def quoted(text: str | None) -> str:
    """Return an error's message for use within a sentence: without line breaks and full stop, shortened."""
    return shorten(one_line(text or "no reason was recorded"), _QUOTED_CHARACTERS, placeholder=" ...").rstrip(". ")


def one_line(text: object, length: int | None = None) -> str:
    """Return a text as one line, without control, direction and other invisible characters; cut if it is too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())
    return line if length is None or len(line) <= length else f"{line[: length - 3]}..."


def with_unit(value: float, unit: str, length: Literal["short", "long"], pattern: str = "") -> str:
    """Return a value with one of CLDR's units, by default as ``amount`` shows it: ``1 день``, ``1 234.5 GB``."""
    from babel.units import format_unit

    shown = format_unit(value, unit, length, pattern or _amount_pattern(value), locale=current_language())
    return _spaced(shown)


def _amount_pattern(value: float) -> str:
    return "@#" if 0 < abs(value) < 0.01 else "#,##0.##"


def _decimal(value: float | Decimal, pattern: str) -> str:
    from babel.numbers import format_decimal

    return _spaced(format_decimal(value, pattern.rstrip("."), locale=current_language()))


def _spaced(text: str) -> str:
    from babel.numbers import get_group_symbol

    return text.replace(get_group_symbol(current_language()), " ").replace("\u00a0", " ")
