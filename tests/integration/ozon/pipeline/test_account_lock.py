"""One run at a time loads an account, however a run ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from include.ozon.errors import AlreadyRunningError, RetriableError, WarehouseUnavailableError
from include.ozon.warehouse.lock import account_lock, is_locked
from tests.support.agreement import assert_agreement
from tests.support.load_process import loading, until
from tests.support.pipeline import DATA_TABLES, Pipeline, changed

LIST = "/v3/product/list"


@contextmanager
def locked(pipeline: Pipeline, account: str) -> Iterator[None]:
    """Hold the account in another session, under the name that ``open_session`` would give it."""
    connect = psycopg.connect(pipeline.dsn, autocommit=True, application_name="product_etl other/main")
    with connect as connection, account_lock(connection, account):
        yield


def free(pipeline: Pipeline, account: str = "main") -> bool:
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        return not is_locked(connection, account)


def staged_pages(pipeline: Pipeline) -> int:
    if "main_product_checkpoint" not in pipeline.staging_tables():
        return 0
    return int(pipeline.value("SELECT coalesce(sum(pages), 0) FROM ozon_staging.main_product_checkpoint"))


def test_a_second_run_is_skipped_with_the_holder_and_its_start(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("latency", ms=10_000)
    with loading(pipeline, "product_etl", "first") as process:
        until(lambda: pipeline.attempts(dag_run_id="first"), process)
        (running,) = pipeline.attempts(dag_run_id="first")

        with pytest.raises(AlreadyRunningError) as refused:
            pipeline.products("second")

    sentence = str(refused.value)
    assert "workflow first/main" in sentence
    assert f"since {running['started_at']:%Y-%m-%d %H:%M:%S} UTC" in sentence
    (skipped,) = pipeline.attempts(dag_run_id="second")
    assert (skipped["status"], skipped["error"]) == ("skipped", sentence)
    assert pipeline.workflow("second")["component_statuses"]["product_etl"] == "skipped"


def test_a_session_that_has_no_record_is_named_too(pipeline: Pipeline) -> None:
    with locked(pipeline, "main"), pytest.raises(AlreadyRunningError, match="by product_etl other/main"):
        pipeline.products()


def test_another_account_is_not_blocked(pipeline: Pipeline) -> None:
    with locked(pipeline, "main"):
        assert pipeline.load("run", "second") == "success"


def test_after_a_load_the_account_is_free(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error")
    with pytest.raises(RetriableError):
        pipeline.products()
    assert free(pipeline)

    pipeline.sandbox.clear_faults()
    assert pipeline.load() == "success"
    assert free(pipeline)


def test_a_killed_attempt_is_resumed_by_its_runs_retry(pipeline: Pipeline) -> None:
    pipeline.products("dry", dry_run=True)
    needed = pipeline.requests()[LIST]
    pipeline.sandbox.fault("latency", ms=300)
    with loading(pipeline, "product_etl") as process:
        until(lambda: staged_pages(pipeline), process)
        process.kill()
        process.wait()
    pages = staged_pages(pipeline)
    pipeline.sandbox.clear_faults()
    pipeline.sandbox.reset_counters()

    pipeline.products()

    assert [row["status"] for row in pipeline.attempts()] == ["failed", "success"]
    assert pipeline.requests()[LIST] == needed - pages
    pipeline.inventory()
    assert_agreement(pipeline)


@pytest.mark.parametrize(
    "statement",
    [
        "LOCK TABLE ozon.products IN SHARE MODE",
        "LOCK TABLE ozon.products IN ACCESS EXCLUSIVE MODE",
        "SELECT FROM ozon.products FOR UPDATE",
    ],
)
def test_an_analyst_who_keeps_a_lock_fails_the_attempt_after_the_time_limit_and_is_named(
    pipeline: Pipeline, statement: str
) -> None:
    pipeline.load("before")
    pipeline.sandbox.tick()
    pipeline.settings = changed(pipeline.settings, "warehouse", lock_timeout_seconds=1)
    good = pipeline.versions(*DATA_TABLES)
    with (
        psycopg.connect(pipeline.dsn, application_name="psql of a reader") as reader,
        psycopg.connect(pipeline.dsn, application_name="psql of the analyst") as analyst,
    ):
        reader.execute("SELECT FROM ozon.product_names")
        analyst.execute(statement.encode())
        time.sleep(0.1)
        started_at = time.monotonic()

        with pytest.raises(WarehouseUnavailableError, match="lock_timeout_seconds") as blocked:
            pipeline.products("blocked")

        assert time.monotonic() - started_at < 10
        role = analyst.info.user
        assert f"by session {analyst.info.backend_pid} (role {role}, psql of the analyst)" in str(blocked.value)
        assert "psql of a reader" not in str(blocked.value)

    assert pipeline.versions(*DATA_TABLES) == good
    (record,) = pipeline.attempts(dag_run_id="blocked")
    assert (record["status"], record["error"]) == ("failed", str(blocked.value))
    assert pipeline.load("blocked") == "success"
    assert_agreement(pipeline)


def test_an_open_transaction_that_has_read_every_table_blocks_no_load(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.tick()
    pipeline.settings = changed(pipeline.settings, "warehouse", lock_timeout_seconds=1)
    count = b"SELECT count(*), sum(price), max(changed_at) FROM ozon.products"
    with psycopg.connect(pipeline.dsn) as analyst:
        analyst.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        seen = analyst.execute(count).fetchone()
        for table in DATA_TABLES:
            analyst.execute(f"SELECT count(*) FROM ozon.{table}".encode())

        assert pipeline.load("beside") == "success"

        assert analyst.execute(count).fetchone() == seen
        analyst.rollback()
        assert analyst.execute(count).fetchone() != seen
