"""How many products have been missing from sight for days, counted against the best moment of late.

What turned invisible since the last measurement is news once; that it has not come back lasts. So the alert goes on
until the products are visible again, or until a week has made their absence the normal state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import HistoryPoint, VisibilityMetrics

_LATE = timedelta(days=7)


@dataclass(frozen=True)
class MissingProducts:
    """``products`` more were visible at ``since`` than are now, of ``visible_before``; comings and goings cancel."""

    products: int
    visible_before: int
    since: datetime


def missing_products(metrics: VisibilityMetrics, history: Sequence[HistoryPoint]) -> MissingProducts | None:
    """Against the moment of the last week that makes them the most; None where none are missing.

    Each measurement counts what changed since the one before it, so the sum over several is what changed since the
    first of them. Removed products are no transitions, and not missing.
    """
    late = [point for point in history if metrics.measured_at - point.measured_at <= _LATE]
    net = len(metrics.transitions.turned_invisible) - len(metrics.transitions.turned_visible)
    most, since = 0, metrics.measured_at
    for point in reversed(late):
        if net > most:
            most, since = net, point.measured_at
        net += point.turned_invisible - point.turned_visible
    if not most:
        return None
    return MissingProducts(most, metrics.counts[Visibility.VISIBLE] + most, since)
