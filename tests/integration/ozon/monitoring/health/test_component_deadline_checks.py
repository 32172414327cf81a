"""The duration of a component: while it runs, while it waits for a retry, and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from include.ozon.errors import OzonError
from include.ozon.monitoring.health import deadlines
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse.lock import account_lock
from include.ozon_local.postgres import EmbeddedPostgres
from tests.conftest import StartSandbox
from tests.support.health import health_context, measured, run_all
from tests.support.load_process import loading, until
from tests.support.pipeline import Pipeline, changed

NAMES = ["product_etl_minutes", "inventory_etl_minutes"]


@pytest.fixture
def pipeline(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    """Settings with the retries of production: waits of 70 minutes in total, at most 40 for one retry."""
    pipeline = Pipeline(start_sandbox({"main": 20, "second": 10}, rate_limit_per_second=100_000), warehouse_dsn)
    pipeline.settings = changed(pipeline.settings, "retry", first_delay_seconds=300, max_delay_seconds=3600)
    return pipeline


def check(
    pipeline: Pipeline,
    name: str = "product_etl_minutes",
    *,
    minutes: float = 0,
    settings: Settings | None = None,
) -> CheckResult:
    """Return the moment that is that many minutes from now."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    return measured(deadlines.AREA, health_context(pipeline, now=now, settings=settings), name, "main")


def fail(pipeline: Pipeline, dag_run_id: str = "run") -> None:
    pipeline.sandbox.fault("server_error")
    with pytest.raises(OzonError):
        pipeline.products(dag_run_id)
    pipeline.sandbox.clear_faults()


def move_back(pipeline: Pipeline, minutes: float) -> None:
    """Move all records into the past."""
    for table in ("etl_component_executions", "etl_workflow_executions"):
        ago = f"interval '{minutes} minutes'"
        pipeline.execute(f"UPDATE ozon.{table} SET started_at = started_at - {ago}, finished_at = finished_at - {ago}")


def test_each_account_has_a_check_for_each_component(pipeline: Pipeline) -> None:
    pipeline.load("run", "second")
    context = health_context(pipeline)

    results = run_all(deadlines.checks(context), context)

    assert {(result.check, result.account): str(result.status) for result in results} == {
        ("product_etl_minutes", "main"): "unknown",
        ("inventory_etl_minutes", "main"): "unknown",
        ("product_etl_minutes", "second"): "ok",
        ("inventory_etl_minutes", "second"): "ok",
    }
    assert not any(result.status == "error" for result in results)
    assert {result.message for result in results if result.account == "main"} == {
        "Account main has no record of product_etl yet.",
        "Account main has no record of inventory_etl yet.",
    }


@pytest.mark.parametrize("component", ["product_etl", "inventory_etl"])
def test_a_component_that_hangs_is_noticed_while_it_runs(pipeline: Pipeline, component: str) -> None:
    name = f"{component}_minutes"
    if component == "inventory_etl":
        pipeline.products()
    pipeline.sandbox.fault("latency", ms=10_000)
    with loading(pipeline, component) as process:
        until(lambda: pipeline.attempts(component), process)

        assert check(pipeline, name, minutes=59).status == "ok"
        late = check(pipeline, name, minutes=61)
        assert late.status == "warning"
        assert late.value == pytest.approx(61, abs=1)
        assert f"Account main: {component} of workflow run/main has been running for " in late.message
        assert " MSK (attempt 1) (warning above 60, " in late.message
        assert f"components.{component}.time_limit_minutes.warning" in late.message
        assert check(pipeline, name, minutes=121).status == "critical"


@pytest.mark.parametrize("name", NAMES)
def test_afterwards_the_value_is_the_duration(pipeline: Pipeline, name: str) -> None:
    pipeline.load()

    result = check(pipeline, name, minutes=600)

    assert result.status == "ok"
    assert result.value is not None
    assert result.value < 1
    assert " minutes (attempt 1: success)" in result.message


@pytest.mark.parametrize(("limit", "status"), [("warning", "warning"), ("critical", "critical")])
def test_one_that_took_too_long_fires_until_the_next_one(pipeline: Pipeline, limit: str, status: str) -> None:
    pipeline.load("slow")
    minutes = 130 if limit == "critical" else 70
    pipeline.execute(f"UPDATE ozon.etl_component_executions SET started_at = started_at - interval '{minutes} minutes'")
    assert check(pipeline).status == status

    pipeline.load("quick")
    assert check(pipeline).status == "ok"


def test_the_wait_for_a_retry_counts(pipeline: Pipeline) -> None:
    fail(pipeline)

    waiting = check(pipeline, minutes=30)
    assert waiting.value == pytest.approx(30, abs=1)
    assert "attempt 1 failed, a retry follows" in waiting.message

    move_back(pipeline, 30)
    fail(pipeline)
    move_back(pipeline, 20)
    pipeline.products()
    retried = check(pipeline, minutes=600)
    assert retried.value == pytest.approx(50, abs=1)
    assert "took 50" in retried.message
    assert "(attempt 3: success)" in retried.message


def test_a_workflow_that_was_closed_waits_for_no_retry(pipeline: Pipeline) -> None:
    fail(pipeline)
    assert pipeline.end() == "failed"

    result = check(pipeline, minutes=30)

    assert result.value is not None
    assert result.value < 1
    assert " minutes (attempt 1: failed)" in result.message


def test_a_workflow_whose_end_was_lost_waits_no_longer_than_a_retry_can_take(pipeline: Pipeline) -> None:
    fail(pipeline)

    assert check(pipeline, minutes=54).value == pytest.approx(54, abs=1)
    assert check(pipeline, minutes=60).value == pytest.approx(0, abs=1)


@pytest.mark.parametrize(("first_end", "hours"), [("success", 0.5), ("success", 24), ("failed", 24)])
def test_a_run_that_somebody_tries_again_later_begins_anew(pipeline: Pipeline, first_end: str, hours: float) -> None:
    if first_end == "failed":
        fail(pipeline)
        pipeline.end()
    else:
        pipeline.load()
    move_back(pipeline, hours * 60)
    pipeline.products()

    result = check(pipeline)

    assert result.status == "ok"
    assert result.value == pytest.approx(0, abs=1)
    assert "attempt 2: success" in result.message


def test_a_run_that_steps_aside_does_not_hide_the_one_that_hangs(pipeline: Pipeline) -> None:
    fail(pipeline, "hangs")
    pipeline.execute("UPDATE ozon.etl_component_executions SET status = 'running', finished_at = NULL")
    move_back(pipeline, 90)
    with psycopg.connect(pipeline.dsn, autocommit=True) as other, account_lock(other, "main"), pytest.raises(OzonError):
        pipeline.products("aside")

    result = check(pipeline)

    assert result.status == "warning"
    assert "of workflow hangs/main" in result.message


@pytest.mark.parametrize("name", NAMES)
def test_a_warehouse_that_broke_leaves_it_unmeasured(pipeline: Pipeline, postgres: EmbeddedPostgres, name: str) -> None:
    pipeline.load()
    postgres.drop_database(urlsplit(pipeline.dsn).path[1:])

    result = check(pipeline, name)

    assert result.status == "error"


def test_a_missing_table_is_reported_with_the_command(pipeline: Pipeline) -> None:
    pipeline.execute("DROP TABLE ozon.etl_component_executions CASCADE")

    result = check(pipeline)

    assert result.status == "error"
    assert "Run `ozon db upgrade`" in result.message
