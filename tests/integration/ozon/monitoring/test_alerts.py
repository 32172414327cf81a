"""From a load that goes wrong to the mail that says so, once, and to the mail that says it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.adapter.alerting.channels import open_channels
from include.ozon.errors import OzonError
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.health import areas
from include.ozon_local.mail import CONNECTION as SMTP_CONNECTION
from tests.conftest import StartSandbox
from tests.support.alerts import MemoryKeeper
from tests.support.health import health_context
from tests.support.mail import MailServer, part
from tests.support.pipeline import Pipeline, changed, quick_settings

pytestmark = pytest.mark.faults

CHECKS = ("warehouse", "runs", "data", "api")
# What the tests' own machine decides, and their clock: it moves on, whatever the time is at its start.
NOT_OF_THE_LOAD = (
    "warehouse_response_seconds",
    "warehouse_connections_pct",
    "missed_schedule_minutes",
)


class Monitored(Pipeline):
    """A pipeline whose health is checked a quarter of an hour later each time; a mail server takes its mails."""

    mails: MailServer
    keeper: MemoryKeeper
    now: datetime

    def check(self) -> list[str]:
        """The subjects of the mails that this check sent."""
        self.now += timedelta(minutes=15)
        before = len(self.mails.subjects)
        context = health_context(self, now=self.now)
        try:
            results = [result for name in CHECKS for result in areas.measure(name, context)]
        finally:
            context.close()
        send_alerts(
            results,
            [],
            connect=self.connect,
            keeper=self.keeper,
            channels=open_channels(self.settings),
            settings=self.settings,
            now=self.now,
        )
        return self.mails.subjects[before:]


@pytest.fixture
def monitored(start_sandbox: StartSandbox, warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    sandbox = start_sandbox({"main": 200, "second": 100}, rate_limit_per_second=100_000)
    with MailServer() as mails:
        monkeypatch.setenv(SMTP_CONNECTION, mails.connection)
        settings = quick_settings()
        for rule in NOT_OF_THE_LOAD:
            settings = changed(settings, f"rules.{rule}", enabled=False)
        pipeline = Monitored(sandbox, warehouse_dsn, settings)
        pipeline.mails, pipeline.keeper, pipeline.now = mails, MemoryKeeper(), datetime.now(tz=UTC)
        for account in ("main", "second"):
            pipeline.load("first", account)
        assert pipeline.check() == []
        yield pipeline


def fail(pipeline: Pipeline, dag_run_id: str) -> None:
    with pytest.raises(OzonError):
        pipeline.products(dag_run_id)
    pipeline.end(dag_run_id)


def test_a_load_that_fails_is_notified_once_and_so_is_its_recovery(monitored: Monitored) -> None:
    monitored.sandbox.fault("server_error", method="/v3/product/info/list", account="main")
    fail(monitored, "broken")

    (subject,) = monitored.check()
    assert "main" in subject
    assert "second" not in subject
    assert "HTTP 500" in part(monitored.mails.messages[-1], "plain")
    assert monitored.check() == []

    monitored.sandbox.clear_faults()
    monitored.load("fixed")
    (subject,) = monitored.check()
    assert "RECOVERED" in subject
    assert monitored.check() == []
    sent = monitored.rows(
        "SELECT account, kind FROM ozon.incidents JOIN ozon.notifications USING (incident_id) "
        "WHERE resolved_at IS NOT NULL AND delivered_at IS NOT NULL ORDER BY created_at"
    )
    assert [(row["account"], row["kind"]) for row in sent] == [("main", "opened"), ("main", "resolved")]


def test_a_refused_key_is_one_mail_and_not_another_for_each_load_that_it_fails(monitored: Monitored) -> None:
    monitored.sandbox.fault("key_deactivated", account="main")
    (subject,) = monitored.check()
    assert "Ozon refuses access" in subject

    for number in (1, 2, 3):
        fail(monitored, f"refused {number}")
    assert monitored.check() == []

    monitored.sandbox.clear_faults()
    monitored.load("fixed")
    (subject,) = monitored.check()
    assert subject.endswith("RECOVERED: Ozon refuses access - Test account 1 (main)")


def test_a_mail_that_was_refused_is_sent_again_and_only_then_counts_as_notified(monitored: Monitored) -> None:
    monitored.mails.refuse()
    monitored.sandbox.fault("key_deactivated", account="second")
    assert monitored.check() == []

    monitored.mails.refuse(None)
    notified = monitored.check()

    assert [subject for subject in notified if "Ozon refuses access" in subject]
    sent = monitored.rows(
        "SELECT attempts, delivered_at FROM ozon.incidents JOIN ozon.notifications USING (incident_id) "
        "WHERE account = 'second'"
    )
    assert [(row["attempts"], bool(row["delivered_at"])) for row in sent] == [(1, True)]
    assert not [subject for subject in monitored.check() if "Ozon refuses access" in subject]
