"""Common parts of the visibility report's formats: the product lists, titles and table rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.ozon.monitoring.metrics.definitions import DEFINITIONS
from include.ozon.monitoring.metrics.model import Change, Product, VisibilityMetrics
from include.ozon.monitoring.metrics.words import basis
from include.ozon.settings import Settings
from include.ozon.translation import N_
from include.ozon.translation import gettext as _
from include.ozon.words import money, number

PERIODS = {"last": N_("since last"), "day": N_("in a day"), "week": N_("in a week")}

MONEY = {
    "hidden_money": N_("value of stock out of sight"),
    "lost_hidden": N_("lost sales per day: out of sight"),
    "lost_without_stock": N_("out of stock"),
    "lost_per_day": N_("in total"),
}
"""The headings of an impact's amounts of money, by field."""


@dataclass(frozen=True)
class Section:
    """A list of products; ``total`` is their number, ``products`` may be only the first of them."""

    name: str
    total: int
    products: Sequence[Product]

    @property
    def title(self) -> str:
        return _(DEFINITIONS[self.name].title)


def product_sections(metrics: VisibilityMetrics) -> tuple[Section, ...]:
    """Return the lists in the order of the report."""
    turned, impact = metrics.transitions, metrics.impact
    return (
        _complete("turned_invisible", turned.turned_invisible),
        _complete("turned_visible", turned.turned_visible),
        _complete("removed", turned.removed),
        Section("hidden_with_stock", impact.hidden_with_stock, impact.hidden_with_stock_products),
        Section("visible_without_stock", impact.visible_without_stock, impact.visible_without_stock_products),
        Section("longest_hidden", metrics.out_of_sight, metrics.longest_hidden),
    )


def _complete(name: str, products: Sequence[Product]) -> Section:
    return Section(name, len(products), products)


def empty_sentence(metrics: VisibilityMetrics) -> str:
    """Return the sentence for an account without numbers."""
    if metrics.loaded_at is None:
        sentence = _("Account {account} has not been loaded yet; the first run of ozon_etl loads its products.")
    else:
        sentence = _("Account {account} has no products.")
    return sentence.format(account=metrics.account)


def turned_sentence(metrics: VisibilityMetrics, settings: Settings) -> str:
    """Return the numbers of the transitions: of how many products, since when."""
    turned = metrics.transitions
    return _(
        "Were visible: {before}. Changes {since}: turned invisible {invisible}, no longer listed {removed}, turned "
        "visible {visible}."
    ).format(
        since=basis(turned, settings),
        before=number(turned.visible_before),
        invisible=number(len(turned.turned_invisible)),
        removed=number(len(turned.removed)),
        visible=number(len(turned.turned_visible)),
    )


def known_changes(metrics: VisibilityMetrics) -> dict[str, Change]:
    """Return the known changes by the heading of their period."""
    return {_(PERIODS[name]): change for name, change in metrics.changes.items() if change}


def money_rows(metrics: VisibilityMetrics) -> list[tuple[str, ...]]:
    """Return a row for each currency: name, amounts of ``MONEY``, number of products with known sales."""
    return [
        (
            currency,
            *(money(getattr(impact, field), "") for field in MONEY),
            number(impact.lost_hidden_products + impact.lost_without_stock_products),
        )
        for currency, impact in metrics.impact.currencies.items()
    ]
