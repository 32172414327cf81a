"""Details of a visibility alert: the products concerned, and the money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from include.ozon.monitoring.metrics.definitions import visibility_title
from include.ozon.monitoring.metrics.model import Product, VisibilityMetrics
from include.ozon.monitoring.metrics.words import NO_REASON, basis, money_of_all, pieces, product_name, reasons
from include.ozon.settings import Settings
from include.ozon.translation import Translated, _, current_language, in_every_language, ngettext
from include.ozon.words import moment, number, one_line

_LISTED_REASONS = 5


def detail_lines(metrics: VisibilityMetrics, settings: Settings) -> tuple[Translated, ...]:
    """Return lines of plain text that each name the account; none if nothing turned and no stock is hidden.

    A list names at most `reports.listed_products` products, and counts the others.
    """
    return in_every_language(lambda: _lines(metrics, settings))


def _lines(metrics: VisibilityMetrics, settings: Settings) -> Iterator[str]:
    turned = metrics.transitions
    values = {"account": metrics.account, "since": basis(turned, settings)}
    if count := len(turned.turned_invisible):
        yield ngettext(
            "Account {account}: {count} product turned invisible {since}:",
            "Account {account}: {count} products turned invisible {since}:",
            count,
        ).format(count=number(count), **values)
        yield from _products(turned.turned_invisible, settings)
    if count := len(turned.removed):
        yield ngettext(
            "Account {account}: {count} visible product vanished from Ozon's lists {since}:",
            "Account {account}: {count} visible products vanished from Ozon's lists {since}:",
            count,
        ).format(count=number(count), **values)
        yield from _products(turned.removed, settings, has_vanished=True)
    yield from _impact(metrics)


def _impact(metrics: VisibilityMetrics) -> Iterator[str]:
    impact, account = metrics.impact, metrics.account
    if count := impact.hidden_with_stock:
        found = ngettext(
            "Account {account}: customers cannot see {count} product with stock: {pieces}",
            "Account {account}: customers cannot see {count} products with stock: {pieces}",
            count,
        ).format(account=account, count=number(count), pieces=pieces(impact.hidden_units))
        worth = money_of_all(impact.currencies, "hidden_money")
        yield (
            _("{found}, worth {worth} at the current prices.").format(found=found, worth=worth)
            if worth
            else f"{found}."
        )
    if lost := money_of_all(impact.currencies, "lost_per_day"):
        yield _(
            "Account {account}: estimated lost sales per day, of the products with known daily sales: {lost}."
        ).format(account=account, lost=lost)
    if metrics.top_reasons and (impact.hidden_with_stock or metrics.transitions.turned_invisible):
        most_frequent = metrics.top_reasons[:_LISTED_REASONS]
        listed = "; ".join(f"{one_line(reason.text)} ({number(reason.products)})" for reason in most_frequent)
        yield _("Account {account}: most frequent reasons among all products out of sight: {reasons}.").format(
            account=account, reasons=listed
        )


def _products(products: Sequence[Product], settings: Settings, *, has_vanished: bool = False) -> Iterator[str]:
    gone = _("{product} (offer {offer}), gone at {at}")
    hidden = _("{product} (offer {offer}), {visibility} since {at}: {reasons}")
    listed = products[: settings.reports.listed_products]
    for product in listed:
        line = (gone if has_vanished else hidden).format(
            product=product_name(product),
            offer=one_line(product.offer_id),
            visibility=_visibility(product),
            at=moment(product.since, settings),
            reasons=reasons(product) or _(NO_REASON),
        )
        yield f"  {line}"
    if more := len(products) - len(listed):
        yield "  " + _("and {count} more").format(count=number(more))


def _visibility(product: Product) -> str:
    """Return the code in English, as in tables and files, and a word otherwise."""
    return product.visibility if current_language() == "en" else visibility_title(product.visibility).lower()
