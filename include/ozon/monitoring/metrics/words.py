"""Numbers, money, moments and products as people read them, the same in mails and reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from include.ozon.monitoring.metrics.model import CurrencyImpact, Product, Transitions
from include.ozon.settings import Settings

NOTHING = "–"
NO_REASON = "no reason given"


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Thousands apart: ``1 234 567``."""
    return NOTHING if value is None else f"{value:,.{digits}f}".replace(",", " ")


def signed(value: float | None, digits: int = 0) -> str:
    """With its sign: ``+12``, ``-3``, ``0``."""
    if value is None:
        return NOTHING
    return "0" if round(value, digits) == 0 else f"{value:+,.{digits}f}".replace(",", " ")


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f} %"


def money(amount: Decimal, currency: str) -> str:
    """Whole units of the currency where there are many of them: ``1 234 567 RUB``, ``99.50 RUB``."""
    is_whole = abs(amount) >= 1000 or amount == amount.to_integral_value()
    rounded = amount.quantize(Decimal(1) if is_whole else Decimal("0.01"), ROUND_HALF_UP)
    return f"{number(rounded, 0 if is_whole else 2)} {currency}".rstrip()


def money_by_currency(impacts: Mapping[str, CurrencyImpact], field: str) -> list[str]:
    """A field of each currency that has any of it; never added."""
    amounts = {currency: getattr(impact, field) for currency, impact in impacts.items()}
    return [money(amount, currency) for currency, amount in amounts.items() if amount]


def money_of_all(impacts: Mapping[str, CurrencyImpact], field: str) -> str:
    """The same in one line; empty where no currency has any."""
    return ", ".join(money_by_currency(impacts, field))


def moment(at: datetime | None, settings: Settings) -> str:
    """To the minute, in ``time_zone``."""
    return NOTHING if at is None else f"{settings.in_time_zone(at):%d.%m.%Y %H:%M}"


def age(hours: float | None) -> str:
    if hours is None:
        return NOTHING
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def count_of(count: int, noun: str) -> str:
    """``1 product``, ``2 000 products``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def one_line(text: str) -> str:
    """What the marketplace calls a product can hold line breaks and control characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def reasons(product: Product) -> str:
    return one_line("; ".join(product.reasons))


def product_name(product: Product) -> str:
    return one_line(product.name) or "(no name)"


def basis(transitions: Transitions, settings: Settings) -> str:
    """What the transitions are compared with: ``since the last measurement (24.11.2026 08:10)``."""
    at = moment(transitions.since, settings)
    return {
        "last_measurement": f"since the last measurement ({at})",
        "asked": f"since {at}",
        "previous_load": f"since the load before (of {at}; nothing was measured until now)",
    }[transitions.basis]
