"""``ozon alerts``: incidents listed, shown and acknowledged, and a test message that really goes out."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest

from include.ozon.monitoring.alerts.model import Incident
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.alerts.store import recent_incidents
from include.ozon_local.mail import CONNECTION as SMTP_CONNECTION
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.alerts import MemoryKeeper, RecordingChannel, alert_settings, seen
from tests.support.documents import data_of
from tests.support.mail import MailServer

Alerts = Callable[..., subprocess.CompletedProcess[str]]
NOW = datetime.now(tz=UTC)


@pytest.fixture
def incidents(warehouse_dsn: str) -> dict[str, Incident]:
    """An incident of an account whose message has markup, one for all that a channel missed, and a resolved one."""
    channels = {"team": RecordingChannel(), "duty": RecordingChannel(ConnectionError())}
    send = partial(
        send_alerts,
        events=[],
        connect=partial(psycopg.connect, warehouse_dsn),
        keeper=MemoryKeeper(),
        channels=channels,
        settings=alert_settings(channels={"team": {"kind": "email", "recipients": ["team@ozon.example"]}}),
    )
    key = seen("api_key", "critical", "main", message="Ozon refuses access: [bold]Лавка[/bold].")
    disk = seen("disk_used_pct", "warning", value=90.0, threshold=85.0)
    send([key, disk, seen("memory_used_pct")], now=NOW - timedelta(minutes=30))
    send([key, disk, seen("memory_used_pct", "ok")], now=NOW - timedelta(minutes=15))
    with psycopg.connect(warehouse_dsn) as connection:
        return {incident.group: incident for incident in recent_incidents(connection, NOW - timedelta(days=1))}


@pytest.fixture
def alerts(ozon: Ozon, warehouse_dsn: str) -> Alerts:
    return partial(ozon, warehouse_dsn, "alerts")


def test_the_list_shows_what_whose_since_when_and_who_was_notified(
    alerts: Alerts, incidents: dict[str, Incident]
) -> None:
    done = alerts()

    assert done.returncode == 0, done.stderr
    lines = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if line.startswith("│")}
    key = lines[incidents["api_access"].incident_id]
    assert all(text in key for text in ("critical", "Ozon refuses access", "main", "MSK: team", "firing"))
    assert "resolved" in lines[incidents["memory_used_pct"].incident_id]
    assert incidents["memory_used_pct"].incident_id not in alerts("--days", "0").stdout


def test_as_json_it_has_alerts_and_notifications(alerts: Alerts, incidents: dict[str, Incident]) -> None:
    found = {each["group"]: each for each in data_of(alerts("--output", "json").stdout, "ozon-incidents")}

    assert found.keys() == incidents.keys() == {"api_access", "disk_used_pct", "memory_used_pct", "channel_failed"}
    assert [alert["value"] for alert in found["disk_used_pct"]["alerts"]] == [90.0]
    sent = {each["channel"]: each for each in found["disk_used_pct"]["notifications"]}
    assert (sent["team"]["kind"], sent["team"]["delivered_at"] is None) == ("opened", False)
    assert (sent["duty"]["error"], sent["duty"]["delivered_at"], sent["duty"]["attempts"]) == (
        "ConnectionError", None, 2,
    )  # fmt: skip


def test_show_has_the_alerts_and_notifications_of_one(alerts: Alerts, incidents: dict[str, Incident]) -> None:
    done = alerts("show", incidents["api_access"].incident_id)

    assert done.returncode == 0, done.stderr
    # Brackets are text, not markup of the table.
    assert "[bold]Лавка[/bold]" in done.stdout
    assert "ConnectionError" in done.stdout
    assert incidents["disk_used_pct"].incident_id not in done.stdout


def test_an_acknowledgement_has_a_name_and_a_note(alerts: Alerts, incidents: dict[str, Incident]) -> None:
    done = alerts("ack", incidents["api_access"].incident_id, "--note", "новый ключ заказан", "--by", "anna")

    assert (done.returncode, "as anna" in done.stdout) == (0, True), done.stderr
    found = data_of(alerts("show", incidents["api_access"].incident_id, "--output", "json").stdout)
    assert (found["acknowledged_by"], found["note"]) == ("anna", "новый ключ заказан")
    assert "acknowledged by anna" in alerts().stdout


@pytest.mark.parametrize("command", ["show", "ack"])
def test_an_unknown_id_is_one_sentence(alerts: Alerts, incidents: dict[str, Incident], command: str) -> None:
    assert_one_sentence(alerts(command, "nothing"), 2, "Expected the id of an incident, found 'nothing'.")


def test_a_resolved_incident_cannot_be_acknowledged(alerts: Alerts, incidents: dict[str, Incident]) -> None:
    done = alerts("ack", incidents["memory_used_pct"].incident_id)

    assert_one_sentence(done, 2, "which is resolved")


def test_nothing_to_list_is_a_sentence(alerts: Alerts) -> None:
    assert alerts().stdout == "No incident is unresolved, and none was resolved in 1 day.\n"


def test_a_test_message_arrives(ozon: Ozon) -> None:
    with MailServer() as mails:
        done = ozon(None, "alerts", "test", **{SMTP_CONNECTION: mails.connection})

        assert (done.returncode, done.stdout) == (0, "team: delivered\n"), done.stderr
        assert mails.subjects == ["[Ozon ETL testing] TEST: alerts reach you"]


def test_a_test_message_is_in_the_language_of_its_channel(ozon: Ozon) -> None:
    with MailServer() as mails:
        done = ozon(None, "alerts", "test", **{SMTP_CONNECTION: mails.connection, "OZON__LANGUAGE": "ru"})

        assert (done.returncode, done.stdout) == (0, "team: delivered\n"), done.stderr
        assert mails.subjects == ["[Ozon ETL testing] ПРОВЕРКА: оповещения доходят"]


def test_a_test_message_that_does_not_arrive_is_a_failure_with_its_reason(ozon: Ozon) -> None:
    with MailServer() as mails:
        mails.refuse("550 No such mailbox")
        done = ozon(None, "alerts", "test", "team", "--output", "json", **{SMTP_CONNECTION: mails.connection})

    assert done.returncode == 1
    (team,) = data_of(done.stdout, "ozon-alerts-test")
    assert (team["channel"], team["delivered"]) == ("team", False)
    assert "reply 550" in team["error"]


def test_a_channel_that_is_not_configured_is_one_sentence(ozon: Ozon) -> None:
    assert_one_sentence(ozon(None, "alerts", "test", "duty"), 2, "Channel: expected one of team; found 'duty'.")
