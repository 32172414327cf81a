"""The chart of one product: visibility, price and stock below each other, on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from include.ozon.monitoring.metrics.definitions import visibility_title
from include.ozon.reports.chart_parts import DAY, TEXT, Option, base, ms, time_axis, value_axis
from include.ozon.translation import gettext as _

_BANDS = ({"top": 24, "height": 14}, {"top": 74, "height": 120}, {"top": 232, "height": 110})


@dataclass(frozen=True)
class History:
    """A product's periods of one visibility and of one price, each with begin and end, and its pieces over time."""

    visibility: Sequence[tuple[datetime, datetime | None, str]]
    prices: Sequence[tuple[datetime, datetime | None, Decimal | None, Decimal | None]]
    stock: Sequence[tuple[datetime, int]]

    @property
    def is_empty(self) -> bool:
        return not (self.visibility or self.prices or self.stock)

    @property
    def begins_at(self) -> datetime:
        """The first known state's beginning."""
        return min(first[0][0] for first in (self.visibility, self.prices, self.stock) if first)


def product_over_time(history: History, since: datetime, until: datetime) -> Option:
    """Return the chart of a period, without a beginning of which nothing is known, but of a day at least."""
    since = max(since, min(history.begins_at, until - DAY))
    axis = {**time_axis([since, until], margin=8), "min": ms(since), "max": ms(until)}
    hidden = {"axisLabel": {"show": False}, "axisLine": {"show": False}, "axisTick": {"show": False}}
    price = [(begin, end, price) for begin, end, price, _old in history.prices]
    old_price = [(begin, end, old) for begin, end, _price, old in history.prices]
    return {
        **base(),
        "grid": [{"left": 56, "right": 12, **band} for band in _BANDS],
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "title": [
            {"text": title, "left": 0, "top": band["top"] - 22, "textStyle": {**TEXT, "fontWeight": 600}}
            for title, band in zip((_("Visibility"), _("Price"), _("Available pieces")), _BANDS, strict=True)
        ],
        "xAxis": [
            {**axis, **hidden, "gridIndex": 0},
            {**axis, "axisLabel": {"show": False}, "gridIndex": 1},
            {**axis, "gridIndex": 2},
        ],
        "yAxis": [
            {"type": "value", "min": 0, "max": 1, "show": False, "gridIndex": 0},
            # In full: prices often differ by less than a tenth.
            {**value_axis(), "axisLabel": {**TEXT, "formatter": "format:number"}, "scale": True, "gridIndex": 1},
            {**value_axis(), "min": 0, "gridIndex": 2},
        ],
        "series": [
            *_bands(history, since, until),
            _steps(_("Price before the discount"), _points(old_price, since, until), 1, "var(--faint)", dashed=True),
            _steps(_("Price"), _points(price, since, until), 1, "var(--accent)"),
            {
                **_steps(_("Available pieces"), _stock(history, since, until), 2, "var(--accent)"),
                "areaStyle": {"opacity": 0.18},
            },
        ],
    }


def _bands(history: History, since: datetime, until: datetime) -> list[Option]:
    """Return a coloured band for each visibility that the product had."""
    found = []
    for visibility in dict.fromkeys(of_period for _begin, _end, of_period in history.visibility):
        periods = [(begin, end, 1) for begin, end, of_period in history.visibility if of_period == visibility]
        found.append(
            {
                **_steps(visibility_title(visibility), _points(periods, since, until), 0, f"var(--{visibility})"),
                "lineStyle": {"width": 0},
                "areaStyle": {"opacity": 1, "color": f"var(--{visibility})"},
                "tooltip": {"valueFormatter": "format:present"},
            }
        )
    return found


def _steps(name: str, data: list[list[float | None]], panel: int, colour: str, *, dashed: bool = False) -> Option:
    return {
        "name": name,
        "type": "line",
        "step": "end",
        "symbol": "none",
        "xAxisIndex": panel,
        "yAxisIndex": panel,
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": 1.5, "type": "dashed" if dashed else "solid"},
        "emphasis": {"disabled": True},
        "data": data,
    }


def _points(
    periods: Sequence[tuple[datetime, datetime | None, Decimal | int | None]], since: datetime, until: datetime
) -> list[list[float | None]]:
    """Return the points of a line with a gap wherever a period does not follow the one before."""
    points: list[list[float | None]] = []
    for (begin, end, value), following in [*pairwise(periods), (periods[-1], None)] if periods else []:
        shown = None if value is None else float(value)
        last = min(end or until, until)
        points.append([ms(max(begin, since)), shown])
        points.append([ms(last), shown])
        if following is None or following[0] != end:
            points.append([ms(last), None])
    return points


def _stock(history: History, since: datetime, until: datetime) -> list[list[float | None]]:
    points: list[list[float | None]] = [[ms(max(at, since)), float(units)] for at, units in history.stock]
    return [*points, [ms(until), points[-1][1]]] if points else []
