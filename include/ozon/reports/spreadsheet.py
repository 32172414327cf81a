"""Cells of CSV files that spreadsheets open: no text becomes a formula, moments are in the configured time zone."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from include.ozon.settings import Settings

Value = str | float | Decimal | None

# Including the full-width characters, which some spreadsheets treat alike.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Value) -> Value:
    """Return the value, a text that a spreadsheet would interpret as a formula with a leading apostrophe."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return round(value, 4) if isinstance(value, float) else value


def moment(at: datetime, settings: Settings) -> str:
    """Return a moment in the format of spreadsheets, in `time_zone`."""
    return f"{settings.in_time_zone(at):%Y-%m-%d %H:%M:%S}"
