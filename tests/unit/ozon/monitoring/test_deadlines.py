"""Which missed deadlines are worth a mail, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from include.ozon.configuration import load_settings
from include.ozon.monitoring.alerts.model import Event
from include.ozon.monitoring.deadlines import AccountLoad, LateRun, late_run_event, reason_for_silence
from include.ozon.translation import use_language
from tests.support.alerts import shown

SETTINGS = load_settings(environment="testing", environ={})

DUE_AT = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
LATE = LateRun(
    dag_id="ozon_etl",
    run_id="scheduled__2026-11-24T11:00:00+00:00",
    run_type="scheduled",
    state="running",
    due_at=DUE_AT,
    deadline_at=DUE_AT + timedelta(minutes=180),
    started_at=DUE_AT + timedelta(seconds=2),
)
AFTER = LATE.deadline_at + timedelta(seconds=5)
AT_WORK = AccountLoad("main", "running", "inventory_etl", 2, "running", DUE_AT + timedelta(minutes=140), 720.0)
DONE = AccountLoad("second", "success", "inventory_etl", 1, "success", DUE_AT + timedelta(minutes=10), 600.0)


def event_of(run: LateRun = LATE, **fields: Any) -> Event:
    parts: dict[str, Any] = {
        "loads": [AT_WORK],
        "tasks": {},
        "level": "critical",
        "link": "http://airflow.example/dags/ozon_etl/runs/1",
        "now": AFTER,
        "settings": SETTINGS,
    }
    return late_run_event(run, **parts | fields)


def test_a_run_that_is_still_at_work_is_notified() -> None:
    assert reason_for_silence(LATE, paused_dags=["ozon_maintenance"]) is None


@pytest.mark.parametrize("run_type", ["manual", "asset_triggered"])
def test_so_is_one_that_a_person_or_an_asset_started(run_type: str) -> None:
    assert reason_for_silence(replace(LATE, run_type=run_type), ()) is None


def test_nobody_waits_for_a_backfill() -> None:
    assert "backfill" in str(reason_for_silence(replace(LATE, run_type="backfill"), ()))


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_ended_in_time_is_silent_however_it_ended(state: str) -> None:
    in_time = replace(LATE, state=state, ended_at=LATE.deadline_at)
    too_late = replace(in_time, ended_at=LATE.deadline_at + timedelta(seconds=1))

    assert "in time" in str(reason_for_silence(in_time, ()))
    assert reason_for_silence(too_late, ()) is None


def test_a_run_that_was_cleared_is_judged_by_its_state_not_by_its_former_end() -> None:
    cleared = replace(LATE, state="running", ended_at=LATE.deadline_at - timedelta(minutes=1))
    assert reason_for_silence(cleared, ()) is None


def test_a_paused_dag_is_silent() -> None:
    assert reason_for_silence(LATE, paused_dags=["ozon_etl"]) == "the DAG is paused"


@pytest.mark.parametrize("started_at", [LATE.deadline_at + timedelta(seconds=1), None])
def test_a_run_not_started_by_its_deadline_is_a_missed_schedule(started_at: datetime | None) -> None:
    assert "missed schedule" in str(reason_for_silence(replace(LATE, started_at=started_at), ()))


def test_the_sentence_names_the_dag_the_account_the_delay_and_the_setting() -> None:
    event = event_of()

    assert event.message == (
        "ozon_etl has missed its deadline: it is still running 3 hours after it was due, for account main; "
        "3 hours are allowed (deadlines.ozon_etl_minutes)."
    )
    assert (event.rule, event.subject, event.account, event.level) == ("run_deadline", "ozon_etl", "main", "critical")
    assert event.happened_at == LATE.deadline_at
    assert event.link == "http://airflow.example/dags/ozon_etl/runs/1"
    events = TypeAdapter(Event)
    assert events.validate_json(events.dump_json(event)) == event


def test_the_details_name_the_run_what_is_running_and_how_long_it_usually_takes() -> None:
    late = event_of(
        loads=[AT_WORK, DONE],
        tasks={"close_workflow_0": None, "product_etl_0": "success", "inventory_etl_0": "up_for_retry"},
    )
    run, tasks, main, second = shown(late)

    assert run == f"Run {LATE.run_id}, due at 2026-11-24 14:00 MSK, had to end by 2026-11-24 17:00 MSK."
    assert tasks == "Tasks that have not ended: inventory_etl_0 (up for retry), close_workflow_0 (not begun)."
    assert main == (
        "Account main: inventory_etl is running since 2026-11-24 16:20 MSK, attempt 2; a load usually takes 12 minutes."
    )
    assert second == "Account second: ended (success); a load usually takes 10 minutes."
    with use_language("ru"):
        assert shown(late) == [
            f"Запуск {LATE.run_id} должен был начаться 24.11.2026 14:00 MSK и завершиться к 24.11.2026 17:00 MSK.",
            "Незавершённые задачи: inventory_etl_0 (ждёт повтора), close_workflow_0 (не начато).",
            "Кабинет main: inventory_etl выполняется с 24.11.2026 16:20 MSK, попытка 2; обычная длительность загрузки: "
            "12 минут.",
            "Кабинет second: завершено (успешно); обычная длительность загрузки: 10 минут.",
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": None, "component": None, "component_status": None}, "not begun"),
        ({"component": "product_etl", "component_status": "success"}, "between its tasks: product_etl was successful"),
        (
            {"component": "product_etl", "component_status": "failed"},
            "waiting for its retry: product_etl was failed in attempt 2",
        ),
    ],
)
def test_a_load_where_nothing_runs_at_the_moment_says_why(changes: dict[str, Any], words: str) -> None:
    assert f"Account main: {words}; " in "\n".join(shown(event_of(loads=[replace(AT_WORK, **changes)])))


def test_a_first_load_has_no_usual_duration() -> None:
    details = "\n".join(shown(event_of(loads=[replace(AT_WORK, usual_seconds=None)])))
    assert "no load before this one was successful" in details


def test_several_unfinished_accounts_are_one_event_that_names_them() -> None:
    event = event_of(loads=[AT_WORK, replace(AT_WORK, account="third", status=None), DONE])

    assert event.account is None
    assert "for accounts main and third;" in event.message


def test_another_dag_has_no_accounts_and_its_own_setting() -> None:
    run = replace(LATE, dag_id="ozon_health_check", deadline_at=DUE_AT + timedelta(minutes=10))
    event = event_of(run, loads=[], tasks={"check_6": "running"}, now=run.deadline_at)

    assert event.message == (
        "ozon_health_check has missed its deadline: it is still running 10 minutes after it was due; "
        "10 minutes are allowed (deadlines.ozon_health_check_minutes)."
    )
    assert "Tasks that have not ended: check_6 (running)." in shown(event)


def test_a_run_that_ended_too_late_says_so() -> None:
    run = replace(LATE, state="success", ended_at=LATE.deadline_at + timedelta(minutes=12))
    assert (
        "it ended 3 hours 12 minutes after it was due (success); 3 hours are allowed"
        in event_of(run, loads=[DONE]).message
    )


def test_a_long_list_of_tasks_is_cut() -> None:
    details = shown(event_of(tasks={f"check_{number:02}": "running" for number in range(14)}))
    (line,) = [line for line in details if line.startswith("Tasks")]

    assert line.endswith("check_09 (running) and 4 more.")


def test_a_note_and_the_cause_are_kept() -> None:
    event = event_of(loads=[], notes=["The warehouse could not be asked."], caused_by=("warehouse_reachable",))

    assert "The warehouse could not be asked." in shown(event)
    assert event.caused_by == ("warehouse_reachable",)
