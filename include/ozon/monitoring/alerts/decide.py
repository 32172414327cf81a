"""Decides who is notified of what: a pure function of results, incidents and the time.

An incident is notified when it opens, when it gets worse than people last saw, after its repeat interval, and when it
is resolved. docs/decisions/0008 has the reasons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from include.ozon.monitoring.alerts.model import (
    Alert,
    AlertKey,
    Event,
    Incident,
    IncidentKey,
    Kind,
    Line,
    Message,
    new_id,
    severity,
    worst_level,
)
from include.ozon.monitoring.alerts.muting import Muting, group_of
from include.ozon.monitoring.alerts.notify import Current, messages, missed_resolution, notify
from include.ozon.monitoring.alerts.states import (
    State,
    channel_states,
    events_by_key,
    limits_of,
    repeat_interval,
    states_of,
)
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

NOTHING: Mapping[str, Sequence[Line]] = MappingProxyType({})

# Such as the alerts of an area that was taken out of health.checks: no result would ever resolve them.
_FORGOTTEN_AFTER = timedelta(days=3)
_NO_LONGER_CHECKED = "no longer checked"


@dataclass(frozen=True)
class Decision:
    """The incidents after a run, with a notification for each that is to be sent, and the messages that carry them."""

    incidents: tuple[Incident, ...]
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class _Run:
    """The input of one run, brought to states and events."""

    settings: Settings
    now: datetime
    channels: Collection[str]
    states: Mapping[AlertKey, State]
    events: Mapping[AlertKey, Sequence[Event]]


def decide(
    incidents: Iterable[Incident],
    results: Iterable[CheckResult],
    events: Iterable[Event],
    *,
    settings: Settings,
    now: datetime,
    channels: Collection[str],
    details: Mapping[str, Sequence[Line]] = NOTHING,
    links: Sequence[str] = (),
) -> Decision:
    """Return the incidents after a run, and the messages to send.

    ``incidents`` are the unresolved ones, those resolved of late, and those whose resolution a channel has missed;
    ``channels`` the names of the channels that can be used; ``details`` further lines by group.
    """
    before = _sound(incidents, channels, settings)
    states = states_of(results, settings) | channel_states(before, channels, settings)
    run = _Run(settings, now, channels, states, events_by_key(events, settings))
    notified = [notify(current, settings, now, channels) for current in _unresolved(run, before)]
    reached = {(current.incident.key, channel) for current, of_incident in notified for channel in of_incident}
    notified += [missed_resolution(incident, reached) for incident in before if incident.resolved_at]
    return Decision(
        tuple(current.incident for current, _ in notified), tuple(messages(notified, details, tuple(links)))
    )


# Alerts


def _sound(incidents: Iterable[Incident], channels: Collection[str], settings: Settings) -> list[Incident]:
    """Return the incidents without channels that are no longer configured, and with one alert of each key.

    That is the first one that fires, or the last one that was resolved.
    """
    known = {*channels, *settings.alerts.channels}
    found = []
    for incident in sorted(incidents, key=lambda each: (each.opened_at, str(each.key))):
        by_opening = sorted(incident.alerts, key=lambda alert: alert.opened_at)
        resolved = [alert for alert in by_opening if not alert.is_firing]
        firing = [alert for alert in reversed(by_opening) if alert.is_firing]
        alerts = {alert.key: alert for alert in (*resolved, *firing)}
        notifications = tuple(each for each in incident.notifications if each.delivered_at or each.channel in known)
        found.append(replace(incident, alerts=tuple(alerts.values()), notifications=notifications))
    return found


def _unresolved(run: _Run, incidents: Sequence[Incident]) -> list[Current]:
    """Return the incidents that are unresolved, or were before this run, with what is to be notified."""
    before = {incident.key: incident for incident in incidents if not incident.resolved_at}
    updated = {
        key: replace(
            incident,
            alerts=tuple(_updated(run, alert, incident) if alert.is_firing else alert for alert in incident.alerts),
        )
        for key, incident in before.items()
    }
    firing = {alert.key for incident in updated.values() for alert in incident.firing}
    for key, state in sorted(run.states.items(), key=lambda item: str(item[0])):
        if state.level is not None and key not in firing:
            _add(updated, Alert(*key, state.level, run.now, run.now, state.message, state.value, state.threshold))
    resolved = [incident for incident in incidents if incident.resolved_at]
    causes = [alert for incident in (*resolved, *updated.values()) for alert in incident.alerts]
    muting = Muting(causes, run.settings, run.now)
    news = _take_events(run, updated, before, muting)
    return [
        current
        for key, incident in sorted(updated.items(), key=lambda item: str(item[0]))
        for current in _resolved_and_open(run, before.get(key), incident, muting, news)
    ]


def _updated(run: _Run, alert: Alert, incident: Incident) -> Alert:
    if _is_void(run, alert, incident):
        resolved_at = max(run.now, alert.opened_at)
        return replace(alert, resolved_at=resolved_at, muted_by=alert.muted_by or _NO_LONGER_CHECKED)
    state = run.states.get(alert.key)
    if state is None:
        return alert
    if state.status is Status.OK:
        return replace(alert, resolved_at=run.now)
    if state.level is None:  # unknown or error: it is still firing as far as anybody knows
        return replace(alert, last_seen_at=run.now)
    return replace(
        alert,
        level=state.level,
        message=state.message,
        value=state.value,
        threshold=state.threshold,
        last_seen_at=run.now,
    )


def _is_void(run: _Run, alert: Alert, incident: Incident) -> bool:
    """Return whether a firing alert has to go although nothing has resolved it."""
    if limits_of(run.settings, alert.rule) is None:
        return True
    if alert.account is not None and alert.account not in run.settings.accounts:
        return True
    if alert.is_event:
        # Counted from the notification too, so that a late one has its whole repeat interval.
        seen_at = max(alert.last_seen_at, incident.notified_at or alert.opened_at)
        return run.now - seen_at >= repeat_interval(run.settings, incident.group)
    if alert.rule == CHANNEL_FAILED.name and alert.subject not in run.channels:
        return True
    return alert.key not in run.states and run.now - alert.last_seen_at >= _FORGOTTEN_AFTER


def _add(incidents: dict[IncidentKey, Incident], alert: Alert) -> None:
    """Add an alert to its group's incident, or open one."""
    key = (group_of(alert.rule, alert.subject), alert.account)
    found = incidents.get(key) or Incident(*key, level=alert.level, opened_at=alert.opened_at)
    others = tuple(each for each in found.alerts if each.alert_id != alert.alert_id)
    incidents[key] = replace(found, alerts=(*others, alert))


def _take_events(
    run: _Run, incidents: dict[IncidentKey, Incident], before: Mapping[IncidentKey, Incident], muting: Muting
) -> dict[str, Sequence[Event]]:
    """Add the events to the incidents; return those that are news, by the id of their alert."""
    firing = {alert.key: alert for incident in incidents.values() for alert in incident.firing}
    news: dict[str, Sequence[Event]] = {}
    for key, events in sorted(run.events.items(), key=lambda item: str(item[0])):
        alert = firing.get(key)
        causes = [muting.inhibited_by(event) for event in events]
        free = [event for event, cause in zip(events, causes, strict=True) if cause is None]
        incident = before.get((group_of(key[0], key[2]), key[1]))
        is_known = bool(alert and alert.muted_by is None and incident and incident.notified_at)
        # An inhibited event is no reason to repeat what people know.
        counted = free if is_known or free else events
        new = [event for event in counted if alert is None or _is_news(alert, event)]
        if not new:
            continue
        last = new[-1]
        known_level = alert.level if alert else None
        alert = replace(
            alert or Alert(*key, last.level, new[0].happened_at, run.now, last.message),
            level=worst_level([known_level, *(event.level for event in new)]),
            last_seen_at=max(run.now, last.happened_at),
            message=last.message,
            value=last.value,
            threshold=last.threshold,
            muted_by=None if free else causes[-1],
        )
        news[alert.alert_id] = new
        _add(incidents, alert)
    return news


def _is_news(alert: Alert, event: Event) -> bool:
    return (
        alert.muted_by is not None
        or event.happened_at > alert.last_seen_at
        or severity(event.level) > severity(alert.level)
    )


# Incidents


def _resolved_and_open(
    run: _Run, before: Incident | None, incident: Incident, muting: Muting, news: Mapping[str, Sequence[Event]]
) -> Iterator[Current]:
    """Yield the incident; where this run resolves it, also the one that its muted alerts and new events begin."""
    states = {alert.alert_id: run.states[alert.key] for alert in incident.alerts if alert.key in run.states}
    incident, muted = muting.mute(incident, before, states, news)
    incident = replace(incident, level=_level(incident.firing) if incident.firing else incident.level)
    is_live = any(not alert.is_event and alert.muted_by is None for alert in incident.firing)
    has_recovered = any(
        alert.resolved_at == run.now and not alert.is_event and alert.muted_by is None for alert in incident.alerts
    )
    if before is None or not before.notified_at or not has_recovered or is_live:
        yield _going_on(run, Current(before, incident, muted, news))
        return
    known = {alert.alert_id for alert in before.alerts}
    moved = [alert for alert in incident.firing if alert.muted_by or alert.alert_id not in known]
    ended = [
        replace(alert, resolved_at=max(run.now, alert.opened_at)) if alert.is_firing else alert
        for alert in incident.alerts
        if alert not in moved
    ]
    yield Current(before, replace(incident, alerts=tuple(ended), resolved_at=run.now), kind=Kind.RESOLVED)
    again = {alert.alert_id: new_id() for alert in ended if alert.alert_id in news}
    moved += [
        replace(alert, alert_id=again[alert.alert_id], opened_at=news[alert.alert_id][0].happened_at, resolved_at=None)
        for alert in ended
        if alert.alert_id in again
    ]
    if moved:
        news = {again.get(alert_id, alert_id): events for alert_id, events in news.items()}
        opened_at = min(alert.opened_at for alert in moved)
        begun = Incident(*incident.key, level=_level(moved), opened_at=opened_at, alerts=tuple(moved))
        yield _going_on(run, Current(None, begun, muted, news))


def _level(alerts: Iterable[Alert]) -> AlertLevel:
    return worst_level(alert.level for alert in alerts)


def _going_on(run: _Run, current: Current) -> Current:
    """Return what an incident that this run does not resolve for its readers has to notify."""
    incident = current.incident
    if not incident.firing:
        return replace(current, incident=replace(incident, resolved_at=run.now))
    kind = _kind(run, current)
    if kind in {Kind.OPENED, Kind.WORSE}:
        incident = replace(incident, acknowledged_at=None, acknowledged_by=None, note=None)
    return replace(current, incident=incident, kind=kind)


def _kind(run: _Run, current: Current) -> Kind | None:
    if not current.shown:
        return None
    incident, level = current.incident, severity(current.level)
    if incident.notified_at is None:
        is_worse = level > severity(current.before.level if current.before else None)
        return Kind.OPENED if is_worse or not incident.acknowledged_at else None
    if level > severity(incident.notified_level):
        return Kind.WORSE
    if incident.acknowledged_at or run.now - incident.notified_at < repeat_interval(run.settings, incident.group):
        return None
    # Only what this run has seen firing is repeated, and an event only if there was another one.
    is_seen = any(
        alert.last_seen_at > incident.notified_at if alert.is_event else alert.key in run.states
        for alert in current.shown
    )
    return Kind.REPEAT if is_seen else None
