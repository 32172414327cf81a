"""An account's metrics and products as people read them, the same in mails and reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from include.ozon.monitoring.metrics.model import CurrencyImpact, Product, Transitions
from include.ozon.settings import Settings
from include.ozon.words import NOTHING, moment, money, span

NO_REASON = "no reason given"


def age(hours: float | None) -> str:
    return NOTHING if hours is None else span(timedelta(hours=hours))


def money_by_currency(impacts: Mapping[str, CurrencyImpact], field: str) -> list[str]:
    """A field of each currency that has any of it; never added."""
    amounts = {currency: getattr(impact, field) for currency, impact in impacts.items()}
    return [money(amount, currency) for currency, amount in amounts.items() if amount]


def money_of_all(impacts: Mapping[str, CurrencyImpact], field: str) -> str:
    """The same in one line; empty where no currency has any."""
    return ", ".join(money_by_currency(impacts, field))


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
