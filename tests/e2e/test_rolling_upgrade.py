"""An upgrade from the last version with an older schema while a run is in between, as docs/deploy.md describes it."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from include.ozon.warehouse import schema
from include.ozon_local.home import ROOT
from include.ozon_sandbox.process import SandboxProcess
from tests.e2e.conftest import ACCOUNTS, MakeStack
from tests.support import process, scratch
from tests.support.agreement import assert_agreement
from tests.support.airflow_stack import AirflowStack, until
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

DETAILS = "/v3/product/info/list"
SLOW_MS = 3_500
PROCESSES = ("api-server", "scheduler", "dag-processor")


@pytest.fixture(scope="module")
def last_version() -> Path:
    """The project as it was before its newest migration."""
    versions = str((schema.MIGRATIONS / "versions").relative_to(ROOT))
    newest = git("log", "--diff-filter=A", "--format=%H", "-1", "--", versions).decode().strip()
    if git("rev-list", "--count", newest).strip() == b"1":
        pytest.skip("the Git history of this clone does not reach back to an older schema")
    folder = scratch.new_folder("last-version")
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{newest}^"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def warehouse_dsn(empty_database_dsn: str) -> str:
    return empty_database_dsn


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def variables_of(version: Path) -> dict[str, str]:
    """Return the variables of an installation as a folder on PYTHONPATH."""
    return {
        "PYTHONPATH": str(version),
        "AIRFLOW__CORE__DAGS_FOLDER": str(version / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(version / "plugins"),
        # Small batches, one after the other: with SLOW_MS each, `main` loads for 70 seconds and `second` for 28.
        "OZON__API__PAGE_SIZE": "100",
        "OZON__API__DETAILS_BATCH_SIZE": "15",
        # A task that could not report its end is found by its missing heartbeat, if this scheduler has adopted it: at
        # its start, or, when the ended scheduler still seemed alive, at a check. Both are five minutes by default.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    }


def upgrade(stack: AirflowStack, version: Path) -> None:
    env = {**os.environ, **stack.environment, **variables_of(version)}
    done = process.run(process.OZON, "db", "upgrade", env=env, cwd=version)
    assert done.returncode == 0, done.stderr


def loads(warehouse: Pipeline, run_id: str, component: str) -> dict[str, list[str]]:
    """Return the statuses of each account's attempts, the first one first."""
    rows = warehouse.rows(
        "SELECT account, array_agg(status ORDER BY attempt) AS statuses FROM ozon.etl_component_executions "
        f"WHERE workflow_id LIKE '{run_id}/%' AND component = '{component}' GROUP BY account"
    )
    return {row["account"]: row["statuses"] for row in rows}


def both(status: str) -> dict[str, list[str]]:
    return {account: [status] for account in ACCOUNTS}


def failed_tasks(airflow: AirflowStack, run_id: str) -> set[tuple[str, str]]:
    """Return the failed tasks of a run, each with its account."""
    tasks = airflow.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{run_id}/taskInstances")["task_instances"]
    return {(task["task_id"], ACCOUNTS[task["map_index"]]) for task in tasks if task["state"] == "failed"}


def logs_of(airflow: AirflowStack, run_id: str, task_id: str) -> str:
    folder = Path(airflow.environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"])
    return "".join(
        file.read_text() for file in folder.glob(f"dag_id=ozon_etl/run_id={run_id}/task_id={task_id}/**/*.log")
    )


def test_a_run_between_two_versions_ends_under_the_new_one(
    last_version: Path, make_stack: MakeStack, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    old = make_stack(*PROCESSES, folder=last_version, **variables_of(last_version))
    new = make_stack(*PROCESSES, **variables_of(ROOT))
    upgrade(old, last_version)

    with old as airflow:
        airflow.await_dags("ozon_etl")
        assert airflow.finished_run("ozon_etl", "before")["state"] == "success"
        sandbox.tick()
        # `main` still loads when Airflow is restarted; `second` goes on with the old version after the migration.
        sandbox.fault("latency", method=DETAILS, ms=SLOW_MS)
        airflow.trigger("ozon_etl", "between")
        airflow.trigger("ozon_etl", "waiting")
        until(lambda: loads(warehouse, "between", "product_etl") == both("running"), "both load")

        upgrade(new, ROOT)

        until(
            lambda: failed_tasks(airflow, "between") == {("inventory_etl", "second")}, "a task of the old version fails"
        )
        assert loads(warehouse, "between", "product_etl") == {"main": ["running"], "second": ["success"]}
        assert loads(warehouse, "between", "inventory_etl") == {}
        assert "a newer version has migrated it" in logs_of(airflow, "between", "inventory_etl")
    sandbox.clear_faults()

    with new as airflow:
        assert airflow.ended("ozon_etl", "between", 240)["state"] == "failed"
        assert airflow.ended("ozon_etl", "waiting", 240)["state"] == "success"
        assert failed_tasks(airflow, "between") == {("inventory_etl", "second")}
    retried = loads(warehouse, "between", "product_etl")
    # The record of a process that had no time to write it is closed by the next attempt.
    assert retried.pop("main") in (["failed", "success"], ["cancelled", "success"])
    assert retried == {"second": ["success"]}
    assert loads(warehouse, "between", "inventory_etl") == {"main": ["success"]}
    for component in ("product_etl", "inventory_etl"):
        assert loads(warehouse, "waiting", component) == both("success")
    for account in ACCOUNTS:
        assert_agreement(warehouse, account)
