"""Alerts, the incidents that they belong to, and the notifications about these."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from include.ozon.monitoring.results import MESSAGE_LENGTH
from include.ozon.monitoring.unchecked import EVENTS
from include.ozon.settings.limits import AlertLevel
from include.ozon.translation import Translated
from include.ozon.words import one_line

AlertKey = tuple[str, str | None, str]
"""Rule, account and subject: at most one alert of a key is firing."""
IncidentKey = tuple[str, str | None]
"""Group and account: at most one incident of a key is unresolved."""
Line = Translated | str
"""A line of a message: in every language, or in one that all readers have to understand."""

_EVENTS = {rule.name for rule in EVENTS}


def new_id() -> str:
    return secrets.token_hex(8)


def _short_id() -> str:
    """Return an id that a person types: ``ozon alerts ack 3f9c01ab``."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class Event:
    """Something that happened once and has no state to recover from: a failed task, a missed deadline.

    ``subject`` distinguishes the events of one rule, such as ``ozon_etl.product_etl``. ``caused_by`` names the rules
    that inhibit it while they fire, such as ``warehouse_reachable``. ``link`` is an address that helps, ``details``
    are further lines for the mail.
    """

    rule: str
    subject: str
    level: AlertLevel
    message: str
    happened_at: datetime
    account: str | None = None
    caused_by: tuple[str, ...] = ()
    link: str = ""
    details: tuple[Line, ...] = ()
    value: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message, MESSAGE_LENGTH))

    @property
    def key(self) -> AlertKey:
        return self.rule, self.account, self.subject


@dataclass(frozen=True)
class Alert:
    """A rule that fires for an account and subject, until ``resolved_at``.

    ``muted_by`` is why nobody has been notified of it: the rule that inhibits it, or a silence.
    """

    rule: str
    account: str | None
    subject: str
    level: AlertLevel
    opened_at: datetime
    last_seen_at: datetime
    message: str
    value: float | None = None
    threshold: float | None = None
    muted_by: str | None = None
    resolved_at: datetime | None = None
    alert_id: str = field(default_factory=new_id)

    @property
    def key(self) -> AlertKey:
        return self.rule, self.account, self.subject

    @property
    def is_firing(self) -> bool:
        return self.resolved_at is None

    @property
    def is_event(self) -> bool:
        return self.rule in _EVENTS


class Kind(StrEnum):
    """Why a notification is sent, the most important reason first."""

    OPENED = "opened"
    WORSE = "worse"
    REPEAT = "repeat"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Notification:
    """A message about an incident to one channel; ``error`` is the class of what prevented its delivery."""

    channel: str
    kind: Kind
    level: AlertLevel
    created_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    error: str | None = None
    notification_id: str = field(default_factory=new_id)


@dataclass(frozen=True)
class Incident:
    """The alerts of one group and account, notified together, until ``resolved_at``.

    ``level`` is that of its worst firing alert, ``notified_level`` the one that people last saw. ``notifications``
    has the latest of each channel.
    """

    group: str
    account: str | None
    level: AlertLevel
    opened_at: datetime
    alerts: tuple[Alert, ...] = ()
    notifications: tuple[Notification, ...] = ()
    notified_level: AlertLevel | None = None
    notified_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    resolved_at: datetime | None = None
    incident_id: str = field(default_factory=_short_id)

    @property
    def key(self) -> IncidentKey:
        return self.group, self.account

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts if alert.is_firing)

    @property
    def by_channel(self) -> dict[str, Notification]:
        return {notification.channel: notification for notification in self.notifications}


@dataclass(frozen=True)
class Message:
    """A mail or chat message about incidents of one group.

    ``incidents`` have only the alerts that it shows, ``details`` are further lines such as the products concerned,
    ``links`` the addresses of runs, logs and reports.
    """

    kind: Kind
    group: str
    level: AlertLevel
    incidents: tuple[Incident, ...]
    channels: tuple[str, ...]
    details: tuple[Line, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The worst first."""
        alerts = [alert for incident in self.incidents for alert in incident.alerts]
        return tuple(
            sorted(alerts, key=lambda alert: (-severity(alert.level), alert.account or "", alert.rule, alert.subject))
        )


def severity(level: AlertLevel | None) -> int:
    """Return a number to compare levels by; 0 is none at all."""
    return {None: 0, "warning": 1, "critical": 2}[level]


def worst_level(levels: Iterable[AlertLevel | None]) -> AlertLevel:
    return "critical" if "critical" in set(levels) else "warning"
