"""The tasks of ``ozon_maintenance``, their order, and the settings that it follows."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG, CronTriggerTimetable

from include.ozon.maintenance.steps import STEPS, WAREHOUSE_STEPS
from tests.unit.dags.conftest import LoadDag


@pytest.fixture
def maintenance(load_dag: LoadDag) -> DAG:
    return load_dag("ozon_maintenance")


def test_it_runs_at_night_by_default(maintenance: DAG, load_dag: LoadDag) -> None:
    assert maintenance.timetable == CronTriggerTimetable("30 3 * * *", timezone="Europe/Moscow")
    other = load_dag("ozon_maintenance", OZON__SCHEDULE__MAINTENANCE="0 1 * * 0", OZON__TIME_ZONE="UTC")
    assert other.timetable == CronTriggerTimetable("0 1 * * 0", timezone="UTC")


def test_there_is_a_task_for_each_step_for_the_summary_and_for_the_verdict(maintenance: DAG) -> None:
    assert set(maintenance.task_ids) == {*STEPS, "sum_up", "verdict"}
    before = {task.task_id: task.upstream_task_ids for task in maintenance.tasks}
    assert before["sum_up"] == set(STEPS)
    assert before["verdict"] == {"sum_up"}


def test_the_warehouses_steps_run_in_sequence_and_vacuum_is_last(maintenance: DAG) -> None:
    before = {task.task_id: task.upstream_task_ids for task in maintenance.tasks}
    assert [before[step] for step in WAREHOUSE_STEPS] == [set(), *({step} for step in WAREHOUSE_STEPS[:-1])]
    assert WAREHOUSE_STEPS[-1] == "vacuum"


def test_a_failed_step_does_not_stop_the_others_but_fails_the_run(maintenance: DAG) -> None:
    rules = {task.task_id: str(task.trigger_rule.value) for task in maintenance.tasks}
    assert rules.pop("verdict") == "all_success"
    assert set(rules.values()) == {"all_done"}
    assert [task.task_id for task in maintenance.leaves] == ["verdict"]


def test_it_has_a_parameter_for_a_dry_run(maintenance: DAG) -> None:
    assert maintenance.params.dump() == {"dry_run": False}
