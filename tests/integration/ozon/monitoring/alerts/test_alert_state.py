"""Incidents in a real warehouse: they survive, catch up, are acknowledged, and are written by one run at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from include.ozon.errors import ConfigurationError
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.alerts.message import Mail
from include.ozon.monitoring.alerts.model import Alert, Event, Incident, Kind, Notification
from include.ozon.monitoring.alerts.sender import send_alerts
from include.ozon.monitoring.alerts.state import Copy
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings.limits import AlertLevel
from include.ozon.warehouse.session import Connection
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support.alerts import (
    REPEAT_MINUTES,
    START,
    MemoryKeeper,
    RecordingChannel,
    alert_settings,
    failed_task,
    seen,
)
from tests.support.pipeline import changed

_END_SENDERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ozon_alerts'"

DISK = seen("disk_used_pct", "warning")


class Sender:
    """Has nothing of a sending before but what the warehouse and the keeper hold."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.settings = alert_settings()
        self.keeper = MemoryKeeper()
        self.channels: dict[str, Any] = {"team": RecordingChannel()}
        self.now = START

    def connect(self) -> Connection:
        return psycopg.connect(self.dsn)

    def notified(self, *results: CheckResult, events: Sequence[Event] = (), minutes: float = 15) -> list[str]:
        self.now += timedelta(minutes=minutes)
        report = send_alerts(
            results,
            events,
            connect=self.connect,
            keeper=self.keeper,
            channels=self.channels,
            settings=self.settings,
            now=self.now,
        )
        return [f"{sent.message.kind} {sent.message.group}" for sent in report.sent if sent.delivered]

    @property
    def unresolved(self) -> list[Incident]:
        with psycopg.connect(self.dsn) as connection:
            return [each for each in store.recent_incidents(connection, START) if not each.resolved_at]

    @property
    def is_copy_ahead(self) -> bool:
        return Copy.from_text(self.keeper.text or "").is_ahead


def by_id(incidents: Iterable[Incident]) -> dict[str, Incident]:
    return {incident.incident_id: incident for incident in incidents}


def groups(incidents: Iterable[Incident]) -> list[str]:
    return [incident.group for incident in incidents]


@pytest.fixture
def sender(warehouse_dsn: str) -> Sender:
    return Sender(warehouse_dsn)


@pytest.fixture
def connection(warehouse_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(warehouse_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def warehouse_away(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Callable[[], Any]:
    """Within it, nobody can connect to the warehouse."""
    name = str(conninfo.conninfo_to_dict(warehouse_dsn)["dbname"])

    def rename(old: str, new: str) -> None:
        with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
            )

    @contextmanager
    def away() -> Iterator[None]:
        rename(name, f"{name}_away")
        try:
            yield
        finally:
            rename(f"{name}_away", name)

    return away


def test_the_state_survives_in_the_warehouse_alone(sender: Sender) -> None:
    assert sender.notified(DISK, events=[failed_task(START, link="http://run")]) == [
        "opened disk_used_pct",
        "opened loads",
    ]
    before = by_id(sender.unresolved)
    assert before == by_id(Copy.from_text(sender.keeper.text or "").incidents)

    sender.keeper = MemoryKeeper("not a copy")
    assert sender.notified(DISK) == []
    assert by_id(sender.unresolved).keys() == before.keys()
    assert sender.notified(seen("disk_used_pct", "ok")) == ["resolved disk_used_pct"]
    assert [incident.group for incident in sender.unresolved] == ["loads"]


def test_with_the_warehouse_away_the_copy_goes_on_and_the_warehouse_catches_up(
    sender: Sender, warehouse_away: Callable[[], Any]
) -> None:
    down = seen("warehouse_reachable", "critical", area="warehouse")
    failing = seen("failures_in_a_row", "warning", "main")
    sender.notified(DISK)
    with warehouse_away():
        assert sender.notified(DISK, down, failing) == ["opened warehouse"]
        assert sender.notified(DISK, down, failing) == []
        assert sender.is_copy_ahead
        assert sender.notified(seen("disk_used_pct", "ok"), down) == ["resolved disk_used_pct"]

    up = seen("warehouse_reachable", "ok", area="warehouse")
    assert sender.notified(up, failing, seen("disk_used_pct", "ok")) == ["resolved warehouse"]
    assert not sender.is_copy_ahead
    assert [(alert.rule, alert.muted_by) for incident in sender.unresolved for alert in incident.alerts] == [
        ("failures_in_a_row", "warehouse_reachable")
    ]
    with psycopg.connect(sender.dsn) as connection:
        found = store.recent_incidents(connection, START)
    assert {incident.group: [str(each.kind) for each in incident.notifications] for incident in found} == {
        "loads": [],
        # While the warehouse was away the copy had only the latest notification of each channel.
        "disk_used_pct": ["opened", "resolved"],
        "warehouse": ["resolved"],
    }


def test_a_warehouse_that_breaks_while_mails_go_out_is_caught_up_by_the_next_sending(
    sender: Sender, postgres: EmbeddedPostgres
) -> None:
    class Breaking(RecordingChannel):
        def deliver(self, mail: Mail, level: AlertLevel) -> None:
            super().deliver(mail, level)
            with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
                superuser.execute(_END_SENDERS)

    sender.channels["team"] = Breaking()
    assert sender.notified(DISK) == ["opened disk_used_pct"]
    assert sender.is_copy_ahead
    assert sender.unresolved == []

    sender.channels["team"] = RecordingChannel()
    assert sender.notified(DISK) == []
    assert [len(incident.notifications) for incident in sender.unresolved] == [1]


@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_an_error_that_quotes_what_no_database_stores_is_stored_without_it(sender: Sender, character: str) -> None:
    message = f"Found{character} something."
    sent = sender.notified(
        seen("disk_used_pct", message=message), events=[replace(failed_task(START), message=message)]
    )

    assert sent == ["opened disk_used_pct", "opened loads"]
    assert not sender.is_copy_ahead
    assert {alert.message for incident in sender.unresolved for alert in incident.alerts} == {"Found something."}


def test_a_warehouse_without_the_table_is_as_good_as_none(sender: Sender, connection: Connection) -> None:
    connection.execute("DROP TABLE ozon.alerts CASCADE")

    assert sender.notified(DISK) == ["opened disk_used_pct"]
    assert sender.notified(DISK) == []
    assert sender.is_copy_ahead


def test_with_neither_readable_it_is_notified_again_rather_than_never(
    sender: Sender, warehouse_away: Callable[[], Any]
) -> None:
    sender.notified(DISK)
    sender.keeper.text = "not a copy"
    with warehouse_away():
        assert sender.notified(DISK) == ["opened disk_used_pct"]

    assert sender.notified(DISK) == []
    (incident,) = sender.unresolved
    assert incident.opened_at == START + timedelta(minutes=15)


def test_an_acknowledgement_ends_the_repeats_of_the_incident_until_it_gets_worse(
    sender: Sender, connection: Connection
) -> None:
    load = [seen("product_etl_age_hours", "warning", "main"), seen("failures_in_a_row", "warning", "main")]
    sender.notified(*load, DISK)
    loads, disk = sorted(sender.unresolved, key=lambda incident: incident.group, reverse=True)
    acknowledged = store.acknowledge(connection, loads.incident_id, "anna", "Ordered.", sender.now)

    assert acknowledged == replace(loads, acknowledged_at=sender.now, acknowledged_by="anna", note="Ordered.")
    assert by_id(sender.unresolved)[disk.incident_id].acknowledged_at is None
    assert sender.notified(*load, DISK, minutes=REPEAT_MINUTES) == ["repeat disk_used_pct"]
    assert sender.notified(seen("product_etl_age_hours", "critical", "main")) == ["worse loads"]
    now = by_id(sender.unresolved)[loads.incident_id]
    assert (now.acknowledged_at, now.acknowledged_by, now.note) == (None, None, None)


def test_an_acknowledgement_made_while_the_copy_is_ahead_is_kept(sender: Sender, connection: Connection) -> None:
    sender.notified(DISK)
    reachable, sender.dsn = sender.dsn, conninfo.make_conninfo(sender.dsn, dbname="no_such_database")
    sender.notified(DISK)
    sender.dsn = reachable
    store.acknowledge(connection, sender.unresolved[0].incident_id, "anna", None, sender.now)

    assert sender.is_copy_ahead
    assert sender.notified(DISK, minutes=2 * REPEAT_MINUTES) == []
    assert sender.unresolved[0].acknowledged_by == "anna"


def test_an_acknowledged_level_is_not_worse_because_no_channel_could_deliver_it(
    sender: Sender, connection: Connection
) -> None:
    sender.notified(DISK)
    team = sender.channels["team"]
    team.error = ConnectionError()
    sender.notified(seen("disk_used_pct", "critical"))
    store.acknowledge(connection, sender.unresolved[0].incident_id, "anna", None, START)
    team.error = None

    assert sender.notified(seen("disk_used_pct", "critical")) == []


def test_only_an_unresolved_incident_can_be_acknowledged(sender: Sender, connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match=r"Expected the id of an incident, found 'x'\. `ozon alerts` lists"):
        store.acknowledge(connection, "x", "anna", None, START)
    sender.notified(DISK)
    (incident,) = sender.unresolved
    sender.notified(seen("disk_used_pct", "ok"))
    with pytest.raises(ConfigurationError, match=r"Expected an unresolved incident.*is resolved"):
        store.acknowledge(connection, incident.incident_id, "anna", None, START)


def test_recent_incidents_are_the_unresolved_ones_and_those_resolved_since(
    sender: Sender, connection: Connection
) -> None:
    sender.notified(DISK, seen("memory_used_pct"))
    sender.notified(DISK, seen("memory_used_pct", "ok"))

    assert groups(store.recent_incidents(connection, sender.now)) == ["disk_used_pct", "memory_used_pct"]
    assert groups(store.recent_incidents(connection, sender.now + timedelta(seconds=1))) == ["disk_used_pct"]


INCIDENT = Incident(
    "disk_used_pct",
    None,
    "warning",
    START,
    alerts=(Alert("disk_used_pct", None, "", "warning", START, START, "Full."),),
    notifications=(Notification("team", Kind.OPENED, "warning", START),),
)


def test_an_incident_that_another_run_opened_meanwhile_is_one_row(connection: Connection) -> None:
    alert = replace(INCIDENT.alerts[0], alert_id="alert2", level="critical")
    sent = Notification("team", Kind.OPENED, "critical", START, delivered_at=START)
    second = replace(INCIDENT, incident_id="incident2", level="critical", alerts=(alert,), notifications=(sent,))
    store.save(connection, [INCIDENT])
    store.save(connection, [second])

    (found,) = store.recent_incidents(connection, START)
    assert (found.incident_id, found.level) == (INCIDENT.incident_id, "critical")
    assert (found.alerts, found.notifications) == ((alert,), (sent,))


def test_what_is_resolved_is_opened_by_no_late_writer(connection: Connection) -> None:
    resolved = replace(INCIDENT, resolved_at=START, alerts=(replace(INCIDENT.alerts[0], resolved_at=START),))
    store.save(connection, [resolved])
    store.save(connection, [INCIDENT])

    assert store.recent_incidents(connection, START) == [resolved]


def test_an_incident_that_ends_and_its_successor_are_written_together(connection: Connection) -> None:
    store.save(connection, [INCIDENT])
    (alert,) = INCIDENT.alerts
    successor = replace(INCIDENT, incident_id="incident2", notifications=())
    store.save(connection, [successor, replace(INCIDENT, resolved_at=START, alerts=())])

    found = by_id(store.recent_incidents(connection, START))
    assert found["incident2"].alerts == (alert,)
    assert found[INCIDENT.incident_id].alerts == ()


def test_an_alert_that_fired_twice_while_the_warehouse_was_away_fires_no_longer_in_it(connection: Connection) -> None:
    store.save(connection, [INCIDENT])
    (alert,) = INCIDENT.alerts
    opened_at, resolved_at = START + timedelta(hours=1), START + timedelta(hours=2)
    again = replace(alert, alert_id="alert2", opened_at=opened_at, resolved_at=resolved_at)
    store.save(connection, [replace(INCIDENT, alerts=(again,), resolved_at=resolved_at)])

    (found,) = store.recent_incidents(connection, START)
    assert found.alerts == (replace(alert, resolved_at=opened_at), again)


def test_a_newer_notification_replaces_one_that_was_not_delivered(connection: Connection) -> None:
    store.save(connection, [INCIDENT])
    newer = Notification("team", Kind.WORSE, "critical", START, delivered_at=START)
    store.save(connection, [replace(INCIDENT, notifications=(newer,))])
    latest = Notification("team", Kind.REPEAT, "critical", START + timedelta(hours=1))
    store.save(connection, [replace(INCIDENT, notifications=(latest,))])

    (found,) = store.recent_incidents(connection, START)
    assert found.notifications == (newer, latest)
    (found,) = store.incidents_to_decide(connection, START)
    assert found.notifications == (latest,)


def test_a_recovery_that_a_channel_missed_is_remembered_for_long(sender: Sender) -> None:
    sender.settings = changed(sender.settings, "rules.channel_failed", enabled=False)
    duty = sender.channels["duty"] = RecordingChannel()
    sender.notified(DISK)
    duty.error = ConnectionError()
    sender.notified(seen("disk_used_pct", "ok"))
    duty.error = None
    sender.keeper = MemoryKeeper()

    assert "resolved disk_used_pct" in sender.notified(minutes=30 * 24 * 60)
    assert [subject for subject in duty.subjects if "RECOVERED" in subject] == duty.subjects[1:]


def test_a_channel_that_has_delivered_since_it_failed_does_not_fail_once_that_is_long_ago(
    sender: Sender, connection: Connection
) -> None:
    sender.notified(DISK)
    sender.channels["team"].error = ConnectionError()
    sender.notified(seen("disk_used_pct", "critical"))
    sender.channels["team"].error = None
    store.acknowledge(connection, sender.unresolved[0].incident_id, "anna", None, sender.now)
    assert sender.notified(DISK, seen("memory_used_pct")) == ["opened memory_used_pct"]
    assert sender.notified(DISK, seen("memory_used_pct", "ok")) == ["resolved memory_used_pct"]
    sender.notified(DISK)
    assert groups(sender.unresolved) == ["disk_used_pct"]

    sender.notified(DISK, minutes=2 * REPEAT_MINUTES)
    assert groups(sender.unresolved) == ["disk_used_pct"]


def test_of_two_senders_at_once_the_second_waits_and_sends_nothing_twice(
    warehouse_dsn: str, connection: Connection
) -> None:
    mails: list[Mail] = []
    is_sending, may_go_on = threading.Event(), threading.Event()

    class Slow:
        def deliver(self, mail: Mail, level: AlertLevel) -> None:
            mails.append(mail)
            is_sending.set()
            assert may_go_on.wait(30)

    def send() -> None:
        sender = Sender(warehouse_dsn)
        sender.channels["team"] = Slow()
        sender.notified(DISK)

    threads = [threading.Thread(target=send) for _ in range(2)]
    threads[0].start()
    assert is_sending.wait(30)
    threads[1].start()
    _until(lambda: _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1)
    may_go_on.set()
    for thread in threads:
        thread.join(30)

    assert len(mails) == 1
    assert _count(connection, "SELECT count(*) FROM ozon.incidents") == 1
    assert _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_the_lock_ends_with_the_run(connection: Connection) -> None:
    with store.one_run(connection):
        assert _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 1

    assert _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_sender_that_hangs_is_not_waited_for_for_ever(
    warehouse_dsn: str, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(warehouse_dsn, autocommit=True) as other, store.one_run(connection):
        other.execute("SET lock_timeout = '7s'")
        with store.one_run(other, wait_seconds=1):
            assert "Another sender of alerts has been at work for 1 s" in caplog.text
            assert other.execute("SHOW lock_timeout").fetchone() == ("7s",)


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends_at, "It did not come to that."
        time.sleep(0.02)
