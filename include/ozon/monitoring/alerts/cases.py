"""The alerts of one sending: what opens, lasts and recovers with what was seen, before anything is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from include.ozon.monitoring.alerts.causes import Causes
from include.ozon.monitoring.alerts.groups import group_of
from include.ozon.monitoring.alerts.model import Alert, Event, Key
from include.ozon.monitoring.alerts.observed import Observation, Observed, limits_of, repeat_interval
from include.ozon.monitoring.results import Status
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

IncidentKey = tuple[str, str | None]
"""Family and account."""

# Such as those of an area that was taken out of health.checks: nothing would ever close them.
FORGOTTEN_AFTER = timedelta(days=3)


@dataclass
class Case:
    """One alert in this sending. ``before`` is how the last sending left it; ``is_held`` says not to tell it now."""

    alert: Alert
    before: Alert | None
    observation: Observation | None = None
    events: tuple[Event, ...] = ()
    is_held: bool = False

    @property
    def incident(self) -> IncidentKey:
        return incident_of(self.alert)

    @property
    def is_told(self) -> bool:
        """Whether it belonged to an incident that had been told before this sending."""
        return self.before is not None and self.before.last_sent_at is not None

    def change(self, **values: object) -> None:
        self.alert = replace(self.alert, **values)  # type: ignore[arg-type]


@dataclass
class Cases:
    open: list[Case] = field(default_factory=list)
    recovered: list[Case] = field(default_factory=list)
    past: list[Alert] = field(default_factory=list)
    """Those that had recovered before, and those that are closed in silence."""

    def alerts(self) -> list[Alert]:
        return [*(case.alert for case in (*self.open, *self.recovered)), *self.past]


def incident_of(alert: Alert) -> IncidentKey:
    return group_of(alert.rule, alert.subject), alert.account


def severity(level: AlertLevel | None) -> int:
    """A number to compare levels by; nothing at all is 0."""
    return {None: 0, "warning": 1, "critical": 2}[level]


def worst_level(levels: Iterable[AlertLevel | None]) -> AlertLevel:
    return "critical" if "critical" in set(levels) else "warning"


def carry_on(
    alerts: Iterable[Alert], observed: Observed, channels: Collection[str], settings: Settings, now: datetime
) -> tuple[Cases, Causes]:
    """Take the alerts of the last sending into this one."""
    cases = Cases()
    lasting: dict[Key, Alert] = {}
    for alert in sorted(_without_lost_channels(alerts, channels, settings), key=lambda alert: alert.opened_at):
        if not alert.is_open:
            cases.past.append(alert)
        elif alert.key in lasting or _is_void(alert, observed, channels, settings, now):
            cases.past.append(closed(alert, now))
        else:
            lasting[alert.key] = alert
    _carry_on_states(cases, lasting, observed, now)
    causes = Causes(cases.alerts(), now)
    _carry_on_events(cases, lasting, observed, causes, now)
    return cases, causes


def _without_lost_channels(alerts: Iterable[Alert], channels: Collection[str], settings: Settings) -> Iterator[Alert]:
    known = {*channels, *settings.alerts.channels}
    for alert in alerts:
        yield replace(alert, pending_channels=tuple(name for name in alert.pending_channels if name in known))


def closed(alert: Alert, now: datetime) -> Alert:
    """The alert without a word to anybody."""
    return replace(alert, recovered_at=max(now, alert.opened_at), pending_channels=())


def _is_void(alert: Alert, observed: Observed, channels: Collection[str], settings: Settings, now: datetime) -> bool:
    """Whether an open alert has to go without having recovered."""
    if limits_of(settings, alert.rule) is None:
        return True
    if alert.account is not None and alert.account not in settings.accounts:
        return True
    if alert.is_event:
        # What was notified late stays for its whole repeat interval too, so that no further event comes before its end.
        return now - max(alert.last_seen_at, alert.last_sent_at or alert.opened_at) >= repeat_interval(settings, alert)
    if alert.rule == CHANNEL_FAILED.name and alert.subject not in channels:
        return True
    return alert.key not in observed.states and now - alert.last_seen_at >= FORGOTTEN_AFTER


def _carry_on_states(cases: Cases, lasting: dict[Key, Alert], observed: Observed, now: datetime) -> None:
    for key, alert in lasting.items():
        if alert.is_event:
            continue
        seen = observed.states.get(key)
        case = Case(alert, alert, seen)
        if seen is None:
            cases.open.append(case)
        elif seen.status is Status.OK:
            case.change(recovered_at=now, pending_channels=())
            cases.recovered.append(case)
        elif seen.level is None:  # unknown or error: it lasts for all that is known
            case.change(last_seen_at=now)
            cases.open.append(case)
        else:
            case.change(
                level=seen.level, message=seen.message, value=seen.value, threshold=seen.threshold, last_seen_at=now
            )
            cases.open.append(case)
    for (rule, account, subject), seen in sorted(observed.states.items(), key=lambda item: str(item[0])):
        if seen.level is not None and (rule, account, subject) not in lasting:
            opened = Alert(rule, account, subject, seen.level, now, now, seen.message, seen.value, seen.threshold)
            cases.open.append(Case(opened, None, seen))


def _carry_on_events(
    cases: Cases, lasting: dict[Key, Alert], observed: Observed, causes: Causes, now: datetime
) -> None:
    for key, alert in lasting.items():
        if alert.is_event and key not in observed.events:
            cases.open.append(Case(alert, alert))
    for key, events in sorted(observed.events.items(), key=lambda item: str(item[0])):
        before = lasting.get(key)
        free = [event for event in events if causes.of_event(event) is None]
        if before is None:
            cases.open.append(_opened(events, free, causes, now))
        else:
            cases.open.append(_refreshed(before, events, free, causes, now))


def _opened(events: Sequence[Event], free: Sequence[Event], causes: Causes, now: datetime) -> Case:
    told = free or events
    last = told[-1]
    alert = Alert(
        rule=last.rule,
        account=last.account,
        subject=last.subject,
        level=worst_level(event.level for event in told),
        opened_at=told[0].happened_at,
        last_seen_at=max(now, last.happened_at),
        message=last.message,
        value=last.value,
        threshold=last.threshold,
        suppressed_by=None if free else causes.of_event(last),
        is_event=True,
    )
    return Case(alert, None, events=tuple(told), is_held=not free)


def _refreshed(before: Alert, events: Sequence[Event], free: Sequence[Event], causes: Causes, now: datetime) -> Case:
    case = Case(before, before)
    # A mere consequence is nothing to repeat what was told for. One that is no news is handed over a second time.
    told = free if before.last_sent_at or free else events
    news = [event for event in told if _is_news(before, event)]
    if not news:
        return case
    last = news[-1]
    case.events = tuple(news)
    case.is_held = not free
    case.change(
        level=worst_level([before.level, *(event.level for event in news)]),
        last_seen_at=max(now, last.happened_at),
        message=last.message,
        value=last.value,
        threshold=last.threshold,
        suppressed_by=None if free else causes.of_event(last),
    )
    return case


def _is_news(before: Alert, event: Event) -> bool:
    return (
        before.suppressed_by is not None
        or event.happened_at > before.last_seen_at
        or severity(event.level) > severity(before.level)
    )
