"""Common parts of the visibility report's formats: the product lists, titles and table rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.ozon.monitoring.metrics.model import Change, Product, VisibilityMetrics
from include.ozon.settings import Settings
from include.ozon.words import moment, money, number

PERIODS = {"last": "since last", "day": "in a day", "week": "in a week"}

MONEY = {
    "hidden_money": "value of stock out of sight",
    "lost_hidden": "lost sales per day: out of sight",
    "lost_without_stock": "out of stock",
    "lost_per_day": "in total",
}
"""The headings of an impact's amounts of money, by field."""


@dataclass(frozen=True)
class Section:
    """A list of products; ``total`` is their number, ``products`` may be only the first of them."""

    name: str
    title: str
    total: int
    products: Sequence[Product]


def product_sections(metrics: VisibilityMetrics) -> tuple[Section, ...]:
    """Return the lists in the order of the report."""
    turned, impact = metrics.transitions, metrics.impact
    return (
        _complete("turned_invisible", "Turned invisible", turned.turned_invisible),
        _complete("turned_visible", "Turned visible", turned.turned_visible),
        _complete("removed", "Were visible, no longer listed by Ozon", turned.removed),
        Section(
            "hidden_with_stock",
            "In stock, but out of sight",
            impact.hidden_with_stock,
            impact.hidden_with_stock_products,
        ),
        Section(
            "visible_without_stock",
            "Visible, but out of stock",
            impact.visible_without_stock,
            impact.visible_without_stock_products,
        ),
        Section("longest_hidden", "Out of sight the longest", metrics.out_of_sight, metrics.longest_hidden),
    )


def _complete(name: str, title: str, products: Sequence[Product]) -> Section:
    return Section(name, title, len(products), products)


def empty_sentence(metrics: VisibilityMetrics) -> str:
    """Return the sentence for an account without numbers."""
    if metrics.loaded_at is None:
        return f"Account {metrics.account} has not been loaded yet; the first run of ozon_etl loads its products."
    return f"Account {metrics.account} has no products."


def known_changes(metrics: VisibilityMetrics) -> dict[str, Change]:
    """Return the known changes by the heading of their period."""
    return {PERIODS[name]: change for name, change in metrics.changes.items() if change}


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


def since_words(product: Product, settings: Settings) -> str:
    """Return when a state began; a product's first known state began earlier."""
    return ("before " if product.is_since_first_seen else "") + moment(product.since, settings)
