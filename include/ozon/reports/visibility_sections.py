"""What the formats of the visibility report share: the lists of products, and what stands in for the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.ozon.monitoring.metrics.model import Change, Product, VisibilityMetrics
from include.ozon.settings import Settings
from include.ozon.words import moment, money, number

PERIODS = {"last": "since last", "day": "in a day", "week": "in a week"}

MONEY = {
    "hidden_money": "worth of stock out of sight",
    "lost_hidden": "out of sight, a day",
    "lost_without_stock": "out of stock, a day",
    "lost_per_day": "not earned a day",
}
"""The fields of an impact that are money, with what they are called."""


@dataclass(frozen=True)
class Section:
    """A list of products; ``total`` is how many there are, of which ``products`` may be the first ones only."""

    name: str
    title: str
    total: int
    products: Sequence[Product]


def product_sections(metrics: VisibilityMetrics) -> tuple[Section, ...]:
    """In the order in which they are told."""
    turned, impact = metrics.transitions, metrics.impact
    return (
        _complete("turned_invisible", "Turned invisible", turned.turned_invisible),
        _complete("turned_visible", "Turned visible", turned.turned_visible),
        _complete("removed", "Were visible, and are no longer listed by Ozon", turned.removed),
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


def account_title(metrics: VisibilityMetrics, settings: Settings) -> str:
    """The account's name for people, and the key that commands and tables know it by."""
    account = settings.accounts.get(metrics.account)
    return f"{account.title} ({metrics.account})" if account else metrics.account


def empty_sentence(metrics: VisibilityMetrics) -> str:
    """What there is to say of an account without numbers."""
    if metrics.loaded_at is None:
        return f"Account {metrics.account} has not been loaded yet: the first run of ozon_etl brings its products."
    return f"Account {metrics.account} has no products."


def known_changes(metrics: VisibilityMetrics) -> dict[str, Change]:
    """The changes that there is something to compare with, by what they are called."""
    return {PERIODS[name]: change for name, change in metrics.changes.items() if change}


def money_rows(metrics: VisibilityMetrics) -> list[tuple[str, ...]]:
    """A line for each currency: its name, the amounts of ``MONEY``, and of how many products the sales are known."""
    return [
        (
            currency,
            *(money(getattr(impact, field), "") for field in MONEY),
            number(impact.lost_hidden_products + impact.lost_without_stock_products),
        )
        for currency, impact in metrics.impact.currencies.items()
    ]


def since_words(product: Product, settings: Settings) -> str:
    """A state that a product was first seen in is older than the warehouse knows."""
    return ("before " if product.is_since_first_seen else "") + moment(product.since, settings)
