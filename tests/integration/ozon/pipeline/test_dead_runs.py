"""Runs whose process was killed or lost PostgreSQL: the account's next run closes their records."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from include.ozon.pipeline import records
from include.ozon.pipeline.dead_workflows import close_dead_workflow
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.reports.runs import last_workflows
from include.ozon_local.postgres import EmbeddedPostgres
from tests.support.agreement import assert_agreement
from tests.support.load_process import kill, loading, until
from tests.support.pipeline import Pipeline, changed
from tests.support.servers import postmaster

pytestmark = pytest.mark.faults

LIST = "/v3/product/list"


def statuses(pipeline: Pipeline) -> dict[str, str]:
    with pipeline.connect() as connection:
        return {row.dag_run_id: row.workflow_status for row in last_workflows(connection, 10)}


def test_an_attempt_that_ends_late_and_the_run_that_takes_it_for_dead_never_wait_for_each_other(
    pipeline: Pipeline,
) -> None:
    run = pipeline.run("late")
    with pipeline.connect() as late, pipeline.connect() as next_run, ThreadPoolExecutor() as pool:
        attempt = records.open_component(late, run, "product_etl")
        late.commit()
        next_run.execute(
            "SELECT FROM ozon.etl_workflow_executions WHERE workflow_id = %s FOR UPDATE", (run.workflow_id,)
        )
        numbers = ComponentNumbers()
        ended = pool.submit(
            records.close_component, late, run, "product_etl", attempt, status="failed", numbers=numbers, error="lost"
        )
        waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not next_run.execute(waiting).rowcount:
            assert not ended.done()
        close_dead_workflow(next_run, "main", run.workflow_id, datetime.now(UTC), closed_by="next/main")
        next_run.commit()
        ended.result()
    assert pipeline.workflow("late")["status"] == "failed"


def test_the_next_run_closes_the_records_of_a_killed_one(pipeline: Pipeline) -> None:
    kill(pipeline, "killed")
    assert statuses(pipeline) == {"killed": "running"}

    pipeline.load("next")

    assert_agreement(pipeline)
    assert statuses(pipeline) == {"killed": "failed", "next": "success"}
    dead, (attempt,) = pipeline.workflow("killed"), pipeline.attempts(dag_run_id="killed")
    assert (dead["component_statuses"]["product_etl"], attempt["status"]) == ("failed", "failed")
    assert "ended without recording it" in dead["error"]
    # It ended at its last sign of life, not now.
    assert dead["finished_at"] == attempt["started_at"]
    assert dead["execution_details"]["closed_by"] == "next/main"


def test_a_killed_run_that_continues_is_recorded_with_its_real_end(pipeline: Pipeline) -> None:
    kill(pipeline, "killed")
    pipeline.load("next")

    assert pipeline.load("killed") == "success"

    assert statuses(pipeline) == {"killed": "success", "next": "success"}
    again = pipeline.workflow("killed")
    assert (again["error"], "closed_by" in again["execution_details"]) == (None, False)
    assert [row["status"] for row in pipeline.attempts(dag_run_id="killed")] == ["failed", "success"]


def test_a_run_between_tasks_or_before_a_retry_is_not_closed(
    pipeline: Pipeline,
) -> None:
    pipeline.settings = changed(pipeline.settings, "retry", first_delay_seconds=300, max_delay_seconds=3600)
    pipeline.products("between")
    pipeline.sandbox.fault("server_error", times=1)
    with pytest.raises(Exception, match="HTTP 500"):
        pipeline.products("waiting")
    assert pipeline.load("next") == "success"
    assert statuses(pipeline) == {"between": "running", "waiting": "running", "next": "success"}

    longest = timedelta(seconds=max(pipeline.settings.retry.longest_waits_seconds()) + 16 * 60)
    for table in ("etl_workflow_executions", "etl_component_executions"):
        pipeline.execute(
            f"UPDATE ozon.{table} SET started_at = started_at - %s, finished_at = finished_at - %s "
            "WHERE workflow_id <> 'next/main'",
            longest,
            longest,
        )
    pipeline.products("later")

    assert statuses(pipeline) == {"between": "failed", "waiting": "failed", "next": "success", "later": "running"}
    assert "ended without recording it" in pipeline.workflow("between")["error"]
    assert "HTTP 500" in pipeline.workflow("waiting")["error"]


def test_another_accounts_runs_are_not_closed(pipeline: Pipeline) -> None:
    kill(pipeline, "killed")

    pipeline.load("next", "second")

    assert pipeline.workflow("killed")["status"] == "running"


@pytest.mark.long
def test_the_next_run_closes_the_records_after_a_crash_of_postgresql(
    own_server: EmbeddedPostgres, on_own_server: Pipeline
) -> None:
    pipeline = on_own_server
    pipeline.sandbox.fault("latency", ms=10_000, method=LIST, after=1)
    with loading(pipeline, "product_etl", "crashed") as process:
        until(lambda: "main_product_checkpoint" in pipeline.staging_tables(), process)
        postmaster(pipeline.dsn).send_signal(signal.SIGQUIT)
        process.wait(30)
    pipeline.sandbox.clear_faults()
    own_server.stop()
    own_server.start()
    assert statuses(pipeline) == {"crashed": "running"}

    assert pipeline.load("next") == "success"

    assert statuses(pipeline) == {"crashed": "failed", "next": "success"}
