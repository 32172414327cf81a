"""The visibility report as CSV, one table for a spreadsheet.

A row is a product in one of the report's lists, which ``section`` names; in the section ``summary`` it is a number,
which ``metric`` names. UTF-8 with a byte order mark, commas, CRLF. A text that a spreadsheet would interpret as a
formula gets a leading apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal

from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.store import impact_by_currency
from include.ozon.reports.product_columns import PRODUCT_COLUMNS, Row
from include.ozon.reports.spreadsheet import Value, cell, moment
from include.ozon.reports.visibility_sections import product_sections
from include.ozon.settings import Settings

COLUMNS = (
    "section",
    "account",
    "measured_at",
    "metric",
    "value",
    "currency",
    *(column.name for column in PRODUCT_COLUMNS),
)

Cells = dict[str, Value]


def render_csv(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for metrics in reported:
        common: Cells = {"account": metrics.account, "measured_at": moment(metrics.measured_at, settings)}
        for row in _rows(metrics, settings):
            writer.writerow({name: cell(value) for name, value in (common | row).items()})
    return target.getvalue().encode("utf-8-sig")


def _rows(metrics: VisibilityMetrics, settings: Settings) -> Iterator[Cells]:
    for name, value, currency in _summary(metrics):
        yield {"section": "summary", "metric": name, "value": value, "currency": currency}
    for section in product_sections(metrics):
        for product in section.products:
            row = Row(product, section.name, settings)
            cells = {column.name: column.value(row) for column in PRODUCT_COLUMNS}
            yield {"section": section.name, "currency": product.currency, **cells}


def _summary(metrics: VisibilityMetrics) -> Iterator[tuple[str, Value, str]]:
    """Yield metric, value and currency of the numbers that are not about one product."""
    impact = metrics.impact
    numbers: Cells = {
        "products": metrics.products,
        **metrics.counts,
        **{f"{name}_pct": metrics.pct(name) for name in metrics.counts},
        **{section.name: section.total for section in product_sections(metrics) if section.name != "longest_hidden"},
        "visible_before": metrics.transitions.visible_before,
        "out_of_sight": metrics.out_of_sight,
        **asdict(metrics.field),
        "quality_score": metrics.quality.score,
        **{f"quality_{part.name}": part.value for part in metrics.quality.parts},
        "in_stock": impact.in_stock,
        "hidden_with_stock_pct": impact.hidden_with_stock_pct,
        "hidden_units": impact.hidden_units,
    }
    for name, change in metrics.changes.items():
        if change:
            numbers[f"visible_points_{name}"] = change.visible_points
    for name, value in numbers.items():
        yield name, value, ""
    for reason in metrics.top_reasons:
        yield f"reason: {reason.text}", reason.products, ""
    for currency, amounts in impact_by_currency(metrics).items():
        for name, amount in amounts.items():
            if isinstance(amount, (int, Decimal)):
                yield name, amount, currency
