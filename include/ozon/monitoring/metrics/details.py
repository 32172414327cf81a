"""Details of a visibility alert: the products concerned, and the money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from include.ozon.monitoring.metrics.model import Product, VisibilityMetrics
from include.ozon.monitoring.metrics.words import NO_REASON, basis, money_of_all, product_name, reasons
from include.ozon.settings import Settings
from include.ozon.words import count_of, moment, number, one_line

_LISTED_REASONS = 5


def detail_lines(metrics: VisibilityMetrics, settings: Settings) -> tuple[str, ...]:
    """Return lines of plain text that each name the account; none if nothing turned and no stock is hidden.

    A list names at most `reports.listed_products` products, and counts the others.
    """
    return tuple(_lines(metrics, settings))


def _lines(metrics: VisibilityMetrics, settings: Settings) -> Iterator[str]:
    of_account = f"Account {metrics.account}"
    turned = metrics.transitions
    compared = basis(turned, settings)
    if turned.turned_invisible:
        yield f"{of_account}: {count_of(len(turned.turned_invisible), 'product')} turned invisible {compared}:"
        yield from _products(turned.turned_invisible, settings)
    if turned.removed:
        yield f"{of_account}: {count_of(len(turned.removed), 'visible product')} vanished from Ozon's lists {compared}:"
        yield from _products(turned.removed, settings, has_vanished=True)
    yield from _impact(metrics, of_account)


def _impact(metrics: VisibilityMetrics, of_account: str) -> Iterator[str]:
    impact = metrics.impact
    if impact.hidden_with_stock:
        worth = money_of_all(impact.currencies, "hidden_money")
        yield (
            f"{of_account}: customers cannot see {count_of(impact.hidden_with_stock, 'product')} with stock: "
            f"{count_of(impact.hidden_units, 'piece')}" + (f", worth {worth} at the current prices." if worth else ".")
        )
    if lost := money_of_all(impact.currencies, "lost_per_day"):
        yield f"{of_account}: estimated lost sales per day, of the products with known daily sales: {lost}."
    if metrics.top_reasons and (impact.hidden_with_stock or metrics.transitions.turned_invisible):
        most_frequent = metrics.top_reasons[:_LISTED_REASONS]
        listed = "; ".join(f"{one_line(reason.text)} ({number(reason.products)})" for reason in most_frequent)
        yield f"{of_account}: most frequent reasons among all products out of sight: {listed}."


def _products(products: Sequence[Product], settings: Settings, *, has_vanished: bool = False) -> Iterator[str]:
    listed = products[: settings.reports.listed_products]
    for product in listed:
        at = moment(product.since, settings)
        what = f"gone at {at}" if has_vanished else f"{product.visibility} since {at}: {reasons(product) or NO_REASON}"
        yield f"  {product_name(product)} (offer {one_line(product.offer_id)}), {what}"
    if more := len(products) - len(listed):
        yield f"  and {number(more)} more"
