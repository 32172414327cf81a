"""Visibility metrics made by hand, for tests of reports and alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.ozon.monitoring.metrics.model import (
    Change,
    CurrencyImpact,
    FieldQuality,
    HistoryPoint,
    Impact,
    Product,
    Quality,
    QualityPart,
    Reason,
    Transitions,
    VisibilityMetrics,
)

NOW = datetime(2026, 11, 24, 5, 10, tzinfo=UTC)
LAST = NOW - timedelta(hours=6)

COUNTS = {"VISIBLE": 700, "HIDDEN": 200, "MODERATION": 20, "DECLINED": 30, "ARCHIVED": 45, "UNKNOWN": 5}


def product(number: int = 1, **fields: Any) -> Product:
    """Return a hidden product with stock."""
    made = Product(
        product_id=2_147_000_000 + number, offer_id=f"АРТ-{number}", name=f"Кружка «Ёж» № {number}",
        visibility="HIDDEN", reasons=("Снят с продажи продавцом",), since=NOW - timedelta(minutes=5),
        is_since_first_seen=False, units=12, price=Decimal("1499.90"), currency="RUB", daily_sales=Decimal("1.25"),
        previous="VISIBLE",
    )  # fmt: skip
    return replace(made, **fields)


def point(days_ago: float, visible_pct: float | None = 70.0, **fields: Any) -> HistoryPoint:
    """Return a measurement made ``days_ago`` days before `NOW`."""
    made = HistoryPoint(
        measured_at=NOW - timedelta(days=days_ago), workflow_id="run/main", products=1000, counts=COUNTS,
        visible_pct=visible_pct, coverage_pct=99.5, quality_score=95.0, turned_visible=0, turned_invisible=0,
        visible_without_stock=0, hidden_with_stock=0,
    )  # fmt: skip
    return replace(made, **fields)


def metrics(**fields: Any) -> VisibilityMetrics:
    """Return metrics of an account with 1000 products, 3 of them newly hidden; ``fields`` replace values."""
    turned = tuple(product(number) for number in range(1, 4))
    made = VisibilityMetrics(
        account="main", measured_at=NOW, workflow_id="run/main", loaded_at=NOW - timedelta(minutes=5),
        inventory_loaded_at=NOW - timedelta(minutes=2), products=1000, counts=COUNTS,
        changes={
            "last": Change(LAST, 1, dict.fromkeys(COUNTS, 0) | {"VISIBLE": -3, "HIDDEN": 3}, -0.3),
            "day": None,
            "week": None,
        },
        transitions=Transitions(LAST, "last_measurement", 702, turned, (product(9, visibility="VISIBLE"),), ()),
        field=FieldQuality(coverage_pct=99.5, with_reason_pct=98.0, age_hours=5 / 60),
        quality=Quality(
            96.5,
            (
                QualityPart("known_visibility", "Visibility is known", 25, 99.5, 995, 1000),
                QualityPart("freshness", "Products were loaded lately", 15, 100.0),
            ),
        ),
        impact=Impact(
            in_stock=500, visible_without_stock=1, hidden_with_stock=25, hidden_units=1234, hidden_units_unpriced=0,
            hidden_with_stock_by_visibility={"HIDDEN": 25, "MODERATION": 0, "DECLINED": 0, "UNKNOWN": 0},
            archived_with_stock=0, archived_units=0,
            currencies={
                "RUB": CurrencyImpact(24, 1200, Decimal("2345678.90"), Decimal("1500.5"), 20, Decimal("99.5"), 1),
                "KZT": CurrencyImpact(1, 34, Decimal("999.5")),
            },
            hidden_with_stock_products=turned,
            visible_without_stock_products=(product(20, visibility="VISIBLE", units=0, reasons=()),),
        ),
        top_reasons=(Reason("Снят с продажи продавцом", 150), Reason("Не указана цена", 20)), out_of_sight=255,
        longest_hidden=(product(30, since=NOW - timedelta(days=400), is_since_first_seen=True),),
        history=(point(1), point(0.25)),
    )  # fmt: skip
    return replace(made, **fields)


def empty() -> VisibilityMetrics:
    """Return metrics of an account that was never loaded."""
    return metrics(
        workflow_id=None, loaded_at=None, inventory_loaded_at=None, products=0, counts=dict.fromkeys(COUNTS, 0),
        changes={"last": None, "day": None, "week": None},
        transitions=Transitions(LAST, "previous_load", 0, (), (), ()), field=FieldQuality(None, None, None),
        quality=Quality(None, ()), top_reasons=(), out_of_sight=0, longest_hidden=(), history=(),
        impact=Impact(0, 0, 0, 0, 0, {}, 0, 0, {}, (), ()),
    )  # fmt: skip
