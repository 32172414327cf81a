"""Runs of the alerting one after the other, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.decide import decide
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.alerts.model import Alert, Event, Incident, Message
from include.ozon.monitoring.alerts.notify import settle
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel
from include.ozon.settings.monitoring import GroupSettings
from tests.support.pipeline import changed

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
REPEAT_MINUTES = 60


def alert_settings(**alerts: Any) -> Settings:
    """Accounts main and second, the channel ``team``, a repeat interval of an hour."""
    return changed(load_settings(environment="testing", environ={}), "alerts", repeat_minutes=REPEAT_MINUTES, **alerts)


def with_group(settings: Settings, group: str, **values: Any) -> Settings:
    """Settings with other values for a group of rules."""
    return changed(settings, "alerts", groups={**settings.alerts.groups, group: GroupSettings(**values)})


def seen(
    check: str, status: str = "critical", account: str | None = None, area: str = "runs", **fields: Any
) -> CheckResult:
    values = {"value": 1.0, "threshold": 0.0, "message": f"{check} of {account} is {status}.", **fields}
    return CheckResult(area=area, check=check, account=account, status=Status(status), **values)


def broken(check: str, account: str | None = None, area: str = "runs", why: str = "No answer.") -> CheckResult:
    """A check that could not be measured because it failed itself."""
    return seen(check, "error", account, area, value=None, message=why)


def failed_task(
    at: datetime,
    subject: str = "ozon_etl.product_etl",
    account: str | None = "main",
    level: AlertLevel = "critical",
    caused_by: Sequence[str] = (),
    **fields: Any,
) -> Event:
    return Event(
        rule="task_failed",
        subject=subject,
        level=level,
        message=f"Task {subject} failed.",
        happened_at=at,
        account=account,
        caused_by=tuple(caused_by),
        **fields,
    )


def shown(event: Event) -> list[str]:
    """Return the details of an event in the current language."""
    return [str(line) for line in event.details]


STORY_RULES = (
    ("warehouse_reachable", None),
    ("api_key", "main"),
    ("product_etl_age_hours", "main"),
    ("failures_in_a_row", "main"),
    ("failures_in_a_row", "second"),
    ("disk_used_pct", None),
)
"""The rules and accounts of random stories."""
STORY_STATUSES = ("ok", "ok", "warning", "critical", "unknown", "broken", "not measured")
STORY_MINUTES = (5, 15, REPEAT_MINUTES // 2, REPEAT_MINUTES, 3 * REPEAT_MINUTES)


@dataclass(frozen=True)
class StoryStep:
    """One run of a random story: a status for each of its rules, and the causes that failed tasks name."""

    minutes: int
    statuses: tuple[str, ...]
    failed: tuple[str | None, ...]

    def results(self) -> list[CheckResult]:
        found = []
        for (rule, account), status in zip(STORY_RULES, self.statuses, strict=True):
            if status == "broken":
                found.append(broken(rule, account, area="all"))
            elif status != "not measured":
                found.append(seen(rule, status, account, area="all"))
        return found

    def events(self, now: datetime) -> list[Event]:
        return [
            failed_task(now - timedelta(minutes=number), caused_by=[cause] if cause else [])
            for number, cause in enumerate(self.failed, start=1)
        ]


class Runs:
    """Decides one run after the other; each message reaches all of its channels that are not ``failing``."""

    def __init__(self, settings: Settings | None = None, channels: Collection[str] = ("team",)) -> None:
        self.settings = settings or alert_settings()
        self.channels = channels
        self.now = START
        self.incidents: tuple[Incident, ...] = ()

    def run(
        self,
        *results: CheckResult,
        events: Sequence[Event] = (),
        minutes: float = 15,
        failing: Collection[str] = (),
        **options: Any,
    ) -> list[Message]:
        """Return the messages of a run so many minutes after the one before."""
        self.now += timedelta(minutes=minutes)
        decision = decide(
            self.incidents, results, events, settings=self.settings, now=self.now, channels=self.channels, **options
        )
        outcomes: dict[str, dict[str, str | None]] = {}
        for message in decision.messages:
            errors = {name: "ConnectionError" if name in failing else None for name in message.channels}
            for incident in message.incidents:
                outcomes.setdefault(incident.incident_id, {}).update(errors)
        self.incidents = settle(decision.incidents, outcomes, self.now)
        return list(decision.messages)

    def notified(self, *results: CheckResult, **options: Any) -> list[str]:
        """`run`, as ``kind group level`` of each message."""
        return sorted(f"{message.kind} {message.group} {message.level}" for message in self.run(*results, **options))

    def change(self, **values: Any) -> None:
        """Change every incident, such as by an acknowledgement."""
        self.incidents = tuple(replace(incident, **values) for incident in self.incidents)

    @property
    def alerts(self) -> list[Alert]:
        return [alert for incident in self.incidents for alert in incident.alerts]

    @property
    def firing(self) -> dict[str, Alert]:
        """The firing alerts by rule, or by rule and account where there is one."""
        return {
            f"{alert.rule} {alert.account}" if alert.account else alert.rule: alert
            for alert in self.alerts
            if alert.is_firing
        }

    @property
    def unresolved(self) -> dict[str, Incident]:
        """The unresolved incidents by group, or by group and account where there is one."""
        return {
            f"{incident.group} {incident.account}" if incident.account else incident.group: incident
            for incident in self.incidents
            if not incident.resolved_at
        }


class RecordingChannel:
    """Keeps what it delivers, unless it has to fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.mails: list[Mail] = []
        self.levels: list[AlertLevel] = []

    def deliver(self, mail: Mail, level: AlertLevel) -> None:
        if self.error is not None:
            raise self.error
        self.mails.append(mail)
        self.levels.append(level)

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mails]


class MemoryKeeper:
    """Keeps the copy of the state, unless it has to fail."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self.error: Exception | None = None

    def read(self) -> str | None:
        if self.error is not None:
            raise self.error
        return self.text

    def write(self, text: str) -> None:
        if self.error is not None:
            raise self.error
        self.text = text
