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
    """``products`` of the ``visible_before`` are not visible any more; comings and goings cancel.

    ``seen_at`` is the measurement that saw the first of them go.
    """

    products: int
    visible_before: int
    seen_at: datetime


def missing_products(metrics: VisibilityMetrics, history: Sequence[HistoryPoint]) -> MissingProducts | None:
    """Against the moment of the last week that makes them the most; None where none are missing.

    Each measurement counts what changed since the one before it, so the sum over several is what changed since before
    the first of them. Removed products are no transitions, and not missing.
    """
    late = [point for point in history if metrics.measured_at - point.measured_at <= _LATE]
    net = len(metrics.transitions.turned_invisible) - len(metrics.transitions.turned_visible)
    most, seen_at = max(0, net), metrics.measured_at
    for point in reversed(late):
        net += point.turned_invisible - point.turned_visible
        if net > most:
            most, seen_at = net, point.measured_at
    if not most:
        return None
    return MissingProducts(most, metrics.counts[Visibility.VISIBLE] + most, seen_at)
