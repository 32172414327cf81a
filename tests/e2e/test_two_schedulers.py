"""Two schedulers on one metadata database: each load runs once, and pool and lock hold."""

from __future__ import annotations

from itertools import pairwise

import pytest

from include.ozon_local.home import ROOT
from include.ozon_local.stack import COMPONENTS
from tests.e2e.conftest import ACCOUNTS, MakeStack
from tests.support.agreement import assert_agreement
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import AirflowStack, until
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

RUNS = [f"load_{number}" for number in range(2)]
TASKS = "SELECT dag_id, pool, try_number, queued_by_job_id, start_date, end_date FROM task_instance"


def schedulers(airflow: AirflowStack) -> set[int]:
    """Return the ids of the schedulers that run."""
    query = "SELECT id FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'"
    return {row["id"] for row in Airflow(airflow.environment).rows(query)}


def test_two_schedulers_run_each_load_once(make_stack: MakeStack, warehouse: Pipeline) -> None:
    variables = {"AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags")}
    with make_stack(*COMPONENTS, "scheduler", **variables) as airflow:
        airflow.call("POST", "/api/v2/pools", name="ozon_alerts", slots=1)
        airflow.await_dags("ozon_etl", "ozon_health_check", "ozon_visibility_metrics")
        until(lambda: len(schedulers(airflow)) == 2, "both schedulers run")
        both = schedulers(airflow)

        for run_id in RUNS:
            airflow.trigger("ozon_etl", run_id)
            airflow.trigger("ozon_health_check", run_id)
        assert {airflow.ended("ozon_etl", run_id, 240)["state"] for run_id in RUNS} == {"success"}
        for run_id in RUNS:
            airflow.ended("ozon_health_check", run_id, 240)
        tasks = Airflow(airflow.environment).rows(TASKS)

        airflow.end_one("scheduler")
        until(lambda: len(schedulers(airflow)) == 1, "one scheduler has ended")
        assert airflow.finished_run("ozon_etl", "last")["state"] == "success"

    assert {task["queued_by_job_id"] for task in tasks} - {None} == both, "both schedulers started tasks"
    assert {task["try_number"] for task in tasks if task["dag_id"] == "ozon_etl"} == {1}
    pooled = sorted(
        (task["start_date"], task["end_date"]) for task in tasks if task["pool"] == "ozon_alerts" and task["end_date"]
    )
    assert len(pooled) >= len(RUNS), "the health checks, and the metrics of loads that have ended by then"
    assert all(before[1] <= after[0] for before, after in pairwise(pooled)), "one sender of alerts at a time"
    for account in ACCOUNTS:
        attempts = warehouse.rows(
            "SELECT workflow_id, component, attempt, status, started_at, finished_at "
            f"FROM ozon.etl_component_executions WHERE account = '{account}' ORDER BY started_at"
        )
        loads = [(attempt["workflow_id"], attempt["component"]) for attempt in attempts]
        expected = {
            (f"{run_id}/{account}", name) for run_id in [*RUNS, "last"] for name in ("product_etl", "inventory_etl")
        }
        assert len(loads) == len(set(loads))
        assert set(loads) == expected
        assert {(attempt["attempt"], attempt["status"]) for attempt in attempts} == {(1, "success")}
        assert all(before["finished_at"] <= after["started_at"] for before, after in pairwise(attempts))
        assert_agreement(warehouse, account)
