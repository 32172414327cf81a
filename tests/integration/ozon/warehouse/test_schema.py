"""The warehouse's migrations, forward and back, and a load's errors with another schema."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import ConfigurationError, SchemaError, WarehouseUnavailableError
from include.ozon.monitoring.alerts.store import recent_incidents
from include.ozon.warehouse import schema

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


# Data that later migrations have to change, and data that they have to keep.
_ROWS_OF_0005 = """
INSERT INTO ozon.products (
    account, product_id, offer_id, name, price, currency_code, visibility, ozon_status, status_name, hidden_reasons,
    is_archived, has_price, has_stock, first_seen_at, changed_at, visibility_changed_at, workflow_id
) VALUES (
    'main', 1, 'кружка', 'Кружка', 12.5, 'RUB', 'VISIBLE', 'price_sent', 'Продается', '{}',
    false, true, true, '2026-01-01', '2026-01-01', '2026-01-01', '1/main'
);
INSERT INTO ozon.etl_workflow_executions (
    workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at, product_etl_status,
    inventory_etl_status
) VALUES
    ('1/main', 'main', '1', 'manual', 'testing', 'success', '2026-01-01', '2026-01-02', 'success', 'success'),
    ('2/main', 'main', '2', 'manual', 'testing', 'failed', '2026-01-02', '2026-01-03', 'failed', NULL),
    ('3/main', 'main', '3', 'manual', 'testing', 'running', '2026-01-03', NULL, NULL, NULL);
INSERT INTO ozon.etl_component_executions (workflow_id, component, attempt, account, status, started_at)
VALUES ('1/main', 'inventory_etl', 1, 'main', 'success', '2026-01-01');
INSERT INTO ozon.health_checks (measured_at, component, "check", account, status, value, message, duration_seconds)
VALUES
    ('2026-01-01', 'data', 'products_age_hours', 'main', 'ok', 1, 'Fresh.', 0.1),
    ('2026-01-01', 'deadlines', 'product_etl_minutes', 'main', 'unknown', NULL, 'Not recorded yet.', 0.1),
    ('2026-01-01', 'machine', 'log_files', NULL, 'ok', 1, 'Could not be measured: only words here.', 0.1),
    ('2026-01-01', 'runs', 'duration_ratio', 'main', 'unknown', NULL, 'Could not be measured: no such table.', 0.1);
INSERT INTO ozon.alerts (alert_id, rule, account, level, opened_at, last_seen_at, acknowledged_at, message) VALUES
    ('a1', 'inventory_age_hours', 'main', 'warning', '2026-01-01', '2026-01-01', '2026-01-02', 'Old.'),
    ('a2', 'disk_used_pct', NULL, 'critical', '2026-01-01', '2026-01-01', NULL, 'Full.');
"""


class Database:
    def __init__(self, dsn: str) -> None:
        self.connect = partial(psycopg.connect, dsn)

    def execute(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement.encode())

    def rows(self) -> dict[str, list[Any]]:
        """Return the rows of every table of the schema ozon, except Alembic's."""
        with self.connect() as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> "
                "'alembic_version' AND relnamespace = 'ozon'::regnamespace ORDER BY 1"
            ).fetchall()
            query = "SELECT to_jsonb(t) FROM ozon.{} t ORDER BY to_jsonb(t)::text"
            return {
                table: connection.execute(sql.SQL(query).format(sql.Identifier(table))).fetchall()
                for (table,) in tables
            }

    def column(self, expression: LiteralString, table: str) -> list[Any]:
        """Return the values of a column or an expression, in the order of the table's key."""
        with self.connect() as connection:
            query = sql.SQL("SELECT {} FROM ozon.{} t ORDER BY t").format(sql.SQL(expression), sql.Identifier(table))
            return [value for (value,) in connection.execute(query)]

    def describe(self) -> set[tuple[Any, ...]]:
        """Return every column, constraint and index of the schemas ozon and ozon_staging."""
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


def test_a_warehouse_keeps_its_data_forward_and_back(database: Database) -> None:
    schema.upgrade(database.connect, "0005")
    database.execute(_ROWS_OF_0005)
    before, described = database.rows(), database.describe()

    schema.upgrade(database.connect)

    statuses = database.column("component_statuses", "etl_workflow_executions")
    assert statuses == [
        {"product_etl": "success", "inventory_etl": "success"}, {"product_etl": "failed"}, {},
    ]  # fmt: skip
    assert database.column("rule", "alerts") == ["inventory_etl_age_hours", "disk_used_pct"]
    found = zip(
        *(database.column(name, "health_checks") for name in ("area", '"check"', "status", "message")), strict=True
    )
    assert sorted(found) == [
        ("data", "product_etl_age_hours", "ok", "Fresh."),
        ("deadlines", "product_etl_minutes", "unknown", "Not recorded yet."),
        ("machine", "log_files", "ok", "Could not be measured: only words here."),
        ("runs", "duration_ratio", "error", "no such table."),
    ]
    database.execute(
        "INSERT INTO ozon.etl_component_executions (workflow_id, component, attempt, account, status, started_at) "
        "VALUES ('1/main', 'third_etl', 1, 'main', 'success', now())"
    )

    schema.downgrade(database.connect, "0005")

    assert database.rows() == before
    assert database.describe() == described


def test_firing_alerts_and_their_acknowledgements_become_incidents(database: Database) -> None:
    schema.upgrade(database.connect, "0007")
    database.execute(
        """
        INSERT INTO ozon.alerts (
            alert_id, rule, account, subject, level, opened_at, last_seen_at, last_sent_at, sent_level,
            acknowledged_at, recovered_at, suppressed_by, pending_channels, message
        ) VALUES
            ('a1', 'failures_in_a_row', 'main', '', 'warning', '2026-01-01', '2026-01-03', '2026-01-02', 'warning',
             '2026-01-03', NULL, NULL, '{}', 'Failing.'),
            ('a2', 'task_failed', 'main', 'ozon_etl.product_etl', 'critical', '2026-01-02', '2026-01-02', '2026-01-02',
             'warning', '2026-01-03', NULL, NULL, '{duty}', 'Failed.'),
            ('a3', 'disk_used_pct', NULL, '', 'critical', '2026-01-01', '2026-01-01', NULL, NULL,
             NULL, NULL, 'warehouse_reachable', '{}', 'Full.'),
            ('a4', 'failures_in_a_row', 'main', '', 'warning', '2025-01-01', '2025-01-01', '2025-01-01', 'warning',
             NULL, '2025-01-02', NULL, '{duty}', 'Failed once.'),
            ('a5', 'task_failed', 'main', 'ozon_etl.product_etl', 'critical', '2025-01-01', '2025-01-01', '2025-01-01',
             'critical', NULL, '2025-01-02', NULL, '{duty}', 'Failed once.'),
            ('a6', 'product_etl_age_hours', 'main', '', 'warning', '2025-01-01', '2025-01-01', '2025-01-01', 'warning',
             NULL, '2025-01-02', 'warehouse_reachable', '{duty}', 'Old once.');
        """
    )

    schema.upgrade(database.connect)

    with database.connect() as connection:
        found = {
            incident.incident_id: incident
            for incident in recent_incidents(connection, datetime(2025, 1, 1, tzinfo=UTC))
        }
    loads, disk, past = found["a1"], found["a3"], found["a4"]
    assert (loads.group, loads.account, loads.level, loads.notified_level) == ("loads", "main", "critical", "warning")
    assert [alert.alert_id for alert in loads.alerts] == ["a1", "a2"]
    assert loads.acknowledged_at is not None
    assert [(each.channel, each.kind, each.delivered_at) for each in loads.notifications] == [("duty", "opened", None)]
    assert (disk.group, disk.notified_at, disk.alerts[0].muted_by) == ("disk_used_pct", None, "warehouse_reachable")
    assert (past.resolved_at is not None, [each.kind for each in past.notifications]) == (True, ["resolved"])
    assert found["a5"].notifications == ()
    assert found["a6"].notifications == ()

    schema.downgrade(database.connect, "0007")

    assert database.column("acknowledged_at IS NOT NULL", "alerts") == [True, True, False, False, False, False]
    assert database.column("pending_channels", "alerts") == [["duty"], ["duty"], [], ["duty"], [], []]


def test_an_upgrade_waits_for_a_running_one(database: Database) -> None:
    with database.connect() as under_way, ThreadPoolExecutor(1) as thread:
        under_way.execute("SELECT pg_advisory_xact_lock(hashtextextended('ozon_etl/migrations', 0))")
        second = thread.submit(schema.upgrade, database.connect)
        while not under_way.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            assert not second.done()
        assert database.tables() == set()
        under_way.commit()

        second.result()

    assert database.status().is_at_head


@pytest.mark.long
@pytest.mark.faults
def test_a_migration_behind_a_reader_blocks_nobody_and_names_him(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_SECONDS_BETWEEN_ATTEMPTS", 0.5)
    monkeypatch.setattr(schema, "_ATTEMPTS", 2)
    schema.upgrade(database.connect)
    with database.connect() as analyst, database.connect() as reader:
        analyst.execute("SET application_name = 'psql of the analyst'; SELECT FROM ozon.products")
        reader.execute("SET statement_timeout = '3s'")
        reader.commit()
        with ThreadPoolExecutor(1) as executor:
            migration = executor.submit(schema.downgrade, database.connect, "base")
            while not migration.done():
                reader.execute("SELECT FROM ozon.products")
                reader.rollback()
        with pytest.raises(
            WarehouseUnavailableError, match=rf"session {analyst.info.backend_pid} \(role \w+, psql of the"
        ):
            migration.result()
        assert database.status().is_at_head

        monkeypatch.setattr(schema, "_ATTEMPTS", 15)
        with ThreadPoolExecutor(1) as executor:
            migration = executor.submit(schema.downgrade, database.connect, "base")
            time.sleep(schema.LOCK_SECONDS + 0.2)
            analyst.rollback()
            migration.result()
    assert database.status().revision is None


def test_an_empty_database_is_reported_with_the_command(database: Database) -> None:
    with pytest.raises(SchemaError, match=r"at revision none.*Run `ozon db upgrade`"):
        database.require_head()


def test_an_older_schema_is_reported_with_the_command(database: Database) -> None:
    schema.upgrade(database.connect)
    schema.downgrade(database.connect, "-1")

    with pytest.raises(SchemaError, match="Run `ozon db upgrade`"):
        database.require_head()


def test_a_newer_schema_is_reported_with_what_to_install(database: Database) -> None:
    schema.upgrade(database.connect)
    database.execute("UPDATE ozon.alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaError, match=r"9999.*newer.*ozon db downgrade"):
        database.require_head()
    assert not database.status().is_known


def test_an_unknown_revision_is_a_sentence(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"Unknown migration.*ozon db status"):
        schema.upgrade(database.connect, "9999")
