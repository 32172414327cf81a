"""Texts about metrics and products, shared by mails and reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import CurrencyImpact, Product, Transitions
from include.ozon.settings import Settings
from include.ozon.translation import N_, _, ngettext
from include.ozon.words import NOTHING, moment, money, number, one_line, span

NO_REASON = N_("no reason given")


def age(hours: float | None) -> str:
    return NOTHING if hours is None else span(timedelta(hours=hours))


def money_by_currency(impacts: Mapping[str, CurrencyImpact], field: str) -> list[str]:
    """Return the amounts of a field, one for each currency in which it is not zero."""
    amounts = {currency: getattr(impact, field) for currency, impact in impacts.items()}
    return [money(amount, currency) for currency, amount in amounts.items() if amount]


def money_of_all(impacts: Mapping[str, CurrencyImpact], field: str) -> str:
    """Return the same in one line; empty if there are none."""
    return ", ".join(money_by_currency(impacts, field))


def pieces(count: int) -> str:
    return ngettext("{count} piece", "{count} pieces", count).format(count=number(count))


def reasons(product: Product) -> str:
    return one_line("; ".join(product.reasons))


def reason_words(product: Product) -> str:
    """Return Ozon's reasons; a visible product needs none."""
    return reasons(product) or ("" if product.visibility == Visibility.VISIBLE else _(NO_REASON))


def product_name(product: Product) -> str:
    return one_line(product.name) or _("(no name)")


def basis(transitions: Transitions, settings: Settings) -> str:
    """Return the period of the transitions: ``since the last measurement (24.11.2026 08:10)``."""
    at = moment(transitions.since, settings)
    match transitions.basis:
        case "last_measurement":
            return _("since the last measurement ({at})").format(at=at)
        case "asked":
            return _("since {at}").format(at=at)
        case "previous_load":
            return _("since the previous load ({at}); there was no measurement before").format(at=at)
