"""The visibility report as one self-contained HTML file.

`_text` escapes every value: the names of products come from the marketplace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from include.ozon.monitoring.metrics.model import Product, VisibilityMetrics
from include.ozon.monitoring.metrics.words import (
    NO_REASON,
    age,
    basis,
    money_by_currency,
    product_name,
    reasons,
)
from include.ozon.reports.visibility_charts import distribution_bar, history_line
from include.ozon.reports.visibility_sections import (
    MONEY,
    Section,
    empty_sentence,
    known_changes,
    money_rows,
    product_sections,
    since_words,
)
from include.ozon.reports.visibility_style import STYLE
from include.ozon.settings import Settings
from include.ozon.words import count_of, moment, money, number, one_line, percent, signed

# The products that can be unfolded below the first ones; a page with more is slow on a phone.
_UNFOLDED_AT_MOST = 1_000
_LISTED_REASONS = 20


def render_html(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    measured = max((metrics.measured_at for metrics in reported), default=None)
    title = f"Ozon visibility, {moment(measured, settings)}"
    accounts = "".join(_account(metrics, settings) for metrics in reported)
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{_text(title)}</h1>
{accounts}
<footer>Environment {_text(settings.environment)}. Times are in {_text(settings.time_zone)}. Products that Ozon no
longer lists are not counted. Out of sight: neither visible nor archived. Amounts are at current prices, and never added
across currencies. docs/visibility-report.md explains all numbers.</footer>
</body>
</html>
"""
    return page.encode()


def _account(metrics: VisibilityMetrics, settings: Settings) -> str:
    heading = f"<h2>{_text(settings.account_title(metrics.account))}</h2>\n"
    if metrics.is_empty:
        return f"{heading}<p>{_text(empty_sentence(metrics))}</p>\n"
    loaded = (
        f"Measured {moment(metrics.measured_at, settings)}. Products loaded {moment(metrics.loaded_at, settings)} "
        f"({age(metrics.field.age_hours)} ago), inventory {moment(metrics.inventory_loaded_at, settings)}."
    )
    parts = [
        heading,
        f'<p class="faint">{_text(loaded)}</p>\n',
        _tiles(metrics),
        "<h3>What customers see</h3>\n",
        distribution_bar(metrics),
        _distribution(metrics),
        _history(metrics, settings),
        _transitions(metrics, settings),
        _impact(metrics),
        *(_section(section, settings) for section in product_sections(metrics) if section.total),
        _reasons(metrics),
        _quality(metrics),
    ]
    return "".join(parts)


def _tiles(metrics: VisibilityMetrics) -> str:
    impact = metrics.impact
    tiles = [
        (percent(metrics.visible_pct), f"visible: {number(metrics.counts['VISIBLE'])} of {number(metrics.products)}"),
        (number(len(metrics.transitions.turned_invisible)), "turned invisible"),
        (number(impact.hidden_with_stock), "in stock, but out of sight"),
    ]
    for field, what in (("hidden_money", "of stock out of sight"), ("lost_per_day", "lost sales per day")):
        if amounts := money_by_currency(impact.currencies, field):
            others = f", and {', '.join(amounts[1:])}" if amounts[1:] else ""
            tiles.append((amounts[0], what + others))
    tiles.append((number(metrics.quality.score, 1), "data quality, of 100"))
    shown = (f'<div class="tile"><b>{_unbroken(value)}</b><span>{_text(what)}</span></div>' for value, what in tiles)
    return f'<div class="tiles">{"".join(shown)}</div>\n'


def _distribution(metrics: VisibilityMetrics) -> str:
    changes = known_changes(metrics)
    rows = [
        _row(
            f'<span class="whole"><i class="dot v-{name.lower()}"></i>{_text(name)}</span>',
            number(count),
            percent(metrics.pct(name)),
            *(signed(change.counts[name]) for change in changes.values()),
        )
        for name, count in metrics.counts.items()
    ]
    all_changes = (signed(change.products) for change in changes.values())
    rows.append(_row("All", number(metrics.products), "", *all_changes, kind="sum"))
    if changes:
        points = (signed(change.visible_points, 1) for change in changes.values())
        rows.append(_row("Visible share, percentage points", "", percent(metrics.visible_pct), *points))
    return _table(("Visibility", "Products", "Share", *changes), rows)


def _history(metrics: VisibilityMetrics, settings: Settings) -> str:
    line = history_line(metrics, settings)
    return f"<h3>Visible share, % of all products</h3>\n{line}\n" if line else ""


def _transitions(metrics: VisibilityMetrics, settings: Settings) -> str:
    turned = metrics.transitions
    sentence = (
        f"Of {count_of(turned.visible_before, 'visible product')} {basis(turned, settings)}, "
        f"{number(len(turned.turned_invisible))} turned invisible and {number(len(turned.removed))} are no longer "
        f"listed; {number(len(turned.turned_visible))} others turned visible."
    )
    return f"<h3>Changes of visibility</h3>\n<p>{_text(sentence)}</p>\n"


def _impact(metrics: VisibilityMetrics) -> str:
    impact = metrics.impact
    hidden = (
        f"{number(impact.hidden_with_stock)} of {number(impact.in_stock)} ({percent(impact.hidden_with_stock_pct)})"
    )
    rows = [
        _row("Visible, but out of stock: products", number(impact.visible_without_stock)),
        _row("In stock, but out of sight: products", hidden),
        _row("Pieces out of sight", number(impact.hidden_units)),
    ]
    if impact.hidden_units_unpriced:
        rows.append(_row("Of these, pieces without a price", number(impact.hidden_units_unpriced)))
    if impact.archived_with_stock:
        rows.append(_row("Archived, but in stock: products", number(impact.archived_with_stock)))
    return "<h3>Impact</h3>\n" + _table((), rows) + _money(metrics)


def _money(metrics: VisibilityMetrics) -> str:
    rows = [_row(_text(currency), *amounts) for currency, *amounts in money_rows(metrics)]
    headings = ("Currency", *MONEY.values(), "products with known sales")
    return _table(headings, rows) if rows else ""


def _section(section: Section, settings: Settings) -> str:
    listed_count = settings.reports.listed_products
    first, rest = section.products[:listed_count], section.products[listed_count:][:_UNFOLDED_AT_MOST]
    parts = [f"<h3>{_text(section.title)}: {number(section.total)}</h3>\n"]
    if first:
        parts.append(_products(first, section, settings))
    if rest:
        unfolded = _products(rest, section, settings)
        parts.append(f"<details><summary>Show {number(len(rest))} more</summary>\n{unfolded}</details>\n")
    if more := section.total - len(first) - len(rest):
        parts.append(f'<p class="faint">and {number(more)} more; the report as CSV or JSON lists them.</p>\n')
    return "".join(parts)


def _products(products: Iterable[Product], section: Section, settings: Settings) -> str:
    rows = "".join(_product(product, section, settings) for product in products)
    return (
        '<table class="products"><thead><tr><th>Product</th><th>Visibility</th><th class="n">Pieces</th>'
        f'<th class="n">Price</th><th>Reason</th></tr></thead><tbody>\n{rows}</tbody></table>\n'
    )


def _product(product: Product, section: Section, settings: Settings) -> str:
    state = "gone" if section.name == "removed" else product.visibility
    why = reasons(product) or ("" if product.visibility == "VISIBLE" else NO_REASON)
    units = "" if product.units is None else number(product.units)
    price = "" if product.price is None else money(product.price, product.currency)
    return (
        f"<tr><td>{_text(product_name(product))}<small>{_text(one_line(product.offer_id))}</small></td>"
        f"<td>{_text(state)}<small>{_text(since_words(product, settings))}</small></td>"
        f'<td class="n" data-label="Pieces">{_text(units)}</td><td class="n" data-label="Price">{_text(price)}</td>'
        f"<td>{_text(why)}</td></tr>\n"
    )


def _reasons(metrics: VisibilityMetrics) -> str:
    if not metrics.top_reasons:
        return ""
    rows = [
        _row(_text(one_line(reason.text)), number(reason.products)) for reason in metrics.top_reasons[:_LISTED_REASONS]
    ]
    title = f"<h3>Why {number(metrics.out_of_sight)} products are out of sight</h3>\n"
    return title + _table(("Reason", "Products"), rows)


def _quality(metrics: VisibilityMetrics) -> str:
    rows = [
        _row(_text(part.title), str(part.weight), number(part.value, 1), _good(part.good, part.total))
        for part in metrics.quality.parts
    ]
    title = f"<h3>Data quality: {number(metrics.quality.score, 1)} of 100</h3>\n"
    return title + _table(("Part", "Weight", "Value", "Good"), rows)


def _good(good: int | None, total: int | None) -> str:
    return "" if total is None else f"{number(good)} of {number(total)}"


def _table(headings: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th{' class=n' if place else ''}>{_text(heading)}</th>" for place, heading in enumerate(headings))
    head = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f'<div class="wide"><table>{head}<tbody>\n{"".join(rows)}</tbody></table></div>\n'


def _row(first_html: str, *numbers: str, kind: str = "") -> str:
    """Return a row whose first cell is already HTML, and whose others are numbers."""
    return f'<tr class="{kind}"><td>{first_html}</td>{"".join(_number_cells(numbers))}</tr>\n'


def _number_cells(numbers: Iterable[str]) -> Iterator[str]:
    for value in numbers:
        yield f'<td class="n">{_text(value)}</td>'


def _unbroken(value: str) -> str:
    """Return a number with its unit that can wrap only before the unit."""
    return _text(value.replace(" ", "\u00a0", value.count(" ") - 1))


def _text(value: str) -> str:
    return escape(value)
