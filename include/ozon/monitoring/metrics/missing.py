"""Products that turned invisible within the last week and have not come back.

A transition appears in one measurement only, but the products stay invisible. So the alert fires until they are
visible again, or for a week: after that, their absence is the normal state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import HistoryPoint, VisibilityMetrics

_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class MissingProducts:
    """A net loss: ``products`` of the ``visible_before`` are no longer visible.

    ``seen_at`` is the measurement that noticed the first of them.
    """

    products: int
    visible_before: int
    seen_at: datetime


def missing_products(metrics: VisibilityMetrics, history: Sequence[HistoryPoint]) -> MissingProducts | None:
    """Return the largest net loss since any measurement of the last week; None if there is none.

    Each measurement counts the transitions since the one before, so a sum over several gives the net change since
    before the first of them. Removed products do not count as transitions, and so not as missing.
    """
    recent = [point for point in history if metrics.measured_at - point.measured_at <= _WINDOW]
    net = len(metrics.transitions.turned_invisible) - len(metrics.transitions.turned_visible)
    most, seen_at = max(0, net), metrics.measured_at
    for point in reversed(recent):
        net += point.turned_invisible - point.turned_visible
        if net > most:
            most, seen_at = net, point.measured_at
    if not most:
        return None
    return MissingProducts(most, metrics.counts[Visibility.VISIBLE] + most, seen_at)
