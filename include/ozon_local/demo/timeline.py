"""The thirty days of `make demo`: the scheduled loads, and the events that the sandbox makes.

A load's number is also the accounts' tick, so that an event is at the same load whenever the demo is made. All events
are in the sandbox's configuration: a later load of the accounts finds them too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from include.ozon.schedule import due_moments
from include.ozon.settings import Settings

SHOP, OUTLET = "demo", "demo_outlet"
ACCOUNTS = (SHOP, OUTLET)

DAYS = 30
LOADS_OF_A_DAY = 4
DECLINED_BRAND = "KAIDI"
SALE_SHARE = 0.4
HIDDEN_SHARE = 0.34

# Ranges of load numbers.
SALE = range(29, 41)
MASS_HIDE = range(57, 61)
OUTAGE = range(77, 80)
LATE_LOAD = 97
LATE_BY = timedelta(hours=3, minutes=41)

# The brand is declined at the last load but one. The key expires so soon that its alert opens two days before the end.
_DECLINED_LOADS_BEFORE_END = 1
_KEY_DAYS_LEFT = 12

# A load that is due right now is left to Airflow.
_YOUNGEST = timedelta(minutes=1)


@dataclass(frozen=True)
class Load:
    """One scheduled load of both accounts."""

    number: int
    due_at: datetime

    @property
    def starts_at(self) -> datetime:
        """A few seconds after it is due, as under a scheduler; the late one hours after."""
        queued = timedelta(seconds=2 + self.number * 37 % 9)
        return self.due_at + (LATE_BY if self.number == LATE_LOAD else queued)

    @property
    def dag_run_id(self) -> str:
        """Return an id that Airflow gives to none of its own runs: those have the moment when they are due."""
        return f"scheduled__{self.starts_at.isoformat()}"

    @property
    def is_checked(self) -> bool:
        """Return whether a health check follows: twice a day, and around the events."""
        near = (*MASS_HIDE, MASS_HIDE.stop, *OUTAGE, OUTAGE.stop, LATE_LOAD)
        return self.number % 2 == 0 or self.number in near


def loads(settings: Settings, tick_0_at: datetime, until: datetime) -> list[Load]:
    """Return the loads that were due after tick 0."""
    due = due_moments(settings.schedule.etl, settings.time_zone, tick_0_at)
    past = takewhile(lambda moment: moment + _YOUNGEST <= until, due)
    return [Load(number, due_at) for number, due_at in enumerate(past, start=1)]


def first_tick_0(settings: Settings, now: datetime) -> datetime:
    """Return the moment of tick 0 for a demo that is made now: just before its first load."""
    first = next(due_moments(settings.schedule.etl, settings.time_zone, now - timedelta(days=DAYS)))
    return first - timedelta(hours=24 / LOADS_OF_A_DAY)


def sandbox_accounts(planned: list[Load], tick_0_at: datetime) -> dict[str, dict[str, object]]:
    """Return the accounts as in the sandbox's configuration, without their keys."""
    calm = {"ticks_per_situation": 8, "tick_0_at": tick_0_at.isoformat()}
    key_expires_at = (planned[-1].due_at + timedelta(days=_KEY_DAYS_LEFT)).isoformat()
    return {
        SHOP: {"client_id": "1000003", "size": 2000, "currency": "RUB", **calm},
        OUTLET: {
            "client_id": "1000004",
            "size": 300,
            "currency": "KZT",
            "key_expires_at": key_expires_at,
            **calm,
        },
    }


def sandbox_faults(planned: list[Load], settings: Settings) -> list[dict[str, object]]:
    """Return the events as faults of the sandbox."""
    declined_from = planned[-1].number - _DECLINED_LOADS_BEFORE_END
    shop = [
        _fault("sale", SHOP, SALE, share=SALE_SHARE, discount_pct=25.0),
        _fault("hide_share", SHOP, MASS_HIDE, share=HIDDEN_SHARE),
        {"name": "decline_brand", "account": SHOP, "from_tick": declined_from, "params": {"brand": DECLINED_BRAND}},
    ]
    outage = [_fault("server_error", account, OUTAGE, status=503) for account in ACCOUNTS]
    return [*shop, *outage, *_weekends(planned, settings)]


def _weekends(planned: list[Load], settings: Settings) -> Iterator[dict[str, object]]:
    """Yield faults of products that are sold out at weekends; half of them come back on Monday morning."""
    for load in planned:
        local = settings.in_time_zone(load.due_at)
        week = local.isocalendar().week
        share = {5: 0.02 + local.hour / 800, 6: 0.05, 0: 0.025 if local.hour < 14 else 0}.get(local.weekday(), 0)
        for account in ACCOUNTS:
            if share:
                now = range(load.number, load.number + 1)
                yield _fault("out_of_stock", account, now, share=share, choice=week)


def _fault(name: str, account: str, loads: range, **params: object) -> dict[str, object]:
    return {"name": name, "account": account, "from_tick": loads.start, "to_tick": loads.stop, "params": params}
