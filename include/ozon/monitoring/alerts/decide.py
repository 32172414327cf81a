"""What a sending tells: a pure function of the alerts so far and of what was seen. docs/decisions/0008 has the why.

An incident is the open alerts of one group and account. It is told when it opens, when it gets worse than was
last told, again after its repeat interval, and when it has recovered, if anything was told of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from include.ozon.monitoring.alerts.cases import IncidentKey, carry_on, incident_of, severity, worst_level
from include.ozon.monitoring.alerts.groups import group_of
from include.ozon.monitoring.alerts.holding import hold
from include.ozon.monitoring.alerts.incidents import Telling, incidents, recoveries_to_retry
from include.ozon.monitoring.alerts.model import Alert, Event, Kind, Notice
from include.ozon.monitoring.alerts.observed import Observed, limits_of, observe
from include.ozon.monitoring.results import CheckResult
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})
_IMPORTANCE = (Kind.OPENED, Kind.WORSE, Kind.REPEAT, Kind.RECOVERED)


@dataclass(frozen=True)
class Outcome:
    """What became of a notice: the channels that delivered it, and those that could not."""

    notice: Notice
    delivered: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """``alerts`` is the new state as if nothing were sent; `settled` adds what was.

    ``told_levels`` has, by its id, the level that each alert is told at; alerts in a notice that are not in it are
    told to channels that missed them, which does not begin a new repeat interval.
    """

    alerts: tuple[Alert, ...]
    notices: tuple[Notice, ...] = ()
    told_levels: Mapping[str, AlertLevel] = field(default_factory=dict)

    def settled(self, outcomes: Iterable[Outcome], now: datetime) -> tuple[Alert, ...]:
        """The state after sending. What no channel delivered stays untold, so that the next sending tells it."""
        delivered: defaultdict[str, set[str]] = defaultdict(set)
        failed: defaultdict[str, set[str]] = defaultdict(set)
        reached: defaultdict[IncidentKey, set[str]] = defaultdict(set)
        for outcome in outcomes:
            for alert in outcome.notice.alerts:
                delivered[alert.alert_id].update(outcome.delivered)
                failed[alert.alert_id].update(outcome.failed)
                reached[incident_of(alert)].update(outcome.delivered)
        return tuple(
            self._settled(
                # Whoever was told how things stand now need not hear of an earlier recovery.
                replace(alert, pending_channels=_without(alert, reached[incident_of(alert)])),
                delivered[alert.alert_id],
                failed[alert.alert_id],
                now,
            )
            for alert in self.alerts
        )

    def _settled(self, alert: Alert, delivered: set[str], failed: set[str], now: datetime) -> Alert:
        level = self.told_levels.get(alert.alert_id)
        pending = tuple(sorted((set(alert.pending_channels) | failed) - delivered))
        if level is not None and not delivered and alert.is_open and alert.last_sent_at:
            # The next decision finds the same news; a retry of it could only tell what had been told before.
            return alert
        if level is None or not delivered:
            return replace(alert, pending_channels=pending)
        return replace(
            alert,
            pending_channels=pending,
            last_sent_at=now,
            sent_count=alert.sent_count + 1,
            sent_level=level,
        )


def _without(alert: Alert, channels: Collection[str]) -> tuple[str, ...]:
    return tuple(channel for channel in alert.pending_channels if channel not in channels)


def decide(
    alerts: Iterable[Alert],
    results: Iterable[CheckResult],
    events: Iterable[Event],
    *,
    settings: Settings,
    now: datetime,
    channels: Collection[str],
    details: Mapping[str, Sequence[str]] = NOTHING,
    links: Sequence[str] = (),
) -> Decision:
    """The new state and the notices of one sending.

    ``alerts`` are the open ones and those that recovered lately; ``channels`` the names of those that can be used;
    ``details`` further lines by group.
    """
    observed = observe(results, events, settings)
    return decide_on(alerts, observed, settings=settings, now=now, channels=channels, details=details, links=links)


def decide_on(
    alerts: Iterable[Alert],
    observed: Observed,
    *,
    settings: Settings,
    now: datetime,
    channels: Collection[str],
    details: Mapping[str, Sequence[str]] = NOTHING,
    links: Sequence[str] = (),
) -> Decision:
    """`decide` for what is already brought to rules, accounts and subjects."""
    cases, causes = carry_on(alerts, observed, channels, settings, now)
    hold(cases.open, causes, settings, now)
    known = incidents(cases)
    tellings = [telling for incident in known for telling in incident.tell(settings, now)]
    addressed = [(telling, _recipients(telling, settings, channels)) for telling in tellings]
    reached: defaultdict[IncidentKey, set[str]] = defaultdict(set)
    for telling, recipients in addressed:
        reached[telling.incident].update(recipients)
    for telling in recoveries_to_retry(cases):
        addressed.append((telling, _recipients(telling, settings, channels) - reached[telling.incident]))
    return Decision(
        alerts=(*(case.alert for incident in known for case in (*incident.open, *incident.recovered)), *cases.past),
        notices=tuple(_notices(addressed, details, links)),
        told_levels={
            alert.alert_id: telling.level
            for telling, recipients in addressed
            if recipients and not telling.is_retry
            for alert in telling.alerts
        },
    )


def _recipients(telling: Telling, settings: Settings, channels: Collection[str]) -> frozenset[str]:
    """Those that its group names and its level is not too low for, and those that missed the last message."""
    pending = telling.channels & set(channels)
    if telling.is_retry:
        return pending
    meant = {
        name
        for alert in telling.alerts
        for name in channels
        if _is_meant(name, alert, _reached_level(alert, telling), settings)
    }
    # A channel that fails cannot say so itself.
    failing = {alert.subject for alert in telling.alerts if alert.rule == CHANNEL_FAILED.name}
    return frozenset((meant | pending) - failing)


def _reached_level(alert: Alert, telling: Telling) -> AlertLevel:
    return alert.level if telling.kind in {Kind.OPENED, Kind.WORSE} else telling.reach


def _is_meant(channel: str, alert: Alert, level: AlertLevel, settings: Settings) -> bool:
    group = settings.alerts.groups.get(group_of(alert.rule, alert.subject))
    meant = (group and group.channels) or [channel]
    configured = settings.alerts.channels.get(channel)
    min_level: AlertLevel = configured.min_level if configured else "warning"
    is_judged = limits_of(settings, alert.rule) is not None
    return is_judged and channel in meant and severity(level) >= severity(min_level)


def _notices(
    addressed: Sequence[tuple[Telling, frozenset[str]]], details: Mapping[str, Sequence[str]], links: Sequence[str]
) -> list[Notice]:
    """One notice for a group and whatever its incidents have to tell; recoveries are apart.

    Each channel gets what is meant for it in one message; channels with the same content share the notice.
    """
    by_channel: defaultdict[tuple[str, bool, str], list[Telling]] = defaultdict(list)
    for telling, recipients in addressed:
        for channel in recipients:
            by_channel[telling.incident[0], telling.kind is Kind.RECOVERED, channel].append(telling)
    shared: defaultdict[tuple[str, bool, tuple[int, ...]], list[str]] = defaultdict(list)
    content: dict[tuple[int, ...], list[Telling]] = {}
    for (group, is_over, channel), tellings in sorted(by_channel.items(), key=lambda item: item[0]):
        ids = tuple(id(telling) for telling in tellings)
        content[ids] = tellings
        shared[group, is_over, ids].append(channel)
    return [
        _notice(group, content[ids], tuple(names), () if is_over else tuple(details.get(group, ())), tuple(links))
        for (group, is_over, ids), names in shared.items()
    ]


def _notice(
    group: str,
    tellings: Sequence[Telling],
    channels: tuple[str, ...],
    details: tuple[str, ...],
    links: tuple[str, ...],
) -> Notice:
    alerts = [alert for telling in tellings for alert in telling.alerts]
    return Notice(
        kind=min((telling.kind for telling in tellings), key=_IMPORTANCE.index),
        group=group,
        level=worst_level(telling.level for telling in tellings),
        alerts=tuple(
            sorted(alerts, key=lambda alert: (-severity(alert.level), alert.account or "", alert.rule, alert.subject))
        ),
        channels=channels,
        details=_each_once(details, *(telling.details for telling in tellings)),
        links=_each_once(*(telling.links for telling in tellings), links),
    )


def _each_once(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for group in groups for line in group))
