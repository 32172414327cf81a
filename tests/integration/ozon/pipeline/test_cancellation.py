"""A cancelled run keeps the last good state and records its cancellation."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from include.ozon.errors import CancelledError
from include.ozon.warehouse.lock import is_locked
from tests.support.agreement import assert_agreement
from tests.support.load_process import cancel, loading, until
from tests.support.pipeline import DATA_TABLES, Pipeline

pytestmark = pytest.mark.faults

_SLOW_MERGE = """
CREATE FUNCTION ozon.be_slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE TRIGGER be_slow AFTER INSERT OR UPDATE ON ozon.{table} FOR EACH STATEMENT EXECUTE FUNCTION ozon.be_slow();
"""


def sessions(pipeline: Pipeline) -> int:
    """Return the other connections to this warehouse."""
    return int(
        pipeline.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


def assert_cancelled(pipeline: Pipeline, component: str, dag_run_id: str) -> None:
    (record,) = pipeline.attempts(component, dag_run_id)
    assert record["status"] == "cancelled"
    assert "cancelled (SIGTERM)" in record["error"]
    assert record["finished_at"] is not None
    assert (record["rows_inserted"], record["rows_updated"], record["rows_removed"]) == (0, 0, 0)
    # A server process notices only after a moment that its client is gone.
    give_up_at = time.monotonic() + 10
    while sessions(pipeline):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        assert not is_locked(connection, "main")
    assert pipeline.end(dag_run_id) == "cancelled"
    assert pipeline.workflow(dag_run_id)["error"].startswith(f"{component}: The run was cancelled")
    assert pipeline.staging_tables() == set()


def cancelled(
    pipeline: Pipeline, component: str, is_there: Callable[[], object], dag_run_id: str = "cancelled"
) -> None:
    """Load until ``is_there``, then cancel."""
    with loading(pipeline, component, dag_run_id) as process:
        until(is_there, process)
        cancel(process)
        assert process.returncode != -9, "the load had to be killed"


def test_a_load_that_waits_for_the_api_ends_at_once(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.tick()
    good = pipeline.versions(*DATA_TABLES)
    pipeline.sandbox.reset_counters()
    pipeline.sandbox.fault("latency", ms=10_000)

    cancelled(pipeline, "product_etl", pipeline.requests)

    pipeline.sandbox.clear_faults()
    assert pipeline.versions(*DATA_TABLES) == good
    assert_cancelled(pipeline, "product_etl", "cancelled")


@pytest.mark.parametrize(("component", "table"), [("product_etl", "products"), ("inventory_etl", "inventory")])
def test_a_running_merge_is_rolled_back(pipeline: Pipeline, component: str, table: str) -> None:
    pipeline.load("before")
    pipeline.sandbox.tick()
    if component == "inventory_etl":
        pipeline.products("cancelled")
    good = pipeline.versions(*DATA_TABLES)
    pipeline.execute(_SLOW_MERGE.format(table=table))

    cancelled(pipeline, component, pipeline.is_sleeping)

    assert pipeline.versions(*DATA_TABLES) == good
    assert_cancelled(pipeline, component, "cancelled")
    pipeline.execute(f"DROP TRIGGER be_slow ON ozon.{table}")
    assert pipeline.load("next") == "success"
    assert_agreement(pipeline)


def test_a_merge_that_waits_for_another_lock_ends_at_once(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.tick()
    with psycopg.connect(pipeline.dsn) as somebody:
        somebody.execute("LOCK TABLE ozon.products IN SHARE MODE")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ozon.products'::regclass"
        cancelled(pipeline, "product_etl", lambda: pipeline.value(waiting))

    assert_cancelled(pipeline, "product_etl", "cancelled")


def test_a_time_out_is_a_failed_attempt_and_names_its_setting(pipeline: Pipeline) -> None:
    class TimeoutOfAirflow(BaseException):
        """A stand-in for Airflow's own, which is a BaseException too."""

    class Bomb(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise TimeoutOfAirflow("after 60 minutes")

    with _handler("ozon.product_etl", Bomb()), pytest.raises(TimeoutOfAirflow):
        pipeline.products()

    (record,) = pipeline.attempts()
    assert record["status"] == "failed"
    assert "after 60 minutes" in record["error"]
    assert "[components]" in record["error"]


def test_a_signal_after_the_merge_does_not_change_its_record(pipeline: Pipeline) -> None:
    class Signal(logging.Handler):
        """A signal with the first log line after the merge."""

        def emit(self, record: logging.LogRecord) -> None:
            if "product_etl of account main ends" in record.getMessage():
                raise CancelledError("The run was cancelled (SIGTERM); nothing of it was loaded.")

    with _handler("ozon.component", Signal()), pytest.raises(CancelledError):
        pipeline.products()

    (record,) = pipeline.attempts()
    assert pipeline.value("SELECT count(*) FROM ozon.products") == len(pipeline.truth())
    assert (record["status"], record["rows_inserted"]) == ("success", len(pipeline.truth()))
    assert pipeline.workflow()["component_statuses"]["product_etl"] == "success"


@contextmanager
def _handler(name: str, handler: logging.Handler) -> Iterator[None]:
    """Add ``handler`` to a logger temporarily."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
