"""The alerts' state in a real warehouse: it survives, is caught up, acknowledged, and written by one sender."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from include.ozon.errors import ConfigurationError
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.alerts.copy import from_text
from include.ozon.monitoring.alerts.model import Alert, Event, Mail
from include.ozon.monitoring.alerts.sender import send_alerts
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

    def told(self, *results: CheckResult, events: Sequence[Event] = (), minutes: float = 15) -> list[str]:
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
        return [f"{outcome.notice.kind} {outcome.notice.group}" for outcome in report.outcomes if outcome.delivered]

    @property
    def open(self) -> list[Alert]:
        with psycopg.connect(self.dsn) as connection:
            return store.open_alerts(connection)

    @property
    def is_copy_ahead(self) -> bool:
        return from_text(self.keeper.text or "").is_ahead


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
    assert sender.told(DISK, events=[failed_task(START, link="http://run")]) == [
        "opened disk_used_pct",
        "opened loads",
    ]
    before = sender.open
    assert {alert.alert_id: alert for alert in before} == {
        alert.alert_id: alert for alert in from_text(sender.keeper.text or "").alerts
    }

    sender.keeper = MemoryKeeper("what is no copy")
    assert sender.told(DISK) == []
    assert {alert.alert_id for alert in sender.open} == {alert.alert_id for alert in before}
    assert sender.told(seen("disk_used_pct", "ok")) == ["recovered disk_used_pct"]
    assert [alert.rule for alert in sender.open] == ["task_failed"]


def test_with_the_warehouse_away_the_copy_goes_on_and_the_warehouse_catches_up(
    sender: Sender, warehouse_away: Callable[[], Any]
) -> None:
    down = seen("warehouse_reachable", "critical", area="warehouse")
    failing = seen("failures_in_a_row", "warning", "main")
    sender.told(DISK)
    with warehouse_away():
        assert sender.told(DISK, down, failing) == ["opened warehouse"]
        assert sender.told(DISK, down, failing) == []
        assert sender.is_copy_ahead
        assert sender.told(seen("disk_used_pct", "ok"), down) == ["recovered disk_used_pct"]

    up = seen("warehouse_reachable", "ok", area="warehouse")
    assert sender.told(up, failing, seen("disk_used_pct", "ok")) == ["recovered warehouse"]
    assert not sender.is_copy_ahead
    assert [(alert.rule, alert.suppressed_by) for alert in sender.open] == [
        ("failures_in_a_row", "warehouse_reachable")
    ]
    with psycopg.connect(sender.dsn) as connection:
        recovered = {alert.rule: alert.sent_count for alert in store.recent_alerts(connection, START)}
    assert recovered == {"failures_in_a_row": 0, "disk_used_pct": 2, "warehouse_reachable": 2}


def test_a_warehouse_that_breaks_while_mails_go_out_is_caught_up_by_the_next_sending(
    sender: Sender, postgres: EmbeddedPostgres
) -> None:
    class Breaking(RecordingChannel):
        def deliver(self, mail: Mail, level: AlertLevel) -> None:
            super().deliver(mail, level)
            with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
                superuser.execute(_END_SENDERS)

    sender.channels["team"] = Breaking()
    assert sender.told(DISK) == ["opened disk_used_pct"]
    assert sender.is_copy_ahead
    assert sender.open == []

    sender.channels["team"] = RecordingChannel()
    assert sender.told(DISK) == []
    assert [alert.sent_count for alert in sender.open] == [1]


def test_a_warehouse_without_the_table_is_as_good_as_none(sender: Sender, connection: Connection) -> None:
    connection.execute("DROP TABLE ozon.alerts")

    assert sender.told(DISK) == ["opened disk_used_pct"]
    assert sender.told(DISK) == []
    assert sender.is_copy_ahead


def test_with_neither_readable_it_is_told_again_rather_than_never(
    sender: Sender, warehouse_away: Callable[[], Any]
) -> None:
    sender.told(DISK)
    sender.keeper.text = "what is no copy"
    with warehouse_away():
        assert sender.told(DISK) == ["opened disk_used_pct"]

    assert sender.told(DISK) == []
    (alert,) = sender.open
    assert alert.opened_at == START + timedelta(minutes=15)


def test_an_acknowledgement_silences_the_incident_until_it_gets_worse(sender: Sender, connection: Connection) -> None:
    load = [seen("product_etl_age_hours", "warning", "main"), seen("failures_in_a_row", "warning", "main")]
    sender.told(*load, DISK)
    alert = next(alert for alert in sender.open if alert.rule == "failures_in_a_row")
    acknowledged = store.acknowledge(connection, alert.alert_id, sender.now)

    assert acknowledged == replace(alert, acknowledged_at=sender.now)
    assert {alert.rule: bool(alert.acknowledged_at) for alert in sender.open} == {
        "product_etl_age_hours": True,
        "failures_in_a_row": True,
        "disk_used_pct": False,
    }
    assert sender.told(*load, DISK, minutes=REPEAT_MINUTES) == ["repeat disk_used_pct"]
    assert sender.told(seen("product_etl_age_hours", "critical", "main")) == ["worse loads"]
    assert not any(alert.acknowledged_at for alert in sender.open)


def test_an_acknowledgement_made_while_the_copy_is_ahead_is_kept(sender: Sender, connection: Connection) -> None:
    sender.told(DISK)
    reachable, sender.dsn = sender.dsn, conninfo.make_conninfo(sender.dsn, dbname="no_such_database")
    sender.told(DISK)
    sender.dsn = reachable
    store.acknowledge(connection, sender.open[0].alert_id, sender.now)

    assert sender.is_copy_ahead
    assert sender.told(DISK, minutes=2 * REPEAT_MINUTES) == []
    assert sender.open[0].acknowledged_at is not None


def test_an_acknowledged_level_is_not_told_as_worse_because_nothing_could_tell_it_before(
    sender: Sender, connection: Connection
) -> None:
    sender.told(DISK)
    team = sender.channels["team"]
    team.error = ConnectionError()
    sender.told(seen("disk_used_pct", "critical"))
    store.acknowledge(connection, next(alert for alert in sender.open if alert.rule == "disk_used_pct").alert_id, START)
    team.error = None

    assert sender.told(seen("disk_used_pct", "critical")) == []


def test_an_unknown_id_is_a_sentence_with_the_open_ones(sender: Sender, connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match=r"No open alert has the id 'x'\. Open are: none\."):
        store.acknowledge(connection, "x", START)
    sender.told(DISK)
    (alert,) = sender.open
    with pytest.raises(ConfigurationError, match=rf"Open are: {alert.alert_id}\. `ozon alerts` shows them\."):
        store.acknowledge(connection, "x", START)


def test_recent_alerts_are_the_open_ones_and_those_that_recovered_since(sender: Sender, connection: Connection) -> None:
    sender.told(DISK, seen("memory_used_pct"))
    sender.told(DISK, seen("memory_used_pct", "ok"))

    assert [alert.rule for alert in store.recent_alerts(connection, sender.now)] == ["disk_used_pct", "memory_used_pct"]
    assert [alert.rule for alert in store.recent_alerts(connection, sender.now + timedelta(seconds=1))] == [
        "disk_used_pct"
    ]


def test_an_alert_that_another_sender_opened_meanwhile_is_one_row(connection: Connection) -> None:
    first = Alert("disk_used_pct", None, "", "warning", START, START, "Full.")
    second = replace(first, alert_id="00000002", level="critical", sent_count=1)
    store.save(connection, [first])
    store.save(connection, [second])

    (alert,) = store.open_alerts(connection)
    assert (alert.alert_id, alert.level, alert.sent_count) == (first.alert_id, "critical", 1)


def test_what_has_recovered_is_opened_by_no_late_writer(connection: Connection) -> None:
    alert = Alert("disk_used_pct", None, "", "warning", START, START, "Full.")
    store.save(connection, [replace(alert, recovered_at=START)])
    store.save(connection, [alert])

    assert store.open_alerts(connection) == []


def test_an_alert_that_closes_and_its_successor_are_written_together(connection: Connection) -> None:
    alert = Alert("task_failed", "main", "ozon_etl.product_etl", "critical", START, START, "Failed.", is_event=True)
    store.save(connection, [alert])
    successor = replace(alert, alert_id="00000002")
    store.save(connection, [successor, replace(alert, recovered_at=START)])

    assert store.open_alerts(connection) == [successor]


def test_a_recovery_that_a_channel_missed_is_remembered_for_long(sender: Sender) -> None:
    # Its open alert would have the state remember everything since.
    sender.settings = changed(sender.settings, "rules.channel_failed", enabled=False)
    duty = sender.channels["duty"] = RecordingChannel()
    sender.told(DISK)
    duty.error = ConnectionError()
    sender.told(seen("disk_used_pct", "ok"))
    duty.error = None
    sender.keeper = MemoryKeeper()

    assert "recovered disk_used_pct" in sender.told(minutes=30 * 24 * 60)
    assert [subject for subject in duty.subjects if "RECOVERED" in subject] == duty.subjects[1:]


def test_of_two_senders_at_once_the_second_waits_and_tells_nothing_twice(
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
        sender.told(DISK)

    threads = [threading.Thread(target=send) for _ in range(2)]
    threads[0].start()
    assert is_sending.wait(30)
    threads[1].start()
    _until(lambda: _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1)
    may_go_on.set()
    for thread in threads:
        thread.join(30)

    assert len(mails) == 1
    assert _count(connection, "SELECT count(*) FROM ozon.alerts") == 1
    assert _count(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_sender_that_hangs_is_not_waited_for_for_ever(
    warehouse_dsn: str, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(warehouse_dsn, autocommit=True) as other, store.one_sender(connection):
        other.execute("SET lock_timeout = '7s'")
        with store.one_sender(other, wait_seconds=1):
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
