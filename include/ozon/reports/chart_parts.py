"""Parts that all charts share: axes, tooltip, fonts; as options of Apache ECharts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

Option = dict[str, Any]

DAY = timedelta(days=1)
TEXT: Option = {"color": "var(--faint)", "fontFamily": "inherit", "fontSize": 11}
GRID: Option = {"top": 30, "left": 4, "right": 8, "bottom": 4, "containLabel": True}
# On a shorter axis the days alone would repeat.
_SHORT_AXIS = timedelta(days=4)
_MOST_DAYS = 10


def base() -> Option:
    """Return what all charts share."""
    return {
        "animation": False,
        "textStyle": {"fontFamily": "inherit"},
        "grid": GRID,
        "tooltip": tooltip(),
        "aria": {"enabled": False},
    }


def tooltip() -> Option:
    # Drawn on the canvas: a tooltip of HTML needs inline styles, which the page's security policy forbids.
    return {
        "trigger": "axis",
        "renderMode": "richText",
        "valueFormatter": "format:number",
        "confine": True,
        "backgroundColor": "var(--paper)",
        "borderColor": "var(--rule)",
        "textStyle": {"color": "var(--ink)", "fontSize": 12},
        "axisPointer": {"lineStyle": {"color": "var(--faint)"}, "label": {"formatter": "format:moment"}},
    }


def time_axis(moments: Sequence[datetime], margin: int) -> Option:
    """Return an axis of time, with labels that fit its span."""
    formatter, step = labels(moments)
    return {
        "type": "time",
        # A label is as exact as the step, so that no two are the same.
        "minInterval": step / timedelta(milliseconds=1),
        "axisLabel": {
            **TEXT,
            "formatter": formatter,
            "hideOverlap": True,
            "margin": margin,
            **({"customValues": _days(min(moments), max(moments))} if step == DAY else {}),
        },
        "axisLine": {"lineStyle": {"color": "var(--rule)"}},
        "axisTick": {"show": False},
    }


def _days(begin: datetime, end: datetime) -> list[int]:
    """Return days at the same distance: those of ECharts are closer to each other where a month begins."""
    every = math.ceil((end - begin) / DAY / _MOST_DAYS) * DAY
    first = begin.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    return [ms(first + number * every) for number in range(int((end - first) / every) + 1)]


def labels(moments: Sequence[datetime]) -> tuple[str, timedelta]:
    """Return the formatter for labels of these moments, and the step at which they differ: time, moment or day."""
    span = max(moments) - min(moments) if moments else timedelta()
    if span < DAY:
        return "format:time", timedelta(minutes=1)
    return ("format:moment", timedelta(minutes=1)) if span < _SHORT_AXIS else ("format:day", DAY)


def value_axis() -> Option:
    """Return an axis of amounts."""
    return {
        "type": "value",
        "axisLabel": {**TEXT, "formatter": "format:short"},
        "splitLine": {"lineStyle": {"color": "var(--rule)"}},
    }


def ms(moment: datetime) -> int:
    """Return the moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
