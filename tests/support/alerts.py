"""Sendings of alerts one after the other, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.decide import Decision, Outcome, decide
from include.ozon.monitoring.alerts.model import Alert, Event, Mail, Notice
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


class Sendings:
    """Decides one sending after the other, each of whose notices reaches all channels that are not ``failing``."""

    def __init__(self, settings: Settings | None = None, channels: Collection[str] = ("team",)) -> None:
        self.settings = settings or alert_settings()
        self.channels = channels
        self.now = START
        self.alerts: tuple[Alert, ...] = ()
        self.decision = Decision(())

    def send(
        self,
        *results: CheckResult,
        events: Sequence[Event] = (),
        minutes: float = 15,
        failing: Collection[str] = (),
        **options: Any,
    ) -> list[Notice]:
        """What is told ``minutes`` after the sending before."""
        self.now += timedelta(minutes=minutes)
        self.decision = decide(
            self.alerts, results, events, settings=self.settings, now=self.now, channels=self.channels, **options
        )
        outcomes = [
            Outcome(
                notice,
                tuple(name for name in notice.channels if name not in failing),
                tuple(name for name in notice.channels if name in failing),
            )
            for notice in self.decision.notices
        ]
        self.alerts = self.decision.settled(outcomes, self.now)
        return list(self.decision.notices)

    def told(self, *results: CheckResult, **options: Any) -> list[str]:
        """`send`, as ``kind group level`` of each notice."""
        return sorted(f"{notice.kind} {notice.group} {notice.level}" for notice in self.send(*results, **options))

    @property
    def open(self) -> dict[str, Alert]:
        """The open alerts by rule, or by rule and account where it has one."""
        return {
            f"{alert.rule} {alert.account}" if alert.account else alert.rule: alert
            for alert in self.alerts
            if alert.is_open
        }


class RecordingChannel:
    """Keeps what it delivers, unless it is told to fail."""

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
    """Keeps the copy of the state, unless it is told to fail."""

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
