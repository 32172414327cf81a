"""The table ``visibility_metrics``: a row for each measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import Change, HistoryPoint, VisibilityMetrics
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection

HISTORY_DAYS = 30

_PERIODS = {"last": timedelta(0), "day": timedelta(days=1), "week": timedelta(weeks=1)}

_INSERT = """
INSERT INTO ozon.visibility_metrics (
    account, measured_at, workflow_id, products,
    visible, hidden, moderation, declined, archived, unknown,
    visible_pct, hidden_pct, moderation_pct, declined_pct, archived_pct, unknown_pct,
    coverage_pct, turned_visible, turned_invisible, visible_without_stock, hidden_with_stock,
    quality_score, quality_parts, impact
)
VALUES (
    %(account)s, %(measured_at)s, %(workflow_id)s, %(products)s,
    %(visible)s, %(hidden)s, %(moderation)s, %(declined)s, %(archived)s, %(unknown)s,
    %(visible_pct)s, %(hidden_pct)s, %(moderation_pct)s, %(declined_pct)s, %(archived_pct)s, %(unknown_pct)s,
    %(coverage_pct)s, %(turned_visible)s, %(turned_invisible)s, %(visible_without_stock)s, %(hidden_with_stock)s,
    %(quality_score)s, %(quality_parts)s, %(impact)s
)
ON CONFLICT (account, measured_at) DO NOTHING
"""

# Includes the last measurement, however old.
_HISTORY = """
SELECT measured_at, workflow_id, products, visible, hidden, moderation, declined, archived, unknown,
       visible_pct, coverage_pct, quality_score, turned_visible, turned_invisible,
       visible_without_stock, hidden_with_stock
FROM ozon.visibility_metrics
WHERE account = %(account)s AND measured_at < %(now)s
  AND measured_at >= least(
      %(since)s,
      (SELECT max(measured_at) FROM ozon.visibility_metrics WHERE account = %(account)s AND measured_at < %(now)s)
  )
ORDER BY measured_at
"""

_encode_json = msgspec.json.Encoder(decimal_format="number").encode


def save(connection: Connection, metrics: VisibilityMetrics) -> None:
    """Store a measurement; an existing one of the same account and moment stays unchanged."""
    connection.execute(_INSERT, _row(metrics))


def history(connection: Connection, account: str, now: datetime, settings: Settings) -> list[HistoryPoint]:
    """Return the measurements of the 30 days before ``now``, oldest first, with moments in `time_zone`.

    The last measurement is included even if it is older.
    """
    values = {"account": account, "now": now, "since": now - timedelta(days=HISTORY_DAYS)}
    rows = connection.cursor(row_factory=dict_row).execute(_HISTORY, values)
    return [_point(row, settings) for row in rows]


def changes(points: Iterable[HistoryPoint], metrics: VisibilityMetrics) -> dict[str, Change | None]:
    """Return the changes since the last measurement, and since the nearest ones at or before a day and a week ago."""
    known = list(points)
    return {name: _change(known, metrics, metrics.measured_at - ago) for name, ago in _PERIODS.items()}


def _change(points: list[HistoryPoint], metrics: VisibilityMetrics, at: datetime) -> Change | None:
    before = next((point for point in reversed(points) if point.measured_at <= at), None)
    if before is None:
        return None
    now_pct = metrics.visible_pct
    return Change(
        measured_at=before.measured_at,
        products=metrics.products - before.products,
        counts={name: count - before.counts[name] for name, count in metrics.counts.items()},
        visible_points=None if now_pct is None or before.visible_pct is None else now_pct - before.visible_pct,
    )


def _point(row: dict[str, Any], settings: Settings) -> HistoryPoint:
    counts = {str(visibility): row.pop(visibility.lower()) for visibility in Visibility}
    return HistoryPoint(**row | {"counts": counts, "measured_at": settings.in_time_zone(row["measured_at"])})


def _row(metrics: VisibilityMetrics) -> dict[str, object]:
    return {
        "account": metrics.account,
        "measured_at": metrics.measured_at,
        "workflow_id": metrics.workflow_id,
        "products": metrics.products,
        **{name.lower(): count for name, count in metrics.counts.items()},
        **{f"{name.lower()}_pct": metrics.pct(name) for name in metrics.counts},
        "coverage_pct": metrics.field.coverage_pct,
        "turned_visible": len(metrics.transitions.turned_visible),
        "turned_invisible": len(metrics.transitions.turned_invisible),
        "visible_without_stock": metrics.impact.visible_without_stock,
        "hidden_with_stock": metrics.impact.hidden_with_stock,
        "quality_score": metrics.quality.score,
        "quality_parts": _jsonb([asdict(part) for part in metrics.quality.parts]),
        "impact": _jsonb(impact_by_currency(metrics)),
    }


def impact_by_currency(metrics: VisibilityMetrics) -> Mapping[str, Mapping[str, object]]:
    """Return the impact for the column ``impact`` and the reports."""
    return {
        currency: asdict(impact) | {"lost_per_day": impact.lost_per_day}
        for currency, impact in metrics.impact.currencies.items()
    }


def _jsonb(content: object) -> Jsonb:
    return Jsonb(content, dumps=_encode_json)
