"""The tasks of ``ozon_etl``, their order, and the settings that it follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.exceptions import ParamValidationError

from include.ozon.settings import GuardsSettings
from tests.unit.dags.conftest import LoadDag


@pytest.fixture
def ozon_etl(load_dag: LoadDag) -> DAG:
    return load_dag("ozon_etl")


def test_task_ids_are_the_documented_ones(ozon_etl: DAG) -> None:
    assert set(ozon_etl.task_ids) == {"select_accounts", "product_etl", "inventory_etl", "close_workflow", "announce"}


def test_inventory_runs_after_products_and_the_end_after_both(ozon_etl: DAG) -> None:
    before = {task.task_id: task.upstream_task_ids for task in ozon_etl.tasks}
    assert before["inventory_etl"] >= {"product_etl"}
    assert before["close_workflow"] >= {"inventory_etl"}
    assert before["announce"] >= {"close_workflow"}


def test_accounts_are_mapped_and_the_announcement_is_not(ozon_etl: DAG) -> None:
    mapped = {task.task_id for task in ozon_etl.tasks if task.get_closest_mapped_task_group()}
    assert mapped == {"product_etl", "inventory_etl", "close_workflow"}


def test_the_end_always_runs_and_a_failure_still_fails_the_run(ozon_etl: DAG) -> None:
    teardowns = {t.task_id: t.on_failure_fail_dagrun for t in ozon_etl.tasks if t.is_teardown}
    assert teardowns == {"close_workflow": False, "announce": True}
    assert {t.task_id: t.trigger_rule.value for t in ozon_etl.tasks if t.is_teardown} == dict.fromkeys(
        teardowns, "all_done_setup_success"
    )


def test_only_the_announcement_emits_the_asset_event(ozon_etl: DAG) -> None:
    assert outlets(ozon_etl) == {"announce": ["ozon_loaded"]}


def test_components_emit_events_of_their_tables_if_that_is_set(load_dag: LoadDag) -> None:
    ozon_etl = load_dag("ozon_etl", OZON__TASKS__TABLE_ASSETS="true")
    assert outlets(ozon_etl) == {
        "product_etl": ["ozon_tables"],
        "inventory_etl": ["ozon_tables"],
        "announce": ["ozon_loaded"],
    }


def outlets(dag: DAG) -> dict[str, list[str]]:
    return {task.task_id: [outlet.name for outlet in task.outlets] for task in dag.tasks if task.outlets}


def test_production_has_the_documented_schedule_and_retries(ozon_etl: DAG) -> None:
    assert ozon_etl.timetable == CronTriggerTimetable("0 2,8,14,20 * * *", timezone="Europe/Moscow")
    for name in ("product_etl", "inventory_etl"):
        task = ozon_etl.get_task(name)
        assert (task.retries, task.retry_delay, task.max_retry_delay) == (3, timedelta(minutes=5), timedelta(hours=1))
        assert task.execution_timeout == timedelta(minutes=60)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"OZON__SCHEDULE__ETL": "30 5 * * *", "OZON__TIME_ZONE": "Asia/Yekaterinburg"},
            {"timetable": CronTriggerTimetable("30 5 * * *", timezone="Asia/Yekaterinburg")},
        ),
        ({"OZON__RETRY__RETRIES": "1"}, {"retries": 1}),
        ({"OZON__RETRY__FIRST_DELAY_SECONDS": "7"}, {"retry_delay": timedelta(seconds=7)}),
        ({"OZON__RETRY__MAX_DELAY_SECONDS": "900"}, {"max_retry_delay": timedelta(minutes=15)}),
        ({"OZON__RETRY__BACKOFF_MULTIPLIER": "1.5"}, {"retry_exponential_backoff": 1.5}),
        ({"OZON__COMPONENTS__PRODUCT_ETL__TIMEOUT_MINUTES": "45"}, {"execution_timeout": timedelta(minutes=45)}),
        ({"OZON__TASKS__POOL": "ozon_api"}, {"pool": "ozon_api"}),
        ({"OZON__TASKS__OWNER": "team-catalogue"}, {"owner": "team-catalogue"}),
        ({"OZON_ENV": "testing"}, {"retries": 3, "retry_delay": timedelta(seconds=2)}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_the_dag_follows_the_configuration(
    variables: dict[str, str], expected: dict[str, Any], load_dag: LoadDag
) -> None:
    dag = load_dag("ozon_etl", **variables)
    task = dag.get_task("product_etl")
    assert {name: getattr(dag if name == "timetable" else task, name) for name in expected} == expected


@pytest.mark.parametrize(
    "params",
    [
        {"dry_run": "perhaps"},
        {"accounts": "main"},
        {"accounts": ["main", "main"]},
        {"accounts": [1]},
        {"accept_guard": {"vanished": True}},
    ],
)
def test_parameters_of_the_wrong_type_are_refused(params: dict[str, Any], ozon_etl: DAG) -> None:
    (name,) = params
    with pytest.raises(ParamValidationError):
        ozon_etl.params.get_param(name).resolve(params[name])


def test_the_trigger_form_suggests_the_available_values(load_dag: LoadDag) -> None:
    params = load_dag("ozon_etl", OZON_ENV="testing").params
    assert params.get_param("accounts").schema["examples"] == ["main", "second"]
    assert params.get_param("accept_guard").schema["examples"] == list(GuardsSettings.model_fields)
    assert params.dump() == {"accounts": [], "dry_run": False, "accept_guard": []}
