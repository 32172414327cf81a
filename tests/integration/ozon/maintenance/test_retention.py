"""Retention with a real database: deleted and kept rows, and no blocked sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from include.ozon.maintenance import retention
from include.ozon.maintenance.retention import RetentionStep, delete_expired
from include.ozon.maintenance.steps import Outcome
from include.ozon.settings.maintenance import MaintenanceSettings
from tests.integration.ozon.maintenance.conftest import NOW, Warehouse
from tests.support.records import record_attempt, record_workflow

# Each day a product is hidden for a day: 3000 closed rows for each of two accounts, and the current ones.
VISIBILITY = """
INSERT INTO ozon.product_visibility_history
SELECT account, product_id, from_at, 'HIDDEN', 'VISIBLE', ARRAY[]::text[], from_at + interval '1 day', 'old'
FROM unnest(ARRAY['main', 'second']) account, generate_series(1, 3) product_id,
     LATERAL generate_series(%(now)s - interval '1000 days', %(now)s - interval '1 day', '1 day') from_at
UNION ALL
SELECT account, product_id, %(now)s - interval '3000 days', 'VISIBLE', NULL, ARRAY[]::text[], NULL, 'old'
FROM unnest(ARRAY['main', 'second']) account, generate_series(11, 13) product_id
"""

STOCK = """
INSERT INTO ozon.inventory_history (
    account, product_id, stock_type, sku, changed_at, present, reserved, previous_present, previous_reserved,
    workflow_id
)
SELECT 'main', product_id, 'fbs', product_id, changed_at, 1, 0, NULL::bigint, NULL::bigint, 'old'
FROM generate_series(1, 3) product_id,
     LATERAL generate_series(%(now)s - interval '1000 days', %(now)s - interval '10 days', '10 days') changed_at
UNION ALL
SELECT 'main', 11, 'fbs', 11, %(now)s - interval '3000 days', 5, 0, NULL, NULL, 'old'
"""

WORKFLOWS = """
WITH days AS (
    SELECT day, %(now)s - make_interval(days => day) AS at,
           CASE WHEN day < 400 THEN 'failed' ELSE 'success' END AS status
    FROM generate_series(0, 600, 2) day
), workflows AS (
    INSERT INTO ozon.etl_workflow_executions
        (workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at)
    SELECT day || '/' || account, account, day::text, 'scheduled', 'testing', status, at, at + interval '1 minute'
    FROM days, unnest(ARRAY['main', 'second']) account
), attempts AS (
    INSERT INTO ozon.etl_component_executions
        (workflow_id, component, attempt, account, status, started_at, finished_at)
    SELECT day || '/' || account, component, 1, account, status, at, at + interval '1 minute'
    FROM days, unnest(ARRAY['main', 'second']) account, unnest(ARRAY['product_etl', 'inventory_etl']) component
)
INSERT INTO ozon.rejected_items
SELECT day || '/' || account, 'product_etl', 1, n, account, 'no price', '{}'
FROM days, unnest(ARRAY['main', 'second']) account, generate_series(1, 10) n
"""

MONITORING = """
WITH metrics AS (
    INSERT INTO ozon.visibility_metrics
        (account, measured_at, products, visible, hidden, moderation, declined, archived, unknown, turned_visible,
         turned_invisible, visible_without_stock, hidden_with_stock, quality_parts, impact)
    SELECT account, at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '{}'
    FROM (
        SELECT 'main' AS account, generate_series(%(now)s - interval '1000 days', %(now)s, '1 day') AS at
        UNION ALL SELECT 'gone', %(now)s - interval '1000 days' - n * interval '1 day' FROM generate_series(1, 5) n
    ) measured
), checks AS (
    INSERT INTO ozon.health_checks (measured_at, area, "check", status, message, duration_seconds)
    SELECT at, 'runs', 'killed_attempt', 'ok', '', 0
    FROM generate_series(%(now)s - interval '100 days', %(now)s - interval '95 days', '15 minutes') at
)
INSERT INTO ozon.incidents (incident_id, "group", level, opened_at, resolved_at)
VALUES ('old', 'a', 'warning', %(now)s - interval '500 days', %(now)s - interval '400 days'),
       ('new', 'b', 'warning', %(now)s - interval '500 days', %(now)s - interval '300 days'),
       ('unresolved', 'c', 'warning', %(now)s - interval '500 days', NULL)
"""


def clean(warehouse: Warehouse, step: RetentionStep, *, dry_run: bool = False, **settings: Any) -> Outcome:
    return delete_expired(warehouse.connection, step, MaintenanceSettings(**settings), NOW, dry_run=dry_run)


@pytest.fixture
def statements(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the rows that each statement of the step deleted; ranges have few pages, so that there are several."""
    monkeypatch.setattr(retention, "_PAGES_PER_STATEMENT", 7)
    counts: list[int] = []
    real = retention._delete_range

    def counting(connection: Any, *arguments: Any) -> int:
        class Counting:
            def execute(self, *parameters: Any) -> Any:
                cursor = connection.execute(*parameters)
                counts.append(cursor.rowcount)
                return cursor

        return real(Counting(), *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "_delete_range", counting)
    return counts


def test_closed_visibility_goes_past_its_days_and_the_current_never(warehouse: Warehouse) -> None:
    warehouse.execute(VISIBILITY)

    outcome = clean(warehouse, "history", history_days=730)

    kept = warehouse.rows("SELECT * FROM ozon.product_visibility_history")
    assert {row["product_id"] for row in kept if row["valid_to"] is None} == {11, 12, 13}
    assert min((NOW - row["valid_to"]).days for row in kept if row["valid_to"]) == 0
    assert max((NOW - row["valid_to"]).days for row in kept if row["valid_to"]) == 730
    # The row that ends 730 days ago is still valid at that moment.
    assert outcome.rows == 6 * (1000 - 731)
    assert outcome.details[0] == "ozon.product_visibility_history: 1 614 rows"


def test_a_price_that_ended_goes_past_its_days_and_the_current_never(warehouse: Warehouse) -> None:
    warehouse.execute("""
        INSERT INTO ozon.product_price_history
        SELECT 'main', product_id, %(now)s - (days + 1) * interval '1 day', 5, NULL, 'RUB',
               CASE WHEN days > 0 THEN %(now)s - days * interval '1 day' END, 'w/main'
        FROM generate_series(1, 3) product_id, generate_series(0, 1000) days
    """)

    outcome = clean(warehouse, "history", history_days=730)

    kept = warehouse.rows("SELECT * FROM ozon.product_price_history")
    assert {row["product_id"] for row in kept if row["valid_to"] is None} == {1, 2, 3}
    assert max((NOW - row["valid_to"]).days for row in kept if row["valid_to"]) == 730
    assert outcome.rows == 3 * (1000 - 730)


def test_the_stock_at_any_kept_moment_is_still_known(warehouse: Warehouse) -> None:
    warehouse.execute(STOCK)
    at_the_cut = """
    SELECT DISTINCT ON (product_id) product_id, changed_at, present FROM ozon.inventory_history
    WHERE changed_at <= %(now)s - interval '735 days' ORDER BY product_id, changed_at DESC
    """
    before = warehouse.rows(at_the_cut)

    outcome = clean(warehouse, "history", history_days=735)

    assert len(before) == 4
    assert warehouse.rows(at_the_cut) == before
    # Changes of 1000 to 750 days ago, except the last one; the product that changed once stays.
    assert outcome.rows == 3 * 26
    assert clean(warehouse, "history", history_days=735).rows == 0


def test_records_take_their_attempts_and_rejected_items_along(warehouse: Warehouse) -> None:
    warehouse.execute(WORKFLOWS)

    clean(warehouse, "records", records_days=365, rejected_items_days=90)

    ages = "SELECT DISTINCT (%(now)s::date - started_at::date) AS days FROM ozon.{} ORDER BY days"
    # The last success of each account is 400 days old, and shows that the account was loaded.
    for table in ("etl_workflow_executions", "etl_component_executions"):
        assert warehouse.values(ages.format(table)) == [*range(0, 366, 2), 400]
    kept = "SELECT DISTINCT split_part(workflow_id, '/', 1)::int AS days FROM ozon.rejected_items ORDER BY days"
    assert warehouse.values(kept) == list(range(0, 91, 2))


def test_rejected_items_never_outlive_their_record(warehouse: Warehouse) -> None:
    warehouse.execute(WORKFLOWS)

    clean(warehouse, "records", records_days=100, rejected_items_days=3000)

    assert max(warehouse.values("SELECT split_part(workflow_id, '/', 1)::int FROM ozon.rejected_items")) == 100


def test_a_running_workflow_keeps_its_record_and_rejected_items(warehouse: Warehouse) -> None:
    warehouse.execute(WORKFLOWS)
    warehouse.execute(
        "UPDATE ozon.etl_workflow_executions SET status = 'running', finished_at = NULL WHERE dag_run_id = '600'"
    )
    warehouse.execute(
        "UPDATE ozon.etl_component_executions SET status = 'running', finished_at = NULL "
        "WHERE workflow_id LIKE '600/%%'"
    )

    clean(warehouse, "records")

    assert len(warehouse.values("SELECT 1 FROM ozon.etl_workflow_executions WHERE dag_run_id = '600'")) == 2
    assert len(warehouse.values("SELECT 1 FROM ozon.rejected_items WHERE workflow_id LIKE '600/%%'")) == 20


def test_measurements_go_but_an_accounts_last_one_and_the_last_check_and_unresolved_incidents(
    warehouse: Warehouse,
) -> None:
    warehouse.execute(MONITORING)

    outcome = clean(warehouse, "monitoring", metrics_days=730, health_checks_days=90, alerts_days=365)

    assert len(warehouse.values("SELECT 1 FROM ozon.visibility_metrics WHERE account = 'main'")) == 731
    assert len(warehouse.values("SELECT 1 FROM ozon.visibility_metrics WHERE account = 'gone'")) == 1
    assert len(warehouse.values("SELECT 1 FROM ozon.health_checks")) == 1
    assert warehouse.values("SELECT incident_id FROM ozon.incidents ORDER BY 1") == ["new", "unresolved"]
    assert outcome.rows == 270 + 4 + 480 + 1


def test_a_statement_deletes_no_more_than_a_batch(warehouse: Warehouse, statements: list[int]) -> None:
    warehouse.execute(VISIBILITY)
    warehouse.execute(WORKFLOWS)

    rows = clean(warehouse, "history", batch_rows=100).rows
    history = list(statements)
    statements.clear()
    clean(warehouse, "records", batch_rows=100)

    assert (max(history), sum(history)) == (100, rows)
    assert len(history) > 16
    # A tenth, because of their attempts; the workflows' statements are the last ones.
    assert max(statements) == 100
    assert max(statements[-10:]) <= 10


@pytest.mark.parametrize("step", ["history", "monitoring", "records"])
def test_a_dry_run_counts_the_same_and_changes_nothing(
    warehouse: Warehouse, step: RetentionStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_PAGES_PER_STATEMENT", 7)
    for query in (VISIBILITY, STOCK, WORKFLOWS, MONITORING):
        warehouse.execute(query)
    before = warehouse.everything()

    shown = clean(warehouse, step, dry_run=True)
    assert warehouse.everything() == before
    done = clean(warehouse, step)

    assert shown.rows == done.rows > 0
    assert shown.details == done.details
    assert clean(warehouse, step).rows == 0


def test_a_row_that_somebody_has_locked_is_left_for_the_next_time(warehouse: Warehouse) -> None:
    warehouse.execute(MONITORING)
    with psycopg.connect(warehouse.dsn) as other:
        other.execute("SELECT FROM ozon.incidents WHERE incident_id = 'old' FOR UPDATE")
        clean(warehouse, "monitoring")
        assert "old" in warehouse.values("SELECT incident_id FROM ozon.incidents")

    clean(warehouse, "monitoring")
    assert "old" not in warehouse.values("SELECT incident_id FROM ozon.incidents")


def test_readers_and_loads_go_on_meanwhile(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock is kept between batches, locked rows are skipped, and a reader sees one state."""
    warehouse.execute(VISIBILITY)
    held: list[list[Any]] = []
    real = retention._delete_range

    def looking(*arguments: Any) -> int:
        deleted = real(*arguments)
        held.append(
            warehouse.values(
                "SELECT mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = %(pid)s "
                "AND c.relname = 'product_visibility_history'",
                pid=warehouse.connection.info.backend_pid,
            )
        )
        return deleted

    monkeypatch.setattr(retention, "_delete_range", looking)
    monkeypatch.setattr(retention, "_PAGES_PER_STATEMENT", 7)
    with psycopg.connect(warehouse.dsn) as reader, psycopg.connect(warehouse.dsn) as load:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        count = "SELECT count(*) FROM ozon.product_visibility_history"
        before = reader.execute(count).fetchone()
        load.execute("UPDATE ozon.product_visibility_history SET valid_to = now() WHERE valid_to IS NULL")
        load.execute(
            "INSERT INTO ozon.product_visibility_history VALUES ('main', 99, now(), 'VISIBLE', NULL, '{}', NULL, 'new')"
        )

        assert clean(warehouse, "history").rows == 6 * 269

        assert reader.execute(count).fetchone() == before
    assert len(held) > 5
    assert held == [[]] * len(held)


def test_ended_in_the_middle_it_goes_on_from_there(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse.execute(VISIBILITY)
    monkeypatch.setattr(retention, "_PAGES_PER_STATEMENT", 7)
    real = retention._delete_range
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> int:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(retention, "_delete_range", interrupted)
        with pytest.raises(KeyboardInterrupt):
            clean(warehouse, "history")
    left = clean(warehouse, "history").rows

    assert 0 < left < 6 * 269
    assert len(warehouse.values("SELECT 1 FROM ozon.product_visibility_history")) == 6 * 731 + 6


def test_the_last_success_of_a_single_component_is_kept_too(warehouse: Warehouse) -> None:
    """Products were loaded in a workflow whose stock failed, and nothing has succeeded since."""
    for days, products in ((600, "success"), (500, "success"), (450, "failed"), (400, "failed")):
        name, ended = str(days), {"started_at": NOW - timedelta(days=days), "finished_at": NOW - timedelta(days=days)}
        record_workflow(warehouse.dsn, name, status="failed", **ended)
        record_attempt(warehouse.dsn, name, "product_etl", status=products, **ended)
        record_attempt(warehouse.dsn, name, "inventory_etl", status="failed", **ended)

    clean(warehouse, "records", records_days=365)

    assert warehouse.values("SELECT dag_run_id FROM ozon.etl_workflow_executions ORDER BY started_at") == ["500", "400"]
