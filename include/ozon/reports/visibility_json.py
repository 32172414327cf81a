"""The visibility report as JSON; docs/visibility-report.md describes its schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from include.ozon.monitoring.metrics.model import Change, HistoryPoint, Product, VisibilityMetrics
from include.ozon.monitoring.metrics.store import impact_by_currency
from include.ozon.reports.envelope import in_envelope
from include.ozon.reports.visibility_sections import Section, product_sections
from include.ozon.settings import Settings

# Decimals are written exactly, without the rounding of binary fractions.
_encode = msgspec.json.Encoder(decimal_format="number").encode


def render_json(reported: Sequence[VisibilityMetrics], settings: Settings) -> bytes:
    content = {
        "environment": settings.environment,
        "time_zone": settings.time_zone,
        "accounts": [_account(metrics, settings) for metrics in reported],
    }
    return msgspec.json.format(_encode(in_envelope("visibility-report", content)), indent=2) + b"\n"


def _account(metrics: VisibilityMetrics, settings: Settings) -> dict[str, Any]:
    account = settings.accounts.get(metrics.account)
    turned, impact = metrics.transitions, metrics.impact
    lists = {section.name: _section(section, settings) for section in product_sections(metrics)}
    return {
        "account": metrics.account,
        "title": account.title if account else metrics.account,
        "measured_at": _at(metrics.measured_at, settings),
        "workflow_id": metrics.workflow_id,
        "products_loaded_at": _at(metrics.loaded_at, settings),
        "inventory_loaded_at": _at(metrics.inventory_loaded_at, settings),
        "distribution": {
            "products": metrics.products,
            "counts": metrics.counts,
            "pct": {name: metrics.pct(name) for name in metrics.counts},
        },
        "changes": {name: _change(change, settings) for name, change in metrics.changes.items()},
        "transitions": {
            "since": _at(turned.since, settings),
            "basis": turned.basis,
            "visible_before": turned.visible_before,
            **{name: lists[name] for name in ("turned_invisible", "turned_visible", "removed")},
        },
        "field": asdict(metrics.field),
        "quality": asdict(metrics.quality),
        "impact": {
            "in_stock": impact.in_stock,
            "hidden_with_stock_pct": impact.hidden_with_stock_pct,
            "hidden_units": impact.hidden_units,
            "hidden_units_unpriced": impact.hidden_units_unpriced,
            "hidden_with_stock_by_visibility": impact.hidden_with_stock_by_visibility,
            "archived_with_stock": impact.archived_with_stock,
            "archived_units": impact.archived_units,
            "currencies": impact_by_currency(metrics),
            **{name: lists[name] for name in ("hidden_with_stock", "visible_without_stock")},
        },
        "top_reasons": [{"reason": reason.text, "products": reason.products} for reason in metrics.top_reasons],
        "longest_hidden": lists["longest_hidden"],
        "history": [_point(point, settings) for point in metrics.history],
    }


def _section(section: Section, settings: Settings) -> dict[str, Any]:
    return {"count": section.total, "products": [_product(product, settings) for product in section.products]}


def _product(product: Product, settings: Settings) -> dict[str, Any]:
    return asdict(product) | {"since": _at(product.since, settings)}


def _change(change: Change | None, settings: Settings) -> dict[str, Any] | None:
    return asdict(change) | {"measured_at": _at(change.measured_at, settings)} if change else None


def _point(point: HistoryPoint, settings: Settings) -> dict[str, Any]:
    return asdict(point) | {"measured_at": _at(point.measured_at, settings)}


def _at(moment: datetime | None, settings: Settings) -> str | None:
    return settings.in_time_zone(moment).isoformat(timespec="seconds") if moment else None
