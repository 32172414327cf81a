"""A health check reads no large table completely, except the first one after a load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from include.ozon.monitoring.health import consistency, data, loads, store
from include.ozon.monitoring.health.areas import AREA_NAMES, measure
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.results import CheckResult, Status
from tests.conftest import StartSandbox
from tests.support.health import health_context
from tests.support.pipeline import Pipeline

LARGE = ("products", "inventory", "product_visibility_history", "inventory_history")
PRODUCTS = 50_000
CHECKED_ACCOUNT = "main"
ONCE_AFTER_A_LOAD = {"ORPHANS", "WITHOUT_INVENTORY"}

# As many rows as a real seller has, including the few of the load.
FILL = f"""
INSERT INTO ozon.products
SELECT filled.*
FROM (SELECT to_jsonb(p) AS product FROM ozon.products p WHERE visibility = 'VISIBLE' LIMIT 1) one,
    generate_series(1, {PRODUCTS}) n,
    jsonb_populate_record(
        NULL::ozon.products, product || jsonb_build_object('product_id', 9000000000 + n, 'offer_id', 'offer ' || n)
    ) filled;

INSERT INTO ozon.product_visibility_history
SELECT account, product_id, first_seen_at, visibility, NULL, hidden_reasons, NULL, workflow_id
FROM ozon.products WHERE product_id > 9000000000;

INSERT INTO ozon.inventory (account, product_id, stock_type, sku, offer_id, present, reserved, changed_at, workflow_id)
SELECT account, product_id, 'fbs', 0, offer_id, 10, 1, changed_at, workflow_id
FROM ozon.products WHERE product_id > 9000000000;

INSERT INTO ozon.inventory_history (
    account, product_id, stock_type, sku, changed_at, present, reserved, workflow_id
)
SELECT account, product_id, 'fbs', 0, changed_at, 10, 1, workflow_id
FROM ozon.products WHERE product_id > 9000000000;
"""

SCANS = """
SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables
WHERE schemaname = 'ozon' AND relname = ANY(%s)
"""


@pytest.fixture
def large(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    """A warehouse with a loaded account of many products."""
    pipeline = Pipeline(start_sandbox({"main": 200, "second": 100}, rate_limit_per_second=100_000), warehouse_dsn)
    pipeline.load()
    pipeline.execute(FILL)
    pipeline.execute("VACUUM ANALYZE")
    return pipeline


def check_all(pipeline: Pipeline, now: datetime) -> list[CheckResult]:
    """Run all areas like ozon_health_check: each with its own session, then store everything."""
    found: list[CheckResult] = []
    for area in AREA_NAMES:
        context: HealthContext = health_context(pipeline, now=now)
        try:
            found += measure(area, context)
        finally:
            context.close()
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        store.save(connection, now, found)
    return found


def scans(pipeline: Pipeline) -> dict[str, int]:
    """Return the number of sequential scans of each large table. A session reports its counts when it ends."""
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return {name: count for name, count, _ in connection.execute(SCANS, (list(LARGE),))}


def plans(pipeline: Pipeline) -> dict[str, str]:
    """Return PostgreSQL's plans of the data area's queries."""
    parameters: dict[str, Any] = {
        "account": CHECKED_ACCOUNT,
        "component": "product_etl",
        "check": "orphaned_inventory_pct",
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "now": datetime.now(UTC),
        "inventory_loaded_at": datetime.now(UTC),
        "named_count": 5,
    }
    queries = {
        name: text
        for module in (loads, data, consistency)
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str) and "SELECT" in text
    }
    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        return {
            name: "\n".join(line for (line,) in connection.execute(b"EXPLAIN " + text.encode(), parameters))
            for name, text in queries.items()
        }


def test_a_second_health_check_reads_no_large_table_as_a_whole(large: Pipeline) -> None:
    first, second = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (5, 20))
    before = check_all(large, first)
    assert not [result for result in before if result.status == "error"]
    counted = scans(large)

    after = check_all(large, second)

    read = {name: count - counted[name] for name, count in scans(large).items() if count != counted[name]}
    shown = "\n\n".join(f"{name}\n{plan}" for name, plan in plans(large).items())
    assert not read, f"read as a whole: {read}\n\n{shown}"
    shares = {"orphaned_inventory_pct", "products_without_inventory_pct"}
    carried = [result for result in after if result.check in shares and result.account == CHECKED_ACCOUNT]
    assert [(result.status, result.value) for result in carried] == [(Status.OK, 0), (Status.OK, 0)]


def test_every_query_of_a_check_uses_indexes(large: Pipeline) -> None:
    now = datetime.now(UTC) + timedelta(minutes=5)
    check_all(large, now)
    large.execute("ANALYZE ozon.health_checks")

    shown = plans(large)

    often = {name: plan for name, plan in shown.items() if name not in ONCE_AFTER_A_LOAD}
    assert {
        "LAST_STARTED",
        "LAST_SUCCESS",
        "LAST_END",
        "PREVIOUS_RESULT",
        "IMPOSSIBLE",
        "REJECTED",
        "PRODUCT_COUNTS",
    } == set(often)
    for plan in often.values():
        assert not [table for table in LARGE if f"Seq Scan on {table} " in plan], plan
    assert "inventory_impossible" in often["IMPOSSIBLE"], often["IMPOSSIBLE"]


def test_the_scans_would_be_noticed(large: Pipeline) -> None:
    """The first test relies on this: the first check after a load reads the tables, and PostgreSQL counts it."""
    counted = scans(large)
    check_all(large, datetime.now(UTC) + timedelta(minutes=5))
    assert scans(large) != counted
