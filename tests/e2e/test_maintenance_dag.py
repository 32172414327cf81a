"""``ozon_maintenance`` by the real ``airflow dags test``: every step runs, and a failed step fails the run."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from include.ozon.maintenance.steps import STEPS
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support.airflow_runs import Airflow
from tests.support.records import record_attempt, record_workflow

pytestmark = pytest.mark.long


def old_log(home: Path) -> Path:
    file = home / "logs" / "dag_id=ozon_etl" / "run_id=a" / "attempt=1.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 5000)
    os.utime(file, (0, 0))
    return file


def states(airflow: Airflow) -> dict[str, str]:
    return {name: state.split()[0] for name, state in airflow.states().items()}


def status_of_the_killed(dsn: str) -> str:
    with psycopg.connect(dsn) as connection:
        (status,) = connection.execute("SELECT status FROM ozon.etl_workflow_executions").fetchone() or ("",)
    return str(status)


def test_steps_run_and_a_failed_step_fails_the_run(
    warehouse_dsn: str,
    start_sandbox: StartSandbox,
    make_airflow_environment: MakeEnvironment,
) -> None:
    environment = make_airflow_environment(warehouse_dsn, start_sandbox({"main": 1}))
    airflow = Airflow(environment)
    log = old_log(airflow.home)
    # A killed run: its record is open, and Airflow has no DAG run for it.
    two_days_ago = datetime.now(UTC) - timedelta(days=2)
    record_workflow(warehouse_dsn, "killed", started_at=two_days_ago)
    record_attempt(warehouse_dsn, "killed", started_at=two_days_ago)

    shown = airflow.run("ozon_maintenance", dry_run=True)

    # The step reports is skipped: no report was ever saved.
    expected = {**dict.fromkeys([*STEPS, "sum_up", "verdict"], "success"), "reports": "skipped"}
    assert states(airflow) == expected, shown.output
    assert shown.exit_code == 0
    assert log.exists()
    assert status_of_the_killed(warehouse_dsn) == "running"
    assert "logs would free 1 file (8.0 kB), in" in shown.output
    assert "reports was skipped: Folder " in shown.output

    # The step reports fails: its folder is an unreachable bucket.
    done = Airflow({**environment, "OZON__REPORTS__FOLDER": "nowhere://bucket/reports"}).run("ozon_maintenance")

    assert states(airflow) == {
        **dict.fromkeys(STEPS, "success"), "reports": "failed", "sum_up": "success", "verdict": "failed"
    }, done.output  # fmt: skip
    assert done.exit_code == 1
    assert not log.exists()
    assert status_of_the_killed(warehouse_dsn) == "failed"
    assert "logs freed 1 file (8.0 kB), in" in done.output
    assert re.search(r"killed_runs freed nothing, in [\d.]+ s; 1 record closed", done.output)
    assert "maintenance freed 1 file" in done.output
    assert "These steps of maintenance failed: reports." in done.output
