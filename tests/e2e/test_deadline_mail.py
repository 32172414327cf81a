"""A missed deadline in a real Airflow, from the scheduler to the mail, and features that a deadline must not break."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from include.ozon_local.airflow import PROGRAM
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from include.ozon_local.mail import CONNECTION as MAIL_CONNECTION
from include.ozon_local.postgres import AIRFLOW_ROLE, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_local.processes import tied
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support import scratch
from tests.support.airflow_runs import Airflow, Row
from tests.support.airflow_stack import AirflowStack, until
from tests.support.mail import MailServer, part
from tests.support.packages import not_installed
from tests.support.records import record_attempt, record_workflow

pytestmark = pytest.mark.long

# Test DAGs with the product's names, because `run_deadline` needs those. `late` runs until it is released.
DAGS = """
import time
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.ozon.adapter.dags.deadlines import run_deadline, run_is_late
from include.ozon.configuration import load_settings

RELEASED = Path({released!r})


def late():
    while not RELEASED.exists():
        time.sleep(0.2)


def quick():
    pass


def failing():
    raise ValueError("on purpose")


def define(dag_id, work, deadline, schedule=None):
    @dag(dag_id, schedule=schedule, start_date=datetime(2020, 1, 1), catchup=False, deadline=deadline)
    def some_dag():
        @task
        def product_etl():
            work()

        product_etl()

    some_dag()


def ours(dag_id, **interval):
    return run_deadline(dag_id, load_settings(), timedelta(**interval))


airflows_own = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_LOGICAL_DATE, interval=timedelta(hours=1), callback=AsyncCallback(run_is_late)
)

define("ozon_etl", late, ours("ozon_etl", seconds={seconds}))
define("ozon_visibility_metrics", late, ours("ozon_visibility_metrics", seconds={seconds}))
define("ozon_health_check", quick, ours("ozon_health_check", minutes=5), schedule="@yearly")
define("ozon_maintenance", failing, ours("ozon_maintenance", minutes=5))
define("airflows_own", quick, airflows_own)
"""
# Enough for a busy scheduler to start a run; a later start counts as a missed schedule.
DEADLINE_SECONDS = 12
RUN_ID = "manual__2026-11-24T11:00:00+00:00"


@pytest.fixture(scope="module")
def dags_folder() -> Path:
    folder = scratch.new_folder("deadlines")
    (folder / "dags").mkdir()
    file = folder / "dags" / "deadlines.py"
    file.write_text(DAGS.format(released=str(folder / "released"), seconds=DEADLINE_SECONDS))
    return file.parent


@pytest.fixture(scope="module")
def warehouse_dsn(postgres: EmbeddedPostgres, warehouse_template: str) -> Iterator[str]:
    """A warehouse shared by the tests of this file."""
    name = "deadlines_warehouse"
    postgres.create_database(name, WAREHOUSE_ROLE, template=warehouse_template)
    yield postgres.dsn(name, WAREHOUSE_ROLE)
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def airflow(
    postgres: EmbeddedPostgres, metadata_template: str, warehouse_dsn: str, dags_folder: Path, mail: MailServer
) -> Iterator[AirflowStack]:
    """All components of Airflow with the DAGs above."""
    name = "deadlines_metadata"
    postgres.create_database(name, AIRFLOW_ROLE, template=metadata_template)
    variables = {
        "OZON_ENV": "testing",
        WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn),
        MAIL_CONNECTION: mail.connection,
    }
    with AirflowStack(dags_folder.parent, postgres.dsn(name, AIRFLOW_ROLE), variables) as stack:
        until(lambda: stack.call("GET", "/api/v2/dags")["total_entries"] == DAGS.count("\ndefine("), "DAGs are parsed")
        yield stack
    postgres.drop_database(name)


def runs_of(airflow: AirflowStack, dag_id: str) -> list[Row]:
    """Return a DAG's runs with their deadlines and the callbacks' results."""
    return Airflow(airflow.environment).rows(
        "SELECT r.run_id, r.run_type, r.state AS run_state, r.run_after, d.deadline_time, d.missed, "
        "c.state, c.output FROM dag_run r LEFT JOIN deadline d ON d.dagrun_id = r.id "
        f"LEFT JOIN callback c ON c.id = d.callback_id WHERE r.dag_id = '{dag_id}' ORDER BY r.id"
    )


def ended(airflow: AirflowStack, dag_id: str, run_id: str) -> Row:
    """Wait until a run has ended, and return it."""

    def look() -> Row | None:
        (run,) = (run for run in runs_of(airflow, dag_id) if run["run_id"] == run_id)
        return run if run["run_state"] in {"success", "failed"} else None

    return until(look, f"{run_id} of {dag_id} ended") or {}


def called_back(airflow: AirflowStack, dag_id: str, run_type: str = "manual") -> Row:
    """Wait for the callback of the DAG's missed deadline, and return the run."""

    def look() -> Row | None:
        runs = [run for run in runs_of(airflow, dag_id) if run["run_type"] == run_type and run["deadline_time"]]
        return runs[0] if runs and runs[0]["state"] in {"success", "failed"} else None

    return until(look, f"the triggerer ran the callback of the {run_type} run of {dag_id}") or {}


def trigger(airflow: AirflowStack, dag_id: str, **fields: object) -> None:
    airflow.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", logical_date=None, **fields)


def test_a_missed_deadline_is_one_mail_and_one_alert_and_other_runs_are_not_notified(
    airflow: AirflowStack, warehouse_dsn: str, mail: MailServer, dags_folder: Path
) -> None:
    record_workflow(warehouse_dsn, RUN_ID)
    record_attempt(warehouse_dsn, RUN_ID)
    # The health check's task stores them in this Airflow Variable.
    paused = json.dumps(["ozon_visibility_metrics"])
    airflow.call("POST", "/api/v2/variables", key="ozon_paused_dags", value=paused)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    last_year = f"{hour_ago.year - 1}-01-01T00:00:00Z"

    trigger(airflow, "ozon_etl", dag_run_id=RUN_ID, conf={"accounts": ["main"]})
    trigger(airflow, "ozon_visibility_metrics")
    trigger(airflow, "ozon_health_check", dag_run_id="in_time")
    in_time = ended(airflow, "ozon_health_check", "in_time")
    trigger(airflow, "ozon_health_check", dag_run_id="started_late", run_after=hour_ago.isoformat())
    backfill = {"dag_id": "ozon_health_check", "from_date": last_year, "to_date": last_year}
    airflow.call("POST", "/api/v2/backfills", **backfill)

    assert (in_time["run_state"], in_time["deadline_time"]) == ("success", None), "Airflow deletes the deadline"
    late = called_back(airflow, "ozon_etl")
    assert late["output"].startswith(f"Run {RUN_ID} of ozon_etl has missed its deadline. Sent opened ")
    assert late["deadline_time"] == late["run_after"] + timedelta(seconds=DEADLINE_SECONDS)
    assert "the DAG is paused" in called_back(airflow, "ozon_visibility_metrics")["output"]
    assert "missed schedule" in called_back(airflow, "ozon_health_check")["output"]
    assert "belongs to a backfill" in called_back(airflow, "ozon_health_check", "backfill")["output"]

    (dags_folder.parent / "released").touch()
    (message,) = mail.messages
    for kind in ("plain", "html"):
        body = part(message, kind)
        assert f"{airflow.url}/dags/ozon_etl/runs/{RUN_ID}" in body
        assert "ozon_etl has missed its deadline: it is still running" in body
        assert "Account main: product_etl is running since" in body
        assert "Tasks that have not ended: product_etl (" in body
    with psycopg.connect(warehouse_dsn, row_factory=dict_row) as connection:
        (alert,) = connection.execute("SELECT * FROM ozon.alerts").fetchall()
        (sent,) = connection.execute("SELECT * FROM ozon.notifications").fetchall()
    assert (alert["rule"], alert["account"], alert["subject"]) == ("run_deadline", "main", "ozon_etl")
    assert (sent["level"], sent["kind"], sent["attempts"], sent["error"]) == ("critical", "opened", 1, None)


def test_a_failed_run_can_be_cleared(airflow: AirflowStack) -> None:
    """Airflow's own reference on ``queued_at`` would answer HTTP 500."""
    run_id = "to_be_cleared"
    trigger(airflow, "ozon_maintenance", dag_run_id=run_id)
    before = ended(airflow, "ozon_maintenance", run_id)

    airflow.call("POST", f"/api/v2/dags/ozon_maintenance/dagRuns/{run_id}/clear", dry_run=False)
    again = ended(airflow, "ozon_maintenance", run_id)
    tasks = {"dag_run_id": run_id, "only_failed": True, "dry_run": False}
    airflow.call("POST", "/api/v2/dags/ozon_maintenance/clearTaskInstances", **tasks)

    assert (before["run_state"], again["run_state"]) == ("failed", "failed")
    assert again["deadline_time"] == before["deadline_time"]


def test_airflow_dags_test_exits_with_the_status_of_the_run(
    make_airflow_environment: MakeEnvironment,
    start_sandbox: StartSandbox,
    warehouse_dsn: str,
    dags_folder: Path,
    tmp_path: Path,
) -> None:
    sandbox = start_sandbox()

    def start(dag_id: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            tied([str(PROGRAM), "dags", "test", dag_id]),
            env={
                **make_airflow_environment(warehouse_dsn, sandbox),
                "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
                **variables,
            },
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    successful, failed, without_shim = (
        start("ozon_health_check"),
        start("ozon_maintenance"),
        start("airflows_own", AIRFLOW__CORE__PLUGINS_FOLDER=str(tmp_path), **not_installed(tmp_path)),
    )

    outputs = [run.communicate(timeout=240)[0] for run in (successful, failed, without_shim)]
    assert successful.returncode == 0, outputs[0]
    assert failed.returncode == 1, outputs[1]
    assert "DagRun failed" in outputs[1]
    assert without_shim.returncode == 1, (
        "Airflow no longer needs the shim for `airflow dags test` (apache/airflow issue 73428): delete "
        "include/ozon/adapter/dags/dags_test_shim.py, its unit test, its call in include/ozon/adapter/plugins.py, and "
        "this assertion"
    )
    assert "in get_by_id" in outputs[2], outputs[2]
