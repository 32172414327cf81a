"""The result of a run, as an exit code, sentences and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.ozon.adapter.runs.run_state import RunState, TaskState
from include.ozon.cli.run_result import RunResult, dry_run_rows


def task(task_id: str, account: str | None, state: str, try_number: int = 1) -> TaskState:
    return TaskState(task_id, account, state, try_number, f"http://airflow/{task_id}")


LOADED = (task("product_etl", "main", "success"), task("inventory_etl", "main", "success"))
HELD = (task("product_etl", "main", "skipped"), task("inventory_etl", "main", "skipped"))
BROKEN = (task("product_etl", "second", "failed", 4), task("inventory_etl", "second", "upstream_failed"))


def result(state: str, *tasks: TaskState, **fields: Any) -> RunResult:
    options: dict[str, Any] = {
        "dag_run_id": "manual__1",
        "rows": [],
        "dry_run": False,
        "by_scheduler": False,
        "interrupted_by": "",
        "interrupted_exit_code": 0,
        "log": Path("/logs/1.log"),
    }
    return RunResult(run=RunState(state, tasks), **{**options, **fields})


STOPPED = {"interrupted_by": "SIGTERM", "interrupted_exit_code": 143}


@pytest.mark.parametrize(
    ("ended", "exit_code", "outcome"),
    [
        (result("success", *LOADED), 0, "success"),
        (result("failed", *LOADED, *BROKEN), 1, "failed"),
        (result("success", *HELD), 3, "account taken"),
        (result("failed", *HELD, *BROKEN), 1, "failed"),
        (result("failed", *BROKEN, **STOPPED), 143, "cancelled"),
        (result("success", *LOADED, **STOPPED), 143, "cancelled"),
    ],
)
def test_each_end_has_its_exit_code(ended: RunResult, exit_code: int, outcome: str) -> None:
    assert (ended.exit_code, ended.outcome) == (exit_code, outcome)
    document = ended.as_dict()
    assert (document["exit_code"], document["outcome"]) == (exit_code, outcome)


def test_sentences_name_failed_tasks_busy_accounts_and_logs() -> None:
    assert result("success", *LOADED).sentences() == []
    assert result("failed", *HELD, *BROKEN).sentences() == [
        "product_etl of account second failed in attempt 4.",
        "Account main was not loaded: another run is loading it.",
        "Airflow's log of the run: /logs/1.log",
    ]
    assert result("failed", *BROKEN, by_scheduler=True, log=None).sentences() == [
        "product_etl of account second failed in attempt 4. Its log: http://airflow/product_etl"
    ]
    assert result("failed", *BROKEN, log=None, problem="No warehouse.", **STOPPED).sentences() == [
        "The run was stopped (SIGTERM).",
        "No warehouse.",
    ]


def test_a_dry_runs_rows_are_the_return_values_of_its_tasks() -> None:
    numbers = {("main", "product_etl"): {"rows_read": 300, "rows_updated": 7, "visibility_counts": {"VISIBLE": 200}}}
    tasks = (task("announce", None, "skipped"), *BROKEN, *reversed(LOADED))

    rows = dry_run_rows("manual__1", tasks, numbers)

    assert [(row.account, row.component, row.status, row.rows_read) for row in rows] == [
        ("main", "product_etl", "success", 300),
        ("main", "inventory_etl", "success", None),
        ("second", "product_etl", "failed", None),
        ("second", "inventory_etl", "upstream_failed", None),
    ]
    assert (rows[0].rows_updated, rows[0].visibility_counts, rows[0].workflow_id) == (
        7,
        {"VISIBLE": 200},
        "manual__1/main",
    )
