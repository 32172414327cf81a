"""Records and staging of runs that were killed, with real loads, real kills and real retries."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from include.ozon.configuration import load_settings
from include.ozon.errors import OzonError
from include.ozon.maintenance import killed_runs, staging_leftovers
from include.ozon.maintenance.killed_runs import RunningWorkflow, close_killed_runs, longest_silence
from include.ozon.maintenance.staging_leftovers import drop_leftovers, longest_use
from include.ozon.maintenance.steps import Outcome
from include.ozon.pipeline.dead_workflows import close_dead_workflow
from include.ozon.warehouse.lock import account_lock, is_locked
from tests.conftest import StartSandbox
from tests.support.load_process import kill, loading, until
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.faults

LIST = "/v3/product/list"


@pytest.fixture
def pipeline(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    return Pipeline(start_sandbox({"main": 250, "second": 10}, rate_limit_per_second=100_000), warehouse_dsn)


def close(
    pipeline: Pipeline,
    after: timedelta = timedelta(),
    state: str | None = None,
    *,
    dry_run: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> Outcome:
    """Run maintenance ``after`` that time, with ``state`` as the state of every run in Airflow."""

    def closing(connection: Any, workflow: RunningWorkflow) -> str | None:
        meanwhile()
        return close_dead_workflow(
            connection, workflow.account, workflow.workflow_id, workflow.last_sign_at, closed_by="ozon_maintenance"
        )

    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        now = datetime.now(UTC) + after
        return close_killed_runs(connection, pipeline.settings, now, lambda _: state, closing, dry_run=dry_run)


def drop(pipeline: Pipeline, after: timedelta = timedelta(), *, dry_run: bool = False) -> Outcome:
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        return drop_leftovers(connection, pipeline.settings, datetime.now(UTC) + after, dry_run=dry_run)


LONG = timedelta(hours=3)
SHORT = timedelta(minutes=5)


def test_a_killed_run_is_closed_when_no_retry_can_come_any_more(pipeline: Pipeline) -> None:
    kill(pipeline)

    assert close(pipeline, SHORT).details == ["killed/main: may still be running, not closed"]
    assert close(pipeline, SHORT, "running").message == ""
    outcome = close(pipeline, LONG, "running")

    assert (outcome.message, outcome.details) == ("1 record closed", ["killed/main: closed as failed"])
    workflow, (attempt,) = pipeline.workflow("killed"), pipeline.attempts(dag_run_id="killed")
    assert {workflow["status"], workflow["component_statuses"]["product_etl"], attempt["status"]} == {"failed"}
    assert "ended without recording it" in workflow["error"]
    assert workflow["execution_details"]["closed_by"] == "ozon_maintenance"
    # It ended long ago, and must not count as a new failure.
    assert workflow["finished_at"] == attempt["started_at"]
    assert close(pipeline, LONG).details == []


@pytest.mark.parametrize(("state", "closed"), [("failed", 1), ("success", 1), ("running", 0), ("queued", 0), (None, 0)])
def test_a_killed_run_that_is_over_in_airflow_is_closed_soon(
    pipeline: Pipeline, state: str | None, closed: int
) -> None:
    kill(pipeline)

    assert close(pipeline, timedelta(seconds=1), state).message == ""
    assert close(pipeline, SHORT, state).message == ("1 record closed" if closed else "")


def test_a_workflow_that_waits_for_a_retry_is_alive(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error")
    with pytest.raises(OzonError):
        pipeline.products("retried")
    before = pipeline.everything()
    nearly = longest_silence(pipeline.settings) - timedelta(minutes=1)

    close(pipeline, nearly, "running")
    drop(pipeline, min(nearly, longest_use(pipeline.settings) - timedelta(minutes=1)))

    assert pipeline.everything() == before
    pipeline.sandbox.clear_faults()
    assert pipeline.load("retried") == "success"


def test_a_workflow_whose_account_is_locked_is_alive(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("latency", ms=10_000)
    with loading(pipeline, "product_etl", "working") as process:
        # It writes to staging a moment after its attempt is recorded.
        until(lambda: pipeline.rows("SELECT FROM ozon_staging.loads"), process)

        assert close(pipeline, LONG, "failed").details == ["working/main: may still be running, not closed"]
        assert drop(pipeline, LONG).details == ["product_etl of account main: the account is being loaded, not dropped"]
        assert pipeline.workflow("working")["status"] == "running"


@pytest.mark.long
def test_a_wrong_guess_does_no_harm(pipeline: Pipeline) -> None:
    """A retry that starts later than any setting allows."""
    kill(pipeline)
    close(pipeline, LONG)
    drop(pipeline, LONG)

    assert pipeline.load("killed") == "success"
    workflow = pipeline.workflow("killed")
    assert (workflow["status"], workflow["error"]) == ("success", None)


@pytest.mark.long
@pytest.mark.parametrize("dag_run_id", ["killed", "next"])
def test_a_component_that_begins_while_a_record_is_closed_waits_for_that(pipeline: Pipeline, dag_run_id: str) -> None:
    """It takes the lock first, and then the record: its own record is opened again, another stays closed."""
    kill(pipeline)
    pipeline.sandbox.fault("latency", ms=10_000, method=LIST)
    started: list[Any] = []

    def begin() -> None:
        process = started[0].__enter__()
        with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
            until(lambda: is_locked(connection, "main"), process)

    started.append(loading(pipeline, "product_etl", dag_run_id))
    try:
        close(pipeline, LONG, meanwhile=begin)
        give_up_at = time.monotonic() + 30
        while not pipeline.rows("SELECT FROM ozon.etl_component_executions WHERE status = 'running'"):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        workflow = pipeline.workflow(dag_run_id)
        assert (workflow["status"], workflow["finished_at"], workflow["error"]) == ("running", None, None)
        assert "closed_by" not in workflow["execution_details"]
        assert pipeline.workflow("killed")["status"] == ("running" if dag_run_id == "killed" else "failed")
    finally:
        started[0].__exit__(None, None, None)


@pytest.mark.long
def test_a_run_that_comes_back_before_its_record_is_taken_is_left_alone(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(pipeline)
    looks = iter(range(10))

    def comes_back(connection: Any, account: str) -> bool:
        if next(looks) == 1:
            pipeline.execute("UPDATE ozon.etl_component_executions SET started_at = now() + interval '1 second'")
        return is_locked(connection, account)

    monkeypatch.setattr(killed_runs, "is_locked", comes_back)

    assert close(pipeline, LONG).details == ["killed/main: runs again, not closed"]
    assert pipeline.workflow("killed")["status"] == "running"


@pytest.mark.long
def test_a_record_that_somebody_writes_is_not_waited_for(pipeline: Pipeline) -> None:
    kill(pipeline)
    with psycopg.connect(pipeline.dsn) as other:
        other.execute("SELECT FROM ozon.etl_workflow_executions FOR UPDATE")
        assert close(pipeline, LONG).details == ["killed/main: runs again, not closed"]


def test_staging_of_a_killed_run_is_dropped_when_it_is_too_old_to_resume(pipeline: Pipeline) -> None:
    kill(pipeline)
    tables = pipeline.staging_tables()
    use = longest_use(pipeline.settings)

    assert drop(pipeline, use - timedelta(minutes=1)).details == []
    assert pipeline.staging_tables() == tables
    outcome = drop(pipeline, use + timedelta(minutes=1))

    assert pipeline.staging_tables() == set()
    assert pipeline.value("SELECT count(*) FROM ozon_staging.loads") == 0
    assert outcome.bytes > 0
    assert outcome.message == f"{len(tables)} tables dropped"
    assert outcome.details[0].endswith("left by killed/main")


@pytest.mark.long
def test_tables_that_a_crash_of_postgresql_left_without_their_load_are_dropped(pipeline: Pipeline) -> None:
    kill(pipeline)
    pipeline.execute("TRUNCATE ozon_staging.loads")
    pipeline.execute("CREATE TABLE ozon_staging.x_product_inventory_stock (n int)")
    pipeline.execute("CREATE TABLE ozon_staging.somebodys_own (n int)")

    outcome = drop(pipeline)

    assert pipeline.staging_tables() == {"somebodys_own"}
    assert [line.partition(":")[0] for line in outcome.details] == [
        "product_etl of account main", "inventory_etl of account x_product"
    ]  # fmt: skip


@pytest.mark.long
def test_staging_that_a_new_run_has_taken_meanwhile_is_that_runs(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(pipeline)

    def begins_first(connection: Any, account: str) -> Any:
        pipeline.execute("UPDATE ozon_staging.loads SET started_at = now() + interval '3 hours'")
        return account_lock(connection, account)

    monkeypatch.setattr(staging_leftovers, "account_lock", begins_first)
    tables = pipeline.staging_tables()
    drop(pipeline, LONG)

    assert pipeline.staging_tables() == tables


def test_a_dry_run_reports_and_changes_nothing(pipeline: Pipeline) -> None:
    kill(pipeline)
    before = pipeline.everything()

    assert close(pipeline, LONG, dry_run=True).details == ["killed/main: would be closed"]
    assert "would be dropped, left by killed/main" in drop(pipeline, LONG, dry_run=True).details[0]
    assert pipeline.everything() == before


def test_production_waits_for_a_time_out_and_the_longest_retry() -> None:
    settings = load_settings(environment="production", environ={})
    assert longest_silence(settings) == timedelta(minutes=60 + 40 + 15)
    assert longest_use(settings) == timedelta(minutes=90 + 10 + 20 + 40)
