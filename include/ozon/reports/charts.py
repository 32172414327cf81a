"""The charts of the page and of the report, as options of Apache ECharts.

The options are data only: charts.js resolves colours such as ``var(--VISIBLE)`` and formatters such as
``format:number``. Moments are milliseconds since 1970.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.definitions import visibility_title
from include.ozon.monitoring.metrics.model import Counts
from include.ozon.reports.chart_parts import GRID, TEXT, Option, base, labels, ms, time_axis, tooltip, value_axis
from include.ozon.translation import gettext as _

_STATUS_COLOURS = {"failed": "var(--critical)", "running": "var(--accent)"}
_LEGEND: Option = {"top": 0, "left": 0, "itemWidth": 10, "itemHeight": 10, "icon": "roundRect", "textStyle": TEXT}
_MIN_SPAN_POINTS = 2


@dataclass(frozen=True)
class LoadMark:
    """A load on a time axis; ``is_late`` if it ended after its deadline."""

    at: datetime
    title: str
    status: str
    is_late: bool
    href: str = ""


@dataclass(frozen=True)
class PhaseBar:
    """An attempt of a component as a bar: its start within the workflow, and its seconds by phase."""

    name: str
    starts_after_seconds: float
    seconds: Mapping[str, float]
    tooltips: Mapping[str, str]


def visibility_over_time(
    points: Iterable[tuple[datetime, Counts]], loads: Sequence[LoadMark] = (), *, has_legend: bool = True
) -> Option:
    """Return products stacked by visibility, with a mark below for each load."""
    points = list(_steps(points))
    visibilities = [each for each in Visibility if any(counts[each] for _, counts in points)]
    series = [
        {
            "name": visibility_title(visibility),
            "type": "line",
            "stack": "products",
            "symbol": "none",
            # As wide as a pixel, so that no background shows between two areas.
            "lineStyle": {"width": 1, "color": f"var(--{visibility})"},
            "itemStyle": {"color": f"var(--{visibility})"},
            "areaStyle": {"opacity": 1, "color": f"var(--{visibility})"},
            "emphasis": {"disabled": True},
            "data": [[ms(at), counts[visibility]] for at, counts in points],
        }
        for visibility in visibilities
    ]
    marks = {
        "name": _("Loads"),
        "type": "scatter",
        "symbol": "triangle",
        "symbolSize": 7,
        "symbolOffset": [0, 8],
        "tooltip": {"trigger": "item", "formatter": "format:title"},
        "data": [_mark(load) for load in loads],
        "markLine": {
            "symbol": "none",
            "silent": True,
            "label": {"formatter": _("late"), "color": "var(--critical)", "fontSize": 10},
            "lineStyle": {"color": "var(--critical)", "type": "dashed"},
            "data": [{"xAxis": ms(load.at)} for load in loads if load.is_late],
        },
    }
    return {
        **base(),
        "grid": {**GRID, "top": 30 if has_legend else 10},
        "legend": {**_LEGEND, "show": has_legend, "data": [visibility_title(each) for each in visibilities]},
        "xAxis": time_axis([at for at, _ in points], margin=18 if loads else 8),
        "yAxis": value_axis(),
        "series": [*series, marks],
    }


def visible_share(points: Sequence[tuple[datetime, float]]) -> Option:
    """Return a line of the visible share in per cent; the axis covers at least two percentage points."""
    shares = [share for _, share in points]
    low, high = _bounds(shares)
    line = {
        "name": _("Visible share, in per cent"),
        "type": "line",
        "symbol": "none",
        "lineStyle": {"width": 2, "color": "var(--VISIBLE)"},
        "itemStyle": {"color": "var(--VISIBLE)"},
        "data": [[ms(at), round(share, 2)] for at, share in points],
    }
    return {
        **base(),
        "grid": {**GRID, "top": 10},
        "xAxis": time_axis([at for at, _ in points], margin=8),
        "yAxis": {**value_axis(), "min": low, "max": high},
        "series": [line],
    }


def distribution(counts: Counts) -> Option:
    """Return one bar of all products, divided by visibility; its legend is the table beside it."""
    series = [
        {
            "name": visibility_title(visibility),
            "type": "bar",
            "stack": "products",
            "barWidth": "100%",
            "itemStyle": {"color": f"var(--{visibility})", "borderColor": "var(--paper)", "borderWidth": 1},
            "data": [counts[visibility]],
        }
        for visibility in Visibility
        if counts[visibility]
    ]
    return {
        **base(),
        "grid": {"top": 0, "left": 0, "right": 0, "bottom": 0},
        "tooltip": {**tooltip(), "trigger": "item"},
        "xAxis": {"type": "value", "show": False, "max": sum(counts.values())},
        "yAxis": {"type": "category", "show": False, "data": [""]},
        "series": series,
    }


def reasons(products_by_reason: Sequence[tuple[str, int]]) -> Option:
    """Return a bar for each of Ozon's reasons, the first at the top."""
    bars = {
        "type": "bar",
        "barMaxWidth": 16,
        "itemStyle": {"color": "var(--HIDDEN)"},
        "label": {"show": True, "position": "right", "formatter": "format:value", "color": "var(--ink)"},
        "data": [count for _, count in products_by_reason],
    }
    return {
        **base(),
        "grid": {**GRID, "top": 4, "right": 56},
        "tooltip": {**tooltip(), "trigger": "item"},
        "xAxis": {**value_axis(), "minInterval": 1, "splitNumber": 3},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [reason for reason, _ in products_by_reason],
            "axisLabel": {**TEXT, "color": "var(--ink)", "width": 150, "overflow": "break", "lineHeight": 13},
            "axisLine": {"show": False},
            "axisTick": {"show": False},
        },
        "series": [bars],
    }


def _bounds(shares: Sequence[float]) -> tuple[float, float]:
    """Return the limits of an axis on which a small change does not look like a fall."""
    low, high = min(shares), max(shares)
    margin = max(_MIN_SPAN_POINTS - (high - low), 0) / 2
    step = 1 if high - low <= 10 else 5
    return step * math.floor(max(low - margin, 0) / step), step * math.ceil(min(high + margin, 100) / step)


def load_durations(bars: Sequence[Mapping[str, Any]]) -> Option:
    """Return a bar for each load, stacked by component.

    Each bar has ``at``, ``label`` and ``parts``: component's title, colour, seconds, status, tooltip and address.
    """
    titles = list(dict.fromkeys((part["component"], part["title"]) for bar in bars for part in bar["parts"]))
    series = [
        {
            "name": title,
            "type": "bar",
            "stack": "seconds",
            "barMaxWidth": 14,
            "itemStyle": {"color": f"var(--{component})"},
            "data": [_part(bar, component) for bar in bars],
        }
        for component, title in titles
    ]
    return {
        **base(),
        "legend": _LEGEND,
        "tooltip": {**tooltip(), "trigger": "item", "formatter": "format:title"},
        "xAxis": {
            "type": "category",
            "data": list(_without_repetitions([bar["at"] for bar in bars])),
            "axisLabel": {
                **TEXT,
                # A day has several loads.
                "formatter": labels([bar["at"] for bar in bars])[0].replace("format:day", "format:moment"),
                "hideOverlap": True,
                "interval": 0,
            },
            "axisLine": {"lineStyle": {"color": "var(--rule)"}},
            "axisTick": {"show": False},
        },
        "yAxis": value_axis(),
        "series": series,
    }


def seconds_by_phase(bars: Sequence[PhaseBar], titles: Mapping[str, str]) -> Option:
    """Return a bar for each attempt, from its start on, stacked by phase; "other" is time of no phase."""
    stack: Option = {"type": "bar", "stack": "seconds", "barMaxWidth": 18}
    before = {
        **stack,
        "name": "",
        "silent": True,
        "itemStyle": {"color": "transparent"},
        "data": [round(bar.starts_after_seconds, 3) for bar in bars],
    }
    series = [
        {
            **stack,
            "name": titles.get(phase, ""),
            "itemStyle": {"color": f"var(--{phase})"},
            "data": [
                {"value": round(bar.seconds.get(phase, 0), 3), "title": bar.tooltips.get(phase, "")} for bar in bars
            ],
        }
        for phase in (*titles, "other")
    ]
    return {
        **base(),
        "legend": {**_LEGEND, "data": list(titles.values())},
        "tooltip": {**tooltip(), "trigger": "item", "formatter": "format:title"},
        "xAxis": value_axis(),
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [bar.name for bar in bars],
            "axisLabel": {**TEXT, "color": "var(--ink)"},
            "axisLine": {"show": False},
            "axisTick": {"show": False},
        },
        "series": [before, *series],
    }


def _without_repetitions(moments: Iterable[datetime]) -> Iterator[int | str]:
    """Yield each moment, but an empty one for the accounts that begin within the same minute."""
    minute = None
    for at in moments:
        before, minute = minute, at.replace(second=0, microsecond=0)
        yield "" if minute == before else ms(at)


def _part(bar: Mapping[str, Any], component: str) -> Option | None:
    for part in bar["parts"]:
        if part["component"] == component:
            colour = _STATUS_COLOURS.get(part["status"])
            style = {"itemStyle": {"color": colour}} if colour else {}
            return {"value": part["seconds"], "title": part["tooltip"], "href": part["href"], **style}
    return None


def _mark(load: LoadMark) -> Option:
    colour = "var(--critical)" if load.status == "failed" or load.is_late else "var(--faint)"
    return {"value": [ms(load.at), 0], "title": load.title, "href": load.href, "itemStyle": {"color": colour}}


def _steps(points: Iterable[tuple[datetime, Counts]]) -> Iterator[tuple[datetime, Counts]]:
    """Yield each state at its beginning and end: ECharts leaves gaps between stacked areas with steps of its own."""
    before: Counts | None = None
    for at, counts in points:
        if before is not None:
            yield at - timedelta(milliseconds=1), before
        yield at, counts
        before = counts
