"""The tasks of ``ozon_health_check`` and ``ozon_visibility_metrics``, their order, and the settings they follow."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from tests.unit.dags.conftest import LoadDag


@pytest.fixture
def health_check(load_dag: LoadDag) -> DAG:
    return load_dag("ozon_health_check")


@pytest.fixture
def metrics(load_dag: LoadDag) -> DAG:
    return load_dag("ozon_visibility_metrics")


def test_the_health_check_runs_every_quarter_of_an_hour_by_default(health_check: DAG, load_dag: LoadDag) -> None:
    assert health_check.timetable == CronTriggerTimetable("*/15 * * * *", timezone="Europe/Moscow")
    other = load_dag("ozon_health_check", OZON__SCHEDULE__HEALTH="*/5 * * * *", OZON__TIME_ZONE="UTC")
    assert other.timetable == CronTriggerTimetable("*/5 * * * *", timezone="UTC")


def test_the_health_check_has_tasks_for_the_areas_the_summary_and_the_verdict(health_check: DAG) -> None:
    assert set(health_check.task_ids) == {"select_areas", "check", "summarize", "verdict"}
    assert [task.task_id for task in health_check.tasks if task.is_mapped] == ["check"]
    before = {task.task_id: task.upstream_task_ids for task in health_check.tasks}
    assert before["summarize"] == {"select_areas", "check"}
    # select_areas too: without it a run in which it failed would be green.
    assert before["verdict"] == {"summarize", "select_areas"}


def test_results_are_summarized_even_if_checks_fail(health_check: DAG) -> None:
    assert health_check.get_task("summarize").trigger_rule == "all_done"
    assert health_check.get_task("verdict").trigger_rule == "all_success"


def test_metrics_run_after_a_load_and_by_schedule(metrics: DAG, load_dag: LoadDag) -> None:
    assert isinstance(metrics.timetable, AssetOrTimeSchedule)
    assert [asset.name for asset in metrics.timetable.asset_condition.objects] == ["ozon_loaded"]
    assert metrics.timetable.timetable == CronTriggerTimetable("30 9 * * *", timezone="Europe/Moscow")
    other = load_dag("ozon_visibility_metrics", OZON__SCHEDULE__METRICS="0 7 * * 1")
    assert other.timetable.timetable == CronTriggerTimetable("0 7 * * 1", timezone="Europe/Moscow")


def test_metrics_are_measured_for_each_account_and_a_failed_one_fails_the_run(metrics: DAG) -> None:
    assert set(metrics.task_ids) == {"select_accounts", "measure", "alert", "send_report", "verdict"}
    assert [task.task_id for task in metrics.tasks if task.is_mapped] == ["measure"]
    assert metrics.get_task("alert").trigger_rule == metrics.get_task("send_report").trigger_rule == "all_done"
    (verdict,) = metrics.leaves
    assert (verdict.task_id, verdict.trigger_rule) == ("verdict", "none_failed")
    assert verdict.upstream_task_ids == {"measure", "alert", "send_report"}


def test_all_alerts_are_sent_through_one_pool(load_dag: LoadDag) -> None:
    senders = (("ozon_health_check", "summarize"), ("ozon_visibility_metrics", "alert"))
    assert {load_dag(dag_id).get_task(task_id).pool for dag_id, task_id in senders} == {"ozon_alerts"}
    renamed = {load_dag(dag_id, OZON__ALERTS__POOL="mails").get_task(task_id).pool for dag_id, task_id in senders}
    assert renamed == {"mails"}


def test_the_trigger_forms_suggest_the_available_values(health_check: DAG, metrics: DAG) -> None:
    checks = health_check.params.get_param("checks").schema["examples"]
    assert checks == ["warehouse", "runs", "deadlines", "data", "api", "airflow", "machine"]
    assert metrics.params.get_param("formats").schema["examples"] == ["text", "json", "csv", "html"]
    assert metrics.params.dump() == {"formats": [], "save_report": True, "send_report": False}
