"""The two charts of the HTML report, as self-contained SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from include.ozon.monitoring.metrics.model import HistoryPoint, VisibilityMetrics
from include.ozon.settings import Settings
from include.ozon.words import moment, number, percent

_WIDTH = 640
_BAR_HEIGHT = 28
_LINE_HEIGHT = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 14, 26
_MIN_POINTS = 2
# The axis covers at least this much, so that a small change does not look like a fall.
_MIN_SPAN_POINTS = 2.0


def distribution_bar(metrics: VisibilityMetrics) -> str:
    """Return a bar of all products, with parts coloured by the classes ``v-<visibility>``."""
    parts = []
    left = 0.0
    for name, count in metrics.counts.items():
        width = _WIDTH * count / metrics.products
        if count:
            label = f"{name}: {number(count)} ({percent(metrics.pct(name))})"
            parts.append(
                f'<rect class="v-{name.lower()}" x="{left:.2f}" y="0" width="{width:.2f}" height="{_BAR_HEIGHT}">'
                f"<title>{escape(label)}</title></rect>"
            )
        left += width
    return (
        f'<svg class="bar" viewBox="0 0 {_WIDTH} {_BAR_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(_described(metrics.counts))}">{"".join(parts)}</svg>'
    )


def history_line(metrics: VisibilityMetrics, settings: Settings) -> str:
    """Return a line of the visible share in the last 30 days; empty if there is no earlier measurement."""
    points = _points(metrics.history, metrics.measured_at, metrics.visible_pct)
    if len(points) < _MIN_POINTS:
        return ""
    low, high = _bounds([share for _, share in points])
    started_at, ended_at = points[0][0], points[-1][0]
    seconds = (ended_at - started_at).total_seconds() or 1.0

    def place(at: datetime, share: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (at - started_at).total_seconds() / seconds
        y = _TOP + (_LINE_HEIGHT - _TOP - _BOTTOM) * (high - share) / (high - low)
        return x, y

    places = [place(at, share) for at, share in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    last_x, last_y = places[-1]
    grid = "".join(_grid_line(place(started_at, share)[1], share) for share in (low, (low + high) / 2, high))
    base = _LINE_HEIGHT - 5
    label = f"Visible share from {percent(points[0][1])} to {percent(points[-1][1])}"
    return (
        f'<svg class="line" viewBox="0 0 {_WIDTH} {_LINE_HEIGHT}" role="img" aria-label="{escape(label)}">{grid}'
        f'<polyline points="{line}"/><circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="3.5"/>'
        f'<text x="{_LEFT}" y="{base}">{escape(moment(started_at, settings))}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{base}" text-anchor="end">{escape(moment(ended_at, settings))}</text></svg>'
    )


def _grid_line(y: float, share: float) -> str:
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{share:.1f}</text>'
    )


def _points(
    history: Sequence[HistoryPoint], measured_at: datetime, visible_pct: float | None
) -> list[tuple[datetime, float]]:
    before = [(point.measured_at, point.visible_pct) for point in history if point.visible_pct is not None]
    return [*before, (measured_at, visible_pct)] if visible_pct is not None else before


def _bounds(shares: Sequence[float]) -> tuple[float, float]:
    low, high = min(shares), max(shares)
    margin = max(_MIN_SPAN_POINTS - (high - low), 0) / 2
    return max(low - margin, 0.0), min(high + margin, 100.0)


def _described(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)
