"""The usual visible share of an account at an hour of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ozon.monitoring.metrics.model import HistoryPoint
from include.ozon.settings import Settings

FORMER_DAYS = 14
MIN_DAYS = 3
_AROUND = timedelta(minutes=90)
# Measurements closer than this are of the same day, also around midnight.
_SAME_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class UsualShare:
    """The median of ``days`` days; ``spread_points`` is the median distance of a day from it (MAD)."""

    visible_pct: float
    spread_points: float
    days: int


def usual_share(points: Sequence[HistoryPoint], now: datetime, settings: Settings) -> UsualShare | None:
    """Return the usual share of the last 14 days, each with its measurement nearest to the hour of ``now``.

    Measurements more than 90 minutes from that hour do not count. Return None if fewer than three days have one.
    """
    import pandas as pd

    here = settings.in_time_zone(now)
    shares = pd.DataFrame(
        [
            (settings.in_time_zone(point.measured_at).replace(tzinfo=None), point.visible_pct)
            for point in points
            if point.visible_pct is not None and now - point.measured_at >= _SAME_DAY
        ],
        columns=["at", "visible_pct"],
    )
    if shares.empty:
        return None
    # Wall-clock time: a load at 8:00 stays at 8:00 when daylight saving time begins or ends.
    ago = pd.Timestamp(here.replace(tzinfo=None)) - shares["at"]
    shares["day"] = ago.dt.round("D")
    shares["distance"] = (ago - shares["day"]).abs()
    in_time = shares[(shares["distance"] <= _AROUND) & (shares["day"] <= timedelta(days=FORMER_DAYS))]
    by_day = in_time.sort_values("distance").groupby("day")["visible_pct"].first()
    if len(by_day) < MIN_DAYS:
        return None
    usual = float(by_day.median())
    return UsualShare(usual, float((by_day - usual).abs().median()), len(by_day))
