"""Notifications of a run, by channel, and the messages that carry them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from include.ozon.monitoring.alerts.model import (
    Alert,
    Event,
    Incident,
    IncidentKey,
    Kind,
    Line,
    Message,
    Notification,
    severity,
    worst_level,
)
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

T = TypeVar("T")


@dataclass(frozen=True)
class Current:
    """An incident in this run: as it was, as it is, and what there is to notify.

    ``muted`` has the ids of alerts that are muted now, ``news`` this run's events by the id of their alert.
    """

    before: Incident | None
    incident: Incident
    muted: frozenset[str] = frozenset()
    news: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    kind: Kind | None = None

    @property
    def level(self) -> AlertLevel:
        """The level that a message about the incident shows."""
        notified_level = self.incident.notified_level if self.incident.resolved_at else None
        return notified_level or worst_level(alert.level for alert in self.shown)

    @property
    def shown(self) -> tuple[Alert, ...]:
        """The alerts that a message about the incident shows."""
        if self.incident.resolved_at:
            return tuple(alert for alert in self.incident.alerts if alert.muted_by is None and not alert.is_event)
        return tuple(alert for alert in self.incident.firing if alert.alert_id not in self.muted)


def notify(
    current: Current, settings: Settings, now: datetime, channels: Collection[str]
) -> tuple[Current, frozenset[str]]:
    """Return the incident with a notification for each channel that is to be sent one, and these channels."""
    incident, kind = current.incident, current.kind
    missed = _missed(incident) & set(channels)
    if kind is None:
        return current, (missed if current.shown and not incident.resolved_at else frozenset())
    # Who was notified of something critical also learns that it is only a warning now.
    reach = worst_level([current.level, incident.notified_level]) if kind is Kind.REPEAT else current.level
    to_notify = _wanted(incident.group, reach, settings, channels) | missed
    # A channel that fails cannot carry the message about that.
    to_notify -= {alert.subject for alert in current.shown if alert.rule == CHANNEL_FAILED.name}
    kept = [each for each in incident.notifications if each.channel not in to_notify]
    new = [Notification(channel, kind, current.level, now) for channel in sorted(to_notify)]
    return replace(current, incident=replace(incident, notifications=(*kept, *new))), frozenset(to_notify)


def _missed(incident: Incident) -> frozenset[str]:
    """Return the channels that did not deliver the latest notification which any channel delivered."""
    return frozenset(
        each.channel
        for each in incident.notifications
        if not each.delivered_at and incident.notified_at and each.created_at <= incident.notified_at
    )


def _wanted(group: str, level: AlertLevel, settings: Settings, channels: Collection[str]) -> frozenset[str]:
    """Return the channels that the group names, without those for which the level is too low."""
    of_group = settings.alerts.groups.get(group)
    named = (of_group and of_group.channels) or channels
    configured = settings.alerts.channels
    return frozenset(
        name
        for name in channels
        if name in named
        and severity(level) >= severity(configured[name].min_level if name in configured else "warning")
    )


def missed_resolution(
    incident: Incident, reached: Collection[tuple[IncidentKey, str]]
) -> tuple[Current, frozenset[str]]:
    """Return a resolved incident with the channels that its resolution is sent to again.

    A channel that is sent a later incident of the same group and account need not know. An incident without an alert
    to show, such as one of before the migration, has nothing to resolve.
    """
    missed = [each.channel for each in incident.notifications if not each.delivered_at and each.kind is Kind.RESOLVED]
    current = Current(incident, incident)
    if missed and not current.shown:
        delivered = tuple(each for each in incident.notifications if each.delivered_at)
        return replace(current, incident=replace(incident, notifications=delivered)), frozenset()
    return current, frozenset(name for name in missed if (incident.key, name) not in reached)


def messages(
    notified: Sequence[tuple[Current, frozenset[str]]],
    details: Mapping[str, Sequence[Line]],
    links: tuple[str, ...],
) -> Iterator[Message]:
    """Yield one message for a group and all its incidents, and one for those that are resolved.

    Each channel gets what is meant for it in one message; channels with the same content share it.
    """
    by_channel: defaultdict[tuple[str, bool, str], list[Current]] = defaultdict(list)
    for current, channels in notified:
        for channel in channels:
            by_channel[current.incident.group, current.incident.resolved_at is not None, channel].append(current)
    shared: defaultdict[tuple[str, bool, tuple[tuple[str, Kind], ...]], list[str]] = defaultdict(list)
    current_of = {current.incident.incident_id: current for current, _ in notified}
    for (group, is_over, channel), currents in sorted(by_channel.items(), key=lambda item: item[0]):
        content = tuple((each.incident.incident_id, _kind_for(each, channel)) for each in currents)
        shared[group, is_over, content].append(channel)
    for (group, is_over, content), names in shared.items():
        currents = [current_of[incident_id] for incident_id, _ in content]
        events = [event for each in currents for alert in each.shown for event in each.news.get(alert.alert_id, ())]
        of_group = () if is_over else details.get(group, ())
        yield Message(
            kind=min((kind for _, kind in content), key=list(Kind).index),
            group=group,
            level=worst_level(each.level for each in currents),
            incidents=tuple(replace(each.incident, alerts=each.shown) for each in currents),
            channels=tuple(names),
            details=_each_once(of_group, *(event.details for event in events)),
            links=_each_once((event.link for event in events if event.link), links),
        )


def _kind_for(current: Current, channel: str) -> Kind:
    """Return why a channel is notified; one that missed a rise of the level may get it when it has fallen again."""
    missed = current.incident.by_channel[channel]
    is_lower = severity(current.level) < severity(missed.level)
    return Kind.REPEAT if missed.kind is Kind.WORSE and is_lower else missed.kind


def _each_once(*groups: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(line for group in groups for line in group))


def settle(
    incidents: Sequence[Incident], outcomes: Mapping[str, Mapping[str, str | None]], now: datetime
) -> tuple[Incident, ...]:
    """Return a decision's incidents after sending.

    ``outcomes`` has the channels that each incident's message was handed to, with the class of the error, or None
    where the channel took it. What no channel took leaves the incident as it was, so that the next run decides anew.
    What a channel has missed is dropped when it takes anything later of the same group and account.
    """
    delivered = {
        (incident.key, channel)
        for incident in incidents
        for channel, error in outcomes.get(incident.incident_id, {}).items()
        if error is None
    }
    errors = {(channel, error) for of_incident in outcomes.values() for channel, error in of_incident.items()}
    failing = {channel for channel, error in errors if error}
    working = {channel for channel, error in errors if not error} - failing
    return tuple(
        _without_old_errors(_settled(incident, outcomes.get(incident.incident_id, {}), delivered, now), working)
        for incident in incidents
    )


def _without_old_errors(incident: Incident, working: Collection[str]) -> Incident:
    """Return the incident without errors of channels that work again: what they delivered may be forgotten first."""
    notifications = tuple(
        replace(each, error=None) if each.error and each.channel in working else each for each in incident.notifications
    )
    return replace(incident, notifications=notifications)


def _settled(
    incident: Incident, errors: Mapping[str, str | None], delivered: Collection[tuple[IncidentKey, str]], now: datetime
) -> Incident:
    tried = [
        replace(
            each,
            attempts=each.attempts + 1,
            error=errors[each.channel],
            delivered_at=None if errors[each.channel] else now,
        )
        if each.channel in errors
        else each
        for each in incident.notifications
    ]
    kept = [each for each in tried if each.delivered_at or (incident.key, each.channel) not in delivered]
    incident = replace(incident, notifications=tuple(kept))
    new = [each for each in tried if each.channel in errors and each.created_at == now and each.delivered_at]
    if not new or new[0].kind is Kind.RESOLVED:
        return incident
    return replace(incident, notified_at=now, notified_level=new[0].level)
