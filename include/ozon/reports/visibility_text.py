"""The visibility report for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from include.ozon.monitoring.metrics.definitions import DEFINITIONS, visibility_title
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.words import age
from include.ozon.reports.product_columns import SHOWN_COLUMNS, Row
from include.ozon.reports.visibility_sections import (
    MONEY,
    Section,
    empty_sentence,
    known_changes,
    money_rows,
    product_sections,
    turned_sentence,
)
from include.ozon.settings import Settings
from include.ozon.translation import gettext as _
from include.ozon.words import NOTHING, moment, number, one_line, percent, signed

# A table folded into the 80 columns of a pipe is unreadable.
WIDTH = 140

_STYLES = {"VISIBLE": "green", "HIDDEN": "red", "DECLINED": "red", "MODERATION": "yellow", "UNKNOWN": "magenta"}
_LISTED_REASONS = 10


def render_text(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    """Return the report without colours, for a file or a pipe."""
    target = io.StringIO()
    Console(file=target, width=WIDTH, color_system=None, legacy_windows=False, markup=False).print(
        visibility_tables(reported, settings)
    )
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines()).encode()


def visibility_tables(reported: Sequence[VisibilityMetrics], settings: Settings) -> RenderableType:
    """Return the report for a console, with colours if it supports them."""
    return Group(*(part for metrics in reported for part in _account(metrics, settings)))


def _account(metrics: VisibilityMetrics, settings: Settings) -> Iterator[RenderableType]:
    title = _("Visibility of {account}, measured {moment}").format(
        account=settings.account_title(metrics.account), moment=moment(metrics.measured_at, settings)
    )
    yield Text(title, style="bold")
    if metrics.is_empty:
        yield Text(f"{empty_sentence(metrics)}\n")
        return
    yield Text(_loaded(metrics, settings))
    yield _distribution(metrics)
    yield Text(f"{turned_sentence(metrics, settings)}\n")
    yield _impact(metrics)
    if metrics.impact.currencies:
        yield _money(metrics)
    yield from _lists(metrics, settings)
    if metrics.top_reasons:
        yield _top_reasons(metrics)
    yield _quality(metrics)
    yield Text("")


def _loaded(metrics: VisibilityMetrics, settings: Settings) -> str:
    return _(
        "Products loaded {products} ({age} ago), inventory {inventory}. Visibility known: {known}, hidden ones with a "
        "reason: {with_reason}."
    ).format(
        products=moment(metrics.loaded_at, settings),
        age=age(metrics.field.age_hours),
        inventory=moment(metrics.inventory_loaded_at, settings),
        known=percent(metrics.field.coverage_pct),
        with_reason=percent(metrics.field.with_reason_pct),
    )


def _distribution(metrics: VisibilityMetrics) -> Table:
    table = _table(_("What customers see"))
    table.add_column(_("Visibility"))
    table.add_column(_("Products"), justify="right")
    table.add_column(_("Share"), justify="right")
    changes = known_changes(metrics)
    for period in changes:
        table.add_column(period, justify="right")
    for name, count in metrics.counts.items():
        moved = (signed(change.counts[name]) for change in changes.values())
        label = Text(visibility_title(name), style=_STYLES.get(name, ""))
        table.add_row(label, number(count), percent(metrics.pct(name)), *moved)
    table.add_section()
    moved = (signed(change.products) for change in changes.values())
    table.add_row(_("All"), number(metrics.products), "", *moved)
    if changes:
        points = (signed(change.visible_points, 1) for change in changes.values())
        table.add_row(_("Visible share, percentage points"), "", percent(metrics.visible_pct), *points)
    return table


def _impact(metrics: VisibilityMetrics) -> Table:
    impact = metrics.impact
    table = _table(_("What it costs"))
    table.show_header = False
    table.add_column()
    table.add_column(justify="right")
    in_stock = _("{hidden} of {stock} in stock ({share})").format(
        hidden=number(impact.hidden_with_stock),
        stock=number(impact.in_stock),
        share=percent(impact.hidden_with_stock_pct),
    )
    rows = {
        "visible_without_stock": number(impact.visible_without_stock),
        "hidden_with_stock": in_stock,
        "hidden_units": number(impact.hidden_units),
        "hidden_units_unpriced": number(impact.hidden_units_unpriced or None),
        "archived_with_stock": number(impact.archived_with_stock or None),
    }
    for name, shown in rows.items():
        if shown != NOTHING:
            table.add_row(_(DEFINITIONS[name].title), shown)
    return table


def _money(metrics: VisibilityMetrics) -> Table:
    table = _table(_("Money at current prices, by currency"))
    table.add_column(_("Currency"))
    for heading in (*map(_, MONEY.values()), _("products with known sales")):
        table.add_column(heading, justify="right")
    for row in money_rows(metrics):
        table.add_row(*row)
    return table


def _lists(metrics: VisibilityMetrics, settings: Settings) -> Iterator[RenderableType]:
    for section in product_sections(metrics):
        if section.total:
            yield _section(section, settings)
            if more := section.total - min(settings.reports.listed_products, len(section.products)):
                yield Padding(Text(_("and {count} more").format(count=number(more)) + "\n"), (0, 0, 0, 1))


def _section(section: Section, settings: Settings) -> Table:
    table = _table(f"{section.title}: {number(section.total)}")
    for column in SHOWN_COLUMNS:
        table.add_column(
            _(column.title),
            justify="right" if column.is_number else "left",
            ratio=column.width or None,
            no_wrap=not column.width or column.is_cut,
            overflow="ellipsis" if column.is_cut else "fold",
        )
    for product in section.products[: settings.reports.listed_products]:
        row = Row(product, section.name, settings)
        table.add_row(*(Text(column.shown(row) or (NOTHING if column.is_number else "")) for column in SHOWN_COLUMNS))
    table.expand = True
    return table


def _top_reasons(metrics: VisibilityMetrics) -> Table:
    title = _("Why products are out of sight")
    table = _table(f"{title}: {number(metrics.out_of_sight)}")
    table.add_column(_("Reason"))
    table.add_column(_("Products"), justify="right")
    for reason in metrics.top_reasons[:_LISTED_REASONS]:
        table.add_row(Text(one_line(reason.text)), number(reason.products))
    return table


def _quality(metrics: VisibilityMetrics) -> Table:
    score = _("{score} of 100").format(score=number(metrics.quality.score, 1))
    table = _table(f"{_(DEFINITIONS['quality'].title)}: {score}")
    table.add_column(_("Part"))
    for heading in (_("Weight"), _("Value"), _("Good"), _("All")):
        table.add_column(heading, justify="right")
    for part in metrics.quality.parts:
        counted = (number(part.good), number(part.total))
        table.add_row(_(part.title), str(part.weight), number(part.value, 1), *counted)
    return table


def _table(title: str) -> Table:
    return Table(title=Text(title, style="italic"), title_justify="left")
