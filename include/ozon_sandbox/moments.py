"""The catalogue's calendar: tick 0 is a fixed moment or the account's own, a tick the time between two loads."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from include.ozon_sandbox.hashing import Ints

_TICK_0 = np.datetime64("2026-11-20T00:00:00", "us")
_TICK = np.timedelta64(6, "h")


def texts(ticks: Ints, seconds: Ints, tick_0_at: datetime | None = None) -> list[str]:
    """Return RFC 3339 moments, ``seconds`` after the beginning of each tick."""
    tick_0 = np.datetime64(tick_0_at.astimezone(UTC).replace(tzinfo=None), "us") if tick_0_at else _TICK_0
    moments: NDArray[np.datetime64] = tick_0 + ticks * _TICK + seconds * np.timedelta64(1_000_000, "us")
    return [f"{text}Z" for text in np.datetime_as_string(moments, unit="us").tolist()]
