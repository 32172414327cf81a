"""The one sender: takes what was seen, tells what is new about it, and remembers what it told.

The order is: read the state, decide, deliver, write the state. A crash between the last two repeats a message,
where the other order would lose one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.ozon.monitoring.alerts.copy import StateKeeper
from include.ozon.monitoring.alerts.decide import NOTHING, Outcome, decide, decide_on
from include.ozon.monitoring.alerts.delivery import Channel, channel_states, deliver
from include.ozon.monitoring.alerts.model import Alert, Event
from include.ozon.monitoring.alerts.observed import Observed
from include.ozon.monitoring.alerts.state import AlertState
from include.ozon.monitoring.results import CheckResult
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.warehouse import session

logger = logging.getLogger("ozon.alerts")

__all__ = ["Channel", "Outcome", "SentReport", "StateKeeper", "send_alerts"]


@dataclass(frozen=True)
class SentReport:
    """What a sending told, through which channels, and how many alerts are open after it."""

    outcomes: tuple[Outcome, ...]
    failed_channels: tuple[str, ...]
    open_count: int

    def describe(self) -> str:
        """One line for the log."""
        told = "; ".join(_described(outcome) for outcome in self.outcomes) or "nothing"
        failed = f" Channels that failed: {', '.join(self.failed_channels)}." if self.failed_channels else ""
        return f"Told {told}. Open alerts: {self.open_count}.{failed}"


def send_alerts(
    results: Sequence[CheckResult],
    events: Sequence[Event],
    *,
    connect: session.Connect,
    keeper: StateKeeper,
    channels: Mapping[str, Channel],
    settings: Settings,
    now: datetime,
    details: Mapping[str, Sequence[str]] = NOTHING,
    links: Sequence[str] = (),
) -> SentReport:
    """Tell what is new about these findings, each cause once; ``details`` are further lines by group.

    Raises nothing for a warehouse, a keeper or a channel that fails: that is logged, and made good by the next one.
    """
    if not channels:
        logger.warning("No channel is configured: alerts are recorded and nobody is told. See alerts.channels.")
    with AlertState.loaded(connect, keeper, settings, now) as state:
        # Whether channels work is only known once the rest is sent.
        about_channels, others = _parted(state.alerts)
        broken: dict[str, str] = {}
        decision = decide(
            others, results, events, settings=settings, now=now, channels=channels, details=details, links=links
        )
        outcomes = deliver(decision.notices, channels, settings, now, broken)
        seen = Observed(channel_states(outcomes, broken, settings))
        about = decide_on(about_channels, seen, settings=settings, now=now, channels=channels)
        outcomes_about = deliver(about.notices, channels, settings, now, broken)
        alerts = (*decision.settled(outcomes, now), *about.settled(outcomes_about, now))
        state.save(alerts)
    report = SentReport(
        outcomes=(*outcomes, *outcomes_about),
        failed_channels=tuple(sorted(broken)),
        open_count=sum(alert.is_open for alert in alerts),
    )
    logger.info("%s", report.describe())
    return report


def _parted(alerts: Iterable[Alert]) -> tuple[list[Alert], list[Alert]]:
    about_channels: list[Alert] = []
    others: list[Alert] = []
    for alert in alerts:
        (about_channels if alert.rule == CHANNEL_FAILED.name else others).append(alert)
    return about_channels, others


def _described(outcome: Outcome) -> str:
    notice = outcome.notice
    return f"{notice.kind} {notice.group} ({notice.level}) through {', '.join(outcome.delivered) or 'no channel'}"
