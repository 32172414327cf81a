"""VACUUM and ANALYZE of tables that need it by PostgreSQL's own counts."""

from __future__ import annotations

import psycopg
import pytest

from include.ozon.maintenance.vacuum import vacuum_where_needed
from include.ozon_local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from tests.integration.ozon.maintenance.conftest import Warehouse

ROWS = """
INSERT INTO ozon.fbo_stock_requests SELECT 'main', n, now() FROM generate_series(1, 5000) n
"""
USAGE = """
SELECT n_dead_tup, vacuum_count, analyze_count FROM pg_stat_user_tables WHERE relname = 'fbo_stock_requests'
"""


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """A table of 5000 rows, half of them dead, without autovacuum, which could be faster than the test."""
    warehouse.execute("ALTER TABLE ozon.fbo_stock_requests SET (autovacuum_enabled = false)")
    warehouse.execute(ROWS)
    warehouse.execute("DELETE FROM ozon.fbo_stock_requests WHERE sku > 2500")
    warehouse.execute("SELECT pg_stat_force_next_flush()")
    return warehouse


def test_dead_rows_are_taken_up_and_statistics_made(filled: Warehouse) -> None:
    assert filled.rows(USAGE) == [{"n_dead_tup": 2500, "vacuum_count": 0, "analyze_count": 0}]

    outcome = vacuum_where_needed(filled.connection, dry_run=False)

    assert filled.rows(USAGE) == [{"n_dead_tup": 0, "vacuum_count": 1, "analyze_count": 1}]
    assert (outcome.status, outcome.rows) == ("done", 2500)
    assert outcome.bytes > 0
    (line,) = outcome.details
    assert line.startswith("ozon.fbo_stock_requests: VACUUM (ANALYZE, SKIP_LOCKED), 2500 dead rows of 5000, ")
    assert vacuum_where_needed(filled.connection, dry_run=False).details == []


def test_a_table_that_was_never_analyzed_is(filled: Warehouse) -> None:
    filled.execute("VACUUM ozon.fbo_stock_requests")

    outcome = vacuum_where_needed(filled.connection, dry_run=False)

    assert outcome.details == ["ozon.fbo_stock_requests: ANALYZE (SKIP_LOCKED), it was never analyzed"]
    assert filled.rows(USAGE)[0]["analyze_count"] == 1


def test_a_dry_run_lists_the_due_commands(filled: Warehouse) -> None:
    outcome = vacuum_where_needed(filled.connection, dry_run=True)

    assert (outcome.rows, outcome.dry_run) == (2500, True)
    assert outcome.details[0].startswith(
        "ozon.fbo_stock_requests: VACUUM (ANALYZE, SKIP_LOCKED) is due, 2500 dead rows"
    )
    assert filled.rows(USAGE)[0]["vacuum_count"] == 0


def test_a_table_that_is_locked_is_neither_waited_for_nor_a_failure(filled: Warehouse) -> None:
    with psycopg.connect(filled.dsn) as other:
        other.execute("LOCK TABLE ozon.fbo_stock_requests IN SHARE UPDATE EXCLUSIVE MODE")
        outcome = vacuum_where_needed(filled.connection, dry_run=False)

    assert (outcome.status, outcome.rows) == ("done", 0)
    assert "skipped by PostgreSQL:" in outcome.details[0]


def test_readers_and_writers_go_on_while_it_works(filled: Warehouse) -> None:
    with psycopg.connect(filled.dsn) as load:
        load.execute("UPDATE ozon.fbo_stock_requests SET asked_at = now() WHERE sku < 10")
        assert vacuum_where_needed(filled.connection, dry_run=False).status == "done"
        load.execute("UPDATE ozon.fbo_stock_requests SET asked_at = now() WHERE sku < 20")


def test_a_role_without_permission_fails_with_the_reason(filled: Warehouse, postgres: EmbeddedPostgres) -> None:
    filled.execute(f"GRANT USAGE ON SCHEMA ozon TO {AIRFLOW_ROLE}")
    filled.execute(f"GRANT CONNECT ON DATABASE {filled.connection.info.dbname} TO {AIRFLOW_ROLE}")
    dsn = postgres.dsn(filled.connection.info.dbname, AIRFLOW_ROLE)
    with psycopg.connect(dsn, autocommit=True) as stranger:
        outcome = vacuum_where_needed(stranger, dry_run=False)

    assert outcome.status == "failed"
    assert "PostgreSQL refuses to vacuum" in outcome.message
