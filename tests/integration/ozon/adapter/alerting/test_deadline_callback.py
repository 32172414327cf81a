"""Deadline callback in the triggerer, with a run as Airflow passes it; tests/e2e has the mail itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.execution_time.cache import SecretCache

from include.ozon.adapter.alerting import late_run
from include.ozon.adapter.dags.deadlines import run_is_late
from include.ozon.monitoring.alerts.model import Event
from include.ozon.monitoring.alerts.sender import SentReport
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from tests.support.alerts import shown
from tests.support.records import record_attempt, record_workflow

RUN_ID = "scheduled__2026-11-24T11:00:00+00:00"
DUE_AT = "2026-11-24T11:00:00Z"
STARTED_AT = "2026-11-24T11:00:02.517653Z"
DEADLINE_AT = "2026-11-24T14:00:00Z"
NOTHING_SENT = SentReport(sent=(), failed_channels=(), unresolved={"critical": 1})

Context = dict[str, Any]


def context(**dag_run: Any) -> Context:
    """As Airflow 3.3.2 passes it: the run as its REST API describes it, the moment as a datetime."""
    return {
        "dag_run": {
            "dag_run_id": RUN_ID,
            "dag_id": "ozon_etl",
            "logical_date": DUE_AT,
            "queued_at": DUE_AT,
            "start_date": STARTED_AT,
            "end_date": None,
            "duration": None,
            "run_after": DUE_AT,
            "run_type": "scheduled",
            "state": "running",
            "triggered_by": "timetable",
            "conf": {},
            "note": None,
            **dag_run,
        },
        "deadline": {
            "id": "01a20d71-dcf5-7e04-b8c4-f20109bea081",
            "deadline_time": datetime.fromisoformat(DEADLINE_AT),
        },
    }


@pytest.fixture(autouse=True)
def airflow(warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections and Variables come from the environment."""
    SecretCache.reset()
    monkeypatch.setenv("OZON_ENV", "testing")
    monkeypatch.setenv(WAREHOUSE_CONNECTION, postgres_connection(warehouse_dsn))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/ozon/")
    yield
    SecretCache.reset()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that the sender received."""
    given: list[Event] = []

    def deliver(events: list[Event]) -> SentReport:
        given.extend(events)
        return NOTHING_SENT

    monkeypatch.setattr(late_run, "deliver", deliver)
    return given


def call(run: Context) -> str:
    return asyncio.run(run_is_late(context=run))


def hours_before(hours: float) -> datetime:
    """So long before the deadline."""
    return datetime.fromisoformat(DEADLINE_AT) - timedelta(hours=hours)


def workflow(dsn: str, dag_run_id: str, account: str, *, hours_ago: float, minutes: float | None, status: str) -> None:
    started_at = hours_before(hours_ago)
    finished_at = None if minutes is None else started_at + timedelta(minutes=minutes)
    record_workflow(dsn, dag_run_id, account, status=status, started_at=started_at, finished_at=finished_at)


def attempt(dsn: str, dag_run_id: str, account: str, component: str, *, hours_ago: float, status: str) -> None:
    record_attempt(dsn, dag_run_id, component, account, status=status, started_at=hours_before(hours_ago))


def test_a_late_run_is_notified_with_what_the_warehouse_knows(warehouse_dsn: str, events: list[Event]) -> None:
    for number, minutes in enumerate((10, 14, 12, 600)):
        status = "failed" if minutes == 600 else "success"
        workflow(warehouse_dsn, f"former-{number}", "main", hours_ago=30 + number, minutes=minutes, status=status)
    workflow(warehouse_dsn, RUN_ID, "main", hours_ago=3, minutes=None, status="running")
    attempt(warehouse_dsn, RUN_ID, "main", "product_etl", hours_ago=3, status="success")
    attempt(warehouse_dsn, RUN_ID, "main", "inventory_etl", hours_ago=2.5, status="running")

    output = call(context())

    (event,) = events
    assert output == f"Run {RUN_ID} of ozon_etl has missed its deadline. {NOTHING_SENT.describe()}"
    assert "for accounts main and second;" in event.message
    assert event.link == f"https://airflow.example/ozon/dags/ozon_etl/runs/{RUN_ID}"
    assert event.happened_at == datetime.fromisoformat(DEADLINE_AT)
    assert (
        "Account main: inventory_etl is running since 2026-11-24 14:30 MSK, attempt 1; a load usually takes 12 minutes."
        in shown(event)
    )
    assert "Account second: not begun; no load before this one was successful." in shown(event)


def test_only_the_accounts_that_the_run_was_to_load_are_named(events: list[Event]) -> None:
    call(context(conf={"accounts": ["second"]}))

    (event,) = events
    assert event.account == "second"
    assert not [line for line in shown(event) if "Account main" in line]


def test_another_dag_has_no_accounts(events: list[Event]) -> None:
    call(context(dag_id="ozon_health_check"))

    (event,) = events
    assert (event.subject, event.account) == ("ozon_health_check", None)
    assert not [line for line in shown(event) if line.startswith("Account")]


def test_level_and_silence_come_from_the_rule(monkeypatch: pytest.MonkeyPatch, events: list[Event]) -> None:
    monkeypatch.setenv("OZON__RULES__RUN_DEADLINE__LEVEL", "warning")
    call(context())
    monkeypatch.setenv("OZON__RULES__RUN_DEADLINE__ENABLED", "false")
    output = call(context())

    (event,) = events
    assert event.level == "warning"
    assert "rules.run_deadline is not enabled" in output


@pytest.mark.parametrize(
    ("dag_run", "reason"),
    [
        ({"run_type": "backfill"}, "backfill"),
        ({"state": "success", "end_date": "2026-11-24T13:59:59.999Z"}, "ended in time (success)"),
        ({"state": "failed", "end_date": "2026-11-24T13:59:59.999Z"}, "ended in time (failed)"),
        ({"start_date": "2026-11-24T14:00:00.001Z"}, "missed schedule"),
        ({"start_date": None, "state": "queued"}, "missed schedule"),
    ],
)
def test_nobody_is_notified_if_nobody_waits(dag_run: Context, reason: str, events: list[Event]) -> None:
    output = call(context(**dag_run))

    assert events == []
    assert output.startswith(f"No notification of run {RUN_ID} of ozon_etl: ")
    assert reason in output


def test_a_dag_that_the_health_check_saw_paused_is_quiet(monkeypatch: pytest.MonkeyPatch, events: list[Event]) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_OZON_PAUSED_DAGS", json.dumps(["ozon_etl"]))

    assert "the DAG is paused" in call(context())
    assert events == []
    call(context(dag_id="ozon_health_check"))
    assert [event.subject for event in events] == ["ozon_health_check"]


def test_a_note_of_the_paused_dags_that_cannot_be_read_silences_nothing(
    monkeypatch: pytest.MonkeyPatch, events: list[Event]
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_OZON_PAUSED_DAGS", "ozon_etl, of course")
    call(context())
    assert len(events) == 1


def test_without_the_warehouse_it_is_notified_all_the_same(
    warehouse_dsn: str, monkeypatch: pytest.MonkeyPatch, events: list[Event]
) -> None:
    fields = json.loads(postgres_connection(warehouse_dsn))
    monkeypatch.setenv(WAREHOUSE_CONNECTION, json.dumps({**fields, "port": 1}))

    call(context())

    (event,) = events
    assert event.caused_by == ("warehouse_reachable",)
    assert any("The warehouse cannot be reached" in line for line in shown(event))
    assert fields["password"] not in str(event)


def test_a_sender_that_breaks_is_one_sentence_and_no_exception(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(events: list[Event]) -> SentReport:
        raise RuntimeError("smtp://user:secret@mail.example refused")

    monkeypatch.setattr(late_run, "deliver", broken)
    with caplog.at_level(logging.ERROR):
        output = call(context())

    assert output == f"Nobody could be notified of the missed deadline of run {RUN_ID} of ozon_etl: RuntimeError"
    assert [record.message for record in caplog.records] == [output]


def test_a_wrong_configuration_is_named(monkeypatch: pytest.MonkeyPatch, events: list[Event]) -> None:
    monkeypatch.setenv("OZON__DEADLINES__OZON_ETL_MINUTES", "soon")
    output = call(context())
    assert output.startswith("Nobody could be notified of the missed deadline of ")
    assert "OZON__DEADLINES__OZON_ETL_MINUTES" in output
    assert events == []


def test_the_event_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server that does not answer must not hold up the triggerer's other work."""

    async def both() -> str:
        loop = asyncio.get_running_loop()
        other_work = asyncio.Event()

        def slow(events: list[Event]) -> SentReport:
            # Only an event loop that is not blocked by this can do the other work, and so let it go on.
            loop.call_soon_threadsafe(other_work.set)
            asyncio.run_coroutine_threadsafe(other_work.wait(), loop).result(timeout=30)
            return NOTHING_SENT

        monkeypatch.setattr(late_run, "deliver", slow)
        return await run_is_late(context=context())

    assert "has missed its deadline" in asyncio.run(both())
