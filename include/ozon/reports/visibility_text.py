"""The visibility report for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.words import NO_REASON, age, basis, product_name, reasons
from include.ozon.reports.visibility_sections import (
    MONEY,
    Section,
    empty_sentence,
    known_changes,
    money_rows,
    product_sections,
    since_words,
)
from include.ozon.settings import Settings
from include.ozon.words import NOTHING, count_of, moment, money, number, one_line, percent, signed

# A table folded into the 80 columns of a pipe is unreadable.
WIDTH = 140

_STYLES = {"VISIBLE": "green", "HIDDEN": "red", "DECLINED": "red", "MODERATION": "yellow", "UNKNOWN": "magenta"}
_LISTED_REASONS = 10


def render_text(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    """Return the report without colours, for a file or a pipe."""
    target = io.StringIO()
    Console(file=target, width=WIDTH, color_system=None, legacy_windows=False).print(
        visibility_tables(reported, settings)
    )
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines()).encode()


def visibility_tables(reported: Sequence[VisibilityMetrics], settings: Settings) -> RenderableType:
    """Return the report for a console, with colours if it supports them."""
    return Group(*(part for metrics in reported for part in _account(metrics, settings)))


def _account(metrics: VisibilityMetrics, settings: Settings) -> Iterator[RenderableType]:
    title = f"Visibility of {settings.account_title(metrics.account)}, measured {moment(metrics.measured_at, settings)}"
    yield Text(title, style="bold")
    if metrics.is_empty:
        yield Text(f"{empty_sentence(metrics)}\n")
        return
    yield Text(_loaded(metrics, settings))
    yield _distribution(metrics)
    yield from _turned(metrics, settings)
    yield _impact(metrics)
    if metrics.impact.currencies:
        yield _money(metrics)
    yield from _lists(metrics, settings)
    if metrics.top_reasons:
        yield _top_reasons(metrics)
    yield _quality(metrics)
    yield Text("")


def _loaded(metrics: VisibilityMetrics, settings: Settings) -> str:
    return (
        f"Products loaded {moment(metrics.loaded_at, settings)} ({age(metrics.field.age_hours)} ago), inventory "
        f"{moment(metrics.inventory_loaded_at, settings)}. Visibility known: {percent(metrics.field.coverage_pct)}, "
        f"hidden ones with a reason: {percent(metrics.field.with_reason_pct)}."
    )


def _distribution(metrics: VisibilityMetrics) -> Table:
    table = _table("What customers see")
    table.add_column("visibility")
    table.add_column("products", justify="right")
    table.add_column("share", justify="right")
    changes = known_changes(metrics)
    for period in changes:
        table.add_column(period, justify="right")
    for name, count in metrics.counts.items():
        moved = (signed(change.counts[name]) for change in changes.values())
        table.add_row(Text(name, style=_STYLES.get(name, "")), number(count), percent(metrics.pct(name)), *moved)
    table.add_section()
    moved = (signed(change.products) for change in changes.values())
    table.add_row("all", number(metrics.products), "", *moved)
    if changes:
        points = (signed(change.visible_points, 1) for change in changes.values())
        table.add_row("visible share, percentage points", "", percent(metrics.visible_pct), *points)
    return table


def _turned(metrics: VisibilityMetrics, settings: Settings) -> Iterator[RenderableType]:
    turned = metrics.transitions
    yield Text(
        f"Of {count_of(turned.visible_before, 'visible product')} {basis(turned, settings)}: "
        f"{number(len(turned.turned_invisible))} turned invisible, {number(len(turned.removed))} are no longer listed; "
        f"{number(len(turned.turned_visible))} others turned visible.\n"
    )


def _impact(metrics: VisibilityMetrics) -> Table:
    impact = metrics.impact
    table = _table("Impact")
    table.show_header = False
    table.add_column("what")
    table.add_column("number", justify="right")
    pct = percent(impact.hidden_with_stock_pct)
    table.add_row("Visible, but out of stock", count_of(impact.visible_without_stock, "product"))
    table.add_row(
        "In stock, but out of sight",
        f"{number(impact.hidden_with_stock)} of {count_of(impact.in_stock, 'product')} in stock ({pct})",
    )
    table.add_row("Pieces out of sight", number(impact.hidden_units))
    if impact.hidden_units_unpriced:
        table.add_row("  of these without a price", number(impact.hidden_units_unpriced))
    if impact.archived_with_stock:
        archived = f"{count_of(impact.archived_units, 'piece')} of {count_of(impact.archived_with_stock, 'product')}"
        table.add_row("Archived with stock", archived)
    return table


def _money(metrics: VisibilityMetrics) -> Table:
    table = _table("Money at current prices, by currency")
    table.add_column("currency")
    for heading in (*MONEY.values(), "products with known sales"):
        table.add_column(heading, justify="right")
    for row in money_rows(metrics):
        table.add_row(*row)
    return table


def _lists(metrics: VisibilityMetrics, settings: Settings) -> Iterator[RenderableType]:
    for section in product_sections(metrics):
        if section.total:
            yield _section(section, settings)
            if more := section.total - min(settings.reports.listed_products, len(section.products)):
                yield Padding(Text(f"and {number(more)} more\n"), (0, 0, 0, 1))


def _section(section: Section, settings: Settings) -> Table:
    table = _table(f"{section.title}: {count_of(section.total, 'product')}")
    table.add_column("product", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("offer", ratio=3, overflow="fold")
    table.add_column("visibility", min_width=10)
    table.add_column("since", min_width=16)
    table.add_column("pieces", justify="right", min_width=6)
    table.add_column("price", justify="right", min_width=12)
    table.add_column("reason", ratio=4)
    for product in section.products[: settings.reports.listed_products]:
        table.add_row(
            Text(product_name(product)),
            Text(one_line(product.offer_id)),
            product.visibility if section.name != "removed" else "gone",
            since_words(product, settings),
            number(product.units),
            NOTHING if product.price is None else money(product.price, product.currency),
            Text(reasons(product) or ("" if product.visibility == "VISIBLE" else NO_REASON)),
        )
    table.expand = True
    return table


def _top_reasons(metrics: VisibilityMetrics) -> Table:
    table = _table(f"Why products are out of sight ({count_of(metrics.out_of_sight, 'product')})")
    table.add_column("reason")
    table.add_column("products", justify="right")
    for reason in metrics.top_reasons[:_LISTED_REASONS]:
        table.add_row(Text(one_line(reason.text)), number(reason.products))
    return table


def _quality(metrics: VisibilityMetrics) -> Table:
    table = _table(f"Data quality: {number(metrics.quality.score, 1)} of 100")
    table.add_column("part")
    for heading in ("weight", "value", "good", "of"):
        table.add_column(heading, justify="right")
    for part in metrics.quality.parts:
        counted = (number(part.good), number(part.total))
        table.add_row(part.title, str(part.weight), number(part.value, 1), *counted)
    return table


def _table(title: str) -> Table:
    return Table(title=Text(title, style="italic"), title_justify="left")
