"""What one incident has to tell: the open alerts of a group and account, taken as one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from include.ozon.monitoring.alerts.cases import Case, Cases, IncidentKey, closed, incident_of, severity, worst_level
from include.ozon.monitoring.alerts.model import Alert, Kind
from include.ozon.monitoring.alerts.observed import repeat_interval
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel


@dataclass(frozen=True)
class Telling:
    """``level`` is that of the incident, ``reach`` the worst that its readers know of: who was told of something
    critical also hears that it is now but a warning. ``channels`` are those that the last message did not get
    through to. With ``is_retry`` it is for them alone, and no news.
    """

    kind: Kind
    incident: IncidentKey
    alerts: tuple[Alert, ...]
    level: AlertLevel
    reach: AlertLevel
    channels: frozenset[str] = frozenset()
    is_retry: bool = False
    details: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass
class Incident:
    """``open`` and ``recovered`` are its cases of this sending, ``past`` its alerts that recovered before."""

    key: IncidentKey
    open: list[Case]
    recovered: list[Case]
    past: list[Alert]

    def tell(self, settings: Settings, now: datetime) -> list[Telling]:
        """What there is to say, which closes and marks cases where that is part of it."""
        tellings = []
        if any(case.is_told for case in self.recovered) and not self._lasts():
            tellings.append(self._recovery())
            self._close_events(now)
        open_now = self._open_now(settings, now)
        if open_now is not None:
            tellings.append(open_now)
        return tellings

    def _lasts(self) -> bool:
        """Whether any of its states is not over; one that is held and was never told is another cause's."""
        return any(not case.alert.is_event and (case.is_told or not case.is_held) for case in self.open)

    def _recovery(self) -> Telling:
        told = [case.alert for case in self.recovered if case.is_told]
        level = worst_level(alert.sent_level for alert in told)
        pending = frozenset(channel for case in (*self.recovered, *self.open) for channel in _pending(case))
        alerts = _latest_of_each((*self._recovered_before(told), *told))
        return Telling(Kind.RECOVERED, self.key, alerts, level, level, pending)

    def _recovered_before(self, told: Iterable[Alert]) -> list[Alert]:
        """Its other states that have recovered while it lasted, and of which that was not said."""
        since = min(alert.opened_at for alert in told)
        found: list[Alert] = []
        for alert in sorted(self.past, key=lambda alert: alert.recovered_at or alert.opened_at, reverse=True):
            sent, recovered = alert.last_sent_at, alert.recovered_at
            if sent and recovered and sent < recovered and recovered >= since and not alert.is_event:
                found.append(alert)
                since = min(since, alert.opened_at)
        return found

    def _close_events(self, now: datetime) -> None:
        """What was told ends with the incident; what has come with this sending begins a new one."""
        for case in [case for case in self.open if case.is_told]:
            self.open.remove(case)
            self.recovered.append(Case(closed(case.alert, now), case.before))
            if case.events:
                fresh = replace(
                    case.alert,
                    alert_id="",
                    opened_at=case.events[0].happened_at,
                    last_sent_at=None,
                    sent_count=0,
                    sent_level=None,
                    acknowledged_at=None,
                    pending_channels=(),
                )
                self.open.append(Case(fresh, None, events=case.events, is_held=case.is_held))

    def _open_now(self, settings: Settings, now: datetime) -> Telling | None:
        told = [case.before for case in self._before() if case.before and case.is_told]
        kind = self._kind(told, settings, now)
        if told:
            self._take_over(told)
        if kind in {Kind.OPENED, Kind.WORSE}:
            for case in self.open:
                case.change(acknowledged_at=None)
        if kind is None:
            return self._retry()
        cases = self._tellable()
        level = worst_level(case.alert.level for case in cases)
        return Telling(
            kind,
            self.key,
            tuple(case.alert for case in cases),
            level,
            worst_level([level, *(alert.sent_level for alert in told if kind is Kind.REPEAT)]),
            frozenset(channel for case in cases for channel in case.alert.pending_channels),
            details=tuple(line for case in cases for event in case.events for line in event.details),
            links=tuple(event.link for case in cases for event in case.events if event.link),
        )

    def _kind(self, told: Sequence[Alert], settings: Settings, now: datetime) -> Kind | None:
        tellable = self._tellable()
        if not tellable:
            return None
        before = [case.before for case in self._before() if case.before]
        is_acknowledged = any(alert.acknowledged_at for alert in before)
        level = max(severity(case.alert.level) for case in tellable)
        if not told:
            is_worse = level > max((severity(alert.level) for alert in before), default=0)
            return Kind.OPENED if is_worse or not is_acknowledged else None
        if level > max(severity(alert.sent_level) for alert in told):
            return Kind.WORSE
        return Kind.REPEAT if not is_acknowledged and self._is_repeat_due(told, settings, now) else None

    def _is_repeat_due(self, told: Sequence[Alert], settings: Settings, now: datetime) -> bool:
        """Only what this sending has seen to last is repeated, and an event only where there was another one."""
        sent_at = max(alert.last_sent_at for alert in told if alert.last_sent_at)
        return any(
            now - sent_at >= repeat_interval(settings, case.alert)
            and (case.alert.last_seen_at > sent_at if case.alert.is_event else case.observation is not None)
            for case in self._tellable()
        )

    def _take_over(self, told: Sequence[Alert]) -> None:
        """Let all that can be told know what was told of the incident, so that it outlives any one of them."""
        last = max(told, key=lambda alert: alert.last_sent_at or alert.opened_at)
        acknowledged_at = max((alert.acknowledged_at for alert in told if alert.acknowledged_at), default=None)
        level = worst_level(alert.sent_level for alert in told)
        pending = tuple(sorted({channel for alert in told for channel in alert.pending_channels}))
        for case in self.open:
            if case.is_told or not case.is_held:
                case.change(
                    last_sent_at=last.last_sent_at,
                    sent_level=level,
                    acknowledged_at=acknowledged_at,
                    pending_channels=pending,
                )

    def _retry(self) -> Telling | None:
        """The present state, for the channels that did not get the last message."""
        cases = [case for case in self._tellable() if case.alert.last_sent_at]
        pending = frozenset(channel for case in cases for channel in case.alert.pending_channels)
        if not pending:
            return None
        alerts = tuple(case.alert for case in cases)
        kind = Kind.OPENED if max(alert.sent_count for alert in alerts) <= 1 else Kind.REPEAT
        level = worst_level(alert.level for alert in alerts)
        return Telling(kind, self.key, alerts, level, level, pending, is_retry=True)

    def _tellable(self) -> list[Case]:
        return [case for case in self.open if not case.is_held]

    def _before(self) -> list[Case]:
        """The cases that the incident was made of, those that have just recovered included, unless all is over."""
        is_over = any(case.is_told for case in self.recovered) and not self._lasts()
        return self.open if is_over else [*self.open, *self.recovered]


def incidents(cases: Cases) -> list[Incident]:
    """Every incident that this sending can have something to tell of."""
    found: dict[IncidentKey, Incident] = {}
    past: defaultdict[IncidentKey, list[Alert]] = defaultdict(list)
    for alert in cases.past:
        past[incident_of(alert)].append(alert)
    for case in (*cases.open, *cases.recovered):
        key = case.incident
        incident = found.setdefault(key, Incident(key, [], [], past[key]))
        (incident.open if case.alert.is_open else incident.recovered).append(case)
    return [found[key] for key in sorted(found, key=str)]


def recoveries_to_retry(cases: Cases) -> list[Telling]:
    """What has recovered and could not be told to every channel."""
    pending: defaultdict[IncidentKey, list[Alert]] = defaultdict(list)
    for alert in cases.past:
        if alert.pending_channels:
            pending[incident_of(alert)].append(alert)
    return [
        Telling(
            Kind.RECOVERED,
            key,
            _latest_of_each(alerts),
            level := worst_level(alert.sent_level for alert in alerts),
            level,
            frozenset(channel for alert in alerts for channel in alert.pending_channels),
            is_retry=any(alert.last_sent_at == alert.recovered_at for alert in alerts),
        )
        for key, alerts in sorted(pending.items(), key=lambda item: str(item[0]))
    ]


def _pending(case: Case) -> tuple[str, ...]:
    return case.before.pending_channels if case.before else ()


def _latest_of_each(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    return tuple({alert.key: alert for alert in sorted(alerts, key=lambda alert: alert.opened_at)}.values())
