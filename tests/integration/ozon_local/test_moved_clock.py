"""The moved clock: sessions of this process see it, nothing else does, and nothing of it is left."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from types import FrameType

import psycopg
import pytest

from include.ozon.warehouse import session
from include.ozon.warehouse.session import Connect, Connection, open_connection
from include.ozon_local.moved_clock import SCHEMA, moved_clock
from include.ozon_local.processes import Interrupted
from include.ozon_sandbox.process import SandboxProcess
from tests.support.pipeline import Pipeline

NEW_YEAR = datetime(2025, 12, 31, 23, 59, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connect(empty_database_dsn: str) -> Connect:
    return partial(psycopg.connect, empty_database_dsn)


def moments(connection: Connection) -> tuple[datetime, datetime]:
    row = connection.execute("SELECT now(), clock_timestamp()").fetchone()
    assert row
    return row[0], row[1]


def test_sql_and_python_agree_and_the_clock_runs(connect: Connect) -> None:
    with moved_clock(connect) as clock:
        clock.set(NEW_YEAR)
        with open_connection(connect, "a load") as connection:
            first = moments(connection)
            time.sleep(0.2)
            second = moments(connection)
        assert abs(clock.now() - second[1]) < timedelta(seconds=5)
    for before, after in zip(first, second, strict=True):
        assert NEW_YEAR <= before < NEW_YEAR + MINUTE
        assert after - before >= timedelta(seconds=0.2)


def test_now_stands_still_in_a_transaction(connect: Connect) -> None:
    with moved_clock(connect) as clock, open_connection(connect, "a load") as connection, connection.transaction():
        clock.set(NEW_YEAR)
        first, _ = moments(connection)
        time.sleep(0.05)
        assert moments(connection)[0] == first


def test_an_open_session_sees_each_move(connect: Connect) -> None:
    with moved_clock(connect) as clock, open_connection(connect, "a load") as connection:
        for moment in (NEW_YEAR, NEW_YEAR + timedelta(days=400), NEW_YEAR - timedelta(days=400)):
            clock.set(moment)
            assert moment <= moments(connection)[0] < moment + MINUTE


def test_other_sessions_and_later_ones_have_the_real_clock(connect: Connect) -> None:
    with moved_clock(connect) as clock:
        clock.set(NEW_YEAR)
        with connect() as plain:
            assert abs(moments(plain)[0] - datetime.now(UTC)) < MINUTE
    with open_connection(connect, "a load") as connection:
        assert abs(moments(connection)[0] - datetime.now(UTC)) < MINUTE
        assert connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone() == (None,)
    assert session.SESSION_SETTINGS["search_path"] == "pg_catalog, pg_temp"


def test_a_block_after_a_killed_one_begins_anew(connect: Connect) -> None:
    with connect() as left_over:
        left_over.execute(f"CREATE SCHEMA {SCHEMA}")
    with moved_clock(connect) as clock, open_connection(connect, "a load") as connection:
        clock.set(NEW_YEAR)
        assert moments(connection)[0] < NEW_YEAR + MINUTE


@pytest.fixture
def alarm_interrupts() -> Iterator[None]:
    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        raise Interrupted(signal_number)

    previous = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.usefixtures("alarm_interrupts")
def test_an_interruption_in_the_middle_of_a_statement_leaves_nothing(connect: Connect) -> None:
    def interrupted() -> None:
        with connect() as connection, moved_clock(lambda: connection):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            connection.execute("SELECT pg_sleep(60)")

    with pytest.raises(Interrupted):
        interrupted()

    with connect() as later:
        assert later.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone() == (None,)


def test_a_whole_load_is_recorded_at_the_moved_moment(sandbox: SandboxProcess, warehouse_dsn: str) -> None:
    pipeline = Pipeline(sandbox, warehouse_dsn)
    with moved_clock(pipeline.connect) as clock:
        for run in range(2):
            clock.set(NEW_YEAR + timedelta(hours=6 * run))
            pipeline.load(f"run{run}")
            sandbox.tick()

    moved = pipeline.rows(
        """SELECT min(moment), max(moment) FROM (
            SELECT unnest(ARRAY[first_seen_at, changed_at, visibility_changed_at, removed_at]) FROM ozon.products
            UNION ALL SELECT unnest(ARRAY[valid_from, valid_to]) FROM ozon.product_visibility_history
            UNION ALL SELECT unnest(ARRAY[valid_from, valid_to]) FROM ozon.product_price_history
            UNION ALL SELECT changed_at FROM ozon.inventory UNION ALL SELECT changed_at FROM ozon.inventory_history
            UNION ALL SELECT fetched_at FROM ozon.inventory_by_warehouse
            UNION ALL SELECT unnest(ARRAY[started_at, finished_at]) FROM ozon.etl_workflow_executions
            UNION ALL SELECT unnest(ARRAY[started_at, finished_at]) FROM ozon.etl_component_executions
        ) AS moments (moment)"""
    )
    assert NEW_YEAR <= moved[0]["min"] < moved[0]["max"] < NEW_YEAR + timedelta(hours=6) + MINUTE
