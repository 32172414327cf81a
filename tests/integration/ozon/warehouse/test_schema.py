"""The warehouse's migrations, forward and back, and what a load says to a schema that is not its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

from include.ozon.errors import ConfigurationError, SchemaError
from include.ozon.warehouse import schema

pytestmark = pytest.mark.integration

CONTRACT = {
    "products",
    "product_visibility_history",
    "product_price_history",
    "inventory",
    "inventory_by_warehouse",
    "inventory_history",
    "etl_workflow_executions",
    "etl_component_executions",
    "rejected_items",
}


class Database:
    def __init__(self, dsn: str) -> None:
        self.connect = partial(psycopg.connect, dsn)

    def execute(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement.encode())

    def describe(self) -> set[tuple[Any, ...]]:
        """Every column, constraint and index of the schemas ozon and ozon_staging."""
        with self.connect() as connection:
            return {
                *connection.execute(
                    "SELECT table_schema, table_name, column_name, data_type, is_nullable, generation_expression "
                    "FROM information_schema.columns WHERE table_schema IN ('ozon', 'ozon_staging')"
                ),
                *connection.execute(
                    "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
                    "WHERE connamespace::regnamespace::text IN ('ozon', 'ozon_staging')"
                ),
                *connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname IN ('ozon', 'ozon_staging')"),
            }

    def tables(self) -> set[str]:
        with self.connect() as connection:
            rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ozon'")
            return {name for (name,) in rows}

    def status(self) -> schema.SchemaStatus:
        with self.connect() as connection:
            connection.autocommit = True
            return schema.status(connection)

    def require_head(self) -> None:
        with self.connect() as connection:
            connection.autocommit = True
            schema.require_head(connection)


@pytest.fixture
def database(empty_database_dsn: str) -> Database:
    return Database(empty_database_dsn)


def test_upgrading_makes_the_tables_of_the_contract(database: Database) -> None:
    schema.upgrade(database.connect)

    assert database.tables() >= CONTRACT
    assert database.status().is_at_head
    database.require_head()


def test_upgrading_again_changes_nothing(database: Database) -> None:
    schema.upgrade(database.connect)
    before = database.describe()
    database.execute("INSERT INTO ozon.fbo_stock_requests VALUES ('main', 1, now())")

    schema.upgrade(database.connect)

    assert database.describe() == before
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM ozon.fbo_stock_requests").fetchone() == (1,)


def test_downgrading_leaves_nothing_and_upgrading_makes_the_same_again(database: Database) -> None:
    schema.upgrade(database.connect)
    before = database.describe()

    schema.downgrade(database.connect, "base")
    assert database.tables() == {"alembic_version"}
    assert database.status().revision is None

    schema.upgrade(database.connect)
    assert database.describe() == before


def test_an_upgrade_waits_for_one_that_is_under_way(database: Database) -> None:
    with database.connect() as under_way, ThreadPoolExecutor(1) as thread:
        under_way.execute("SELECT pg_advisory_xact_lock(hashtextextended('ozon_etl/migrations', 0))")
        second = thread.submit(schema.upgrade, database.connect)
        while not under_way.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            assert not second.done()
        assert database.tables() == set()
        under_way.commit()

        second.result()

    assert database.status().is_at_head


def test_an_empty_database_is_told_the_command(database: Database) -> None:
    with pytest.raises(SchemaError, match=r"at revision none.*Run `ozon db upgrade`"):
        database.require_head()


def test_a_schema_that_is_behind_is_told_the_command(database: Database) -> None:
    schema.upgrade(database.connect)
    schema.downgrade(database.connect, "-1")

    with pytest.raises(SchemaError, match="Run `ozon db upgrade`"):
        database.require_head()


def test_a_schema_that_is_ahead_is_told_what_to_install(database: Database) -> None:
    schema.upgrade(database.connect)
    database.execute("UPDATE ozon.alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaError, match=r"9999.*newer.*ozon db downgrade"):
        database.require_head()
    assert not database.status().is_known


def test_a_revision_that_is_none_is_a_sentence(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"No such migration.*ozon db status"):
        schema.upgrade(database.connect, "9999")
