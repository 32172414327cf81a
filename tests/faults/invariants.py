"""The conditions that hold during and after every fault."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg

from include.ozon.warehouse.tables import TABLES
from tests.support.agreement import assert_agreement, fbo_stocks, true_fbo_stocks
from tests.support.pipeline import Pipeline

_MERGED = {
    "product_etl": ("products", "product_visibility_history", "product_price_history"),
    "inventory_etl": ("inventory", "inventory_history", "inventory_by_warehouse", "fbo_stock_requests"),
}
"""The tables that a component's merge changes in one transaction."""
_RECORDS = ("etl_workflow_executions", "etl_component_executions", "rejected_items")
_OTHERS = {table.name for table in TABLES} - {table for tables in _MERGED.values() for table in tables} - {*_RECORDS}

GROUPS = {**_MERGED, "no component": tuple(sorted(_OTHERS))}

State = dict[str, str]
"""A fingerprint of each group's rows."""

_ROWS = "(SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM ozon.{} t)"
_FINGERPRINT = "SELECT " + ", ".join(" || ".join(_ROWS.format(table) for table in tables) for tables in GROUPS.values())

# A removal closes both histories at the same moment, and a product that is back opens both.
_GAPS = """
SELECT product_id FROM (
    SELECT account, product_id, valid_to,
           lead(valid_from) OVER (PARTITION BY kind, account, product_id ORDER BY valid_from) AS next
    FROM (
        SELECT 'visibility' AS kind, account, product_id, valid_from, valid_to FROM ozon.product_visibility_history
        UNION ALL
        SELECT 'price', account, product_id, valid_from, valid_to FROM ozon.product_price_history
    ) h
) gaps
WHERE valid_to < next
GROUP BY account, product_id, valid_to, next
HAVING count(*) <> 2
"""

_OVERLAPS = """
SELECT product_id FROM (
    SELECT product_id, valid_to, lead(valid_from) OVER (PARTITION BY account, product_id ORDER BY valid_from) AS next
    FROM ozon.{}
) h WHERE next IS NOT NULL AND (valid_to IS NULL OR valid_to > next)
"""

_BROKEN = {
    "visibility history overlaps": _OVERLAPS.format("product_visibility_history"),
    "price history overlaps": _OVERLAPS.format("product_price_history"),
    "a history has a gap": _GAPS,
    "the open visibility is not the product's": """
        SELECT product_id
        FROM (SELECT * FROM ozon.products WHERE removed_at IS NULL) p
        FULL JOIN (SELECT * FROM ozon.product_visibility_history WHERE valid_to IS NULL) h USING (account, product_id)
        WHERE p.visibility IS DISTINCT FROM h.visibility""",
    "the open price is not the product's": """
        SELECT product_id
        FROM (SELECT * FROM ozon.products WHERE removed_at IS NULL) p
        FULL JOIN (SELECT * FROM ozon.product_price_history WHERE valid_to IS NULL) h USING (account, product_id)
        WHERE p.name IS NULL OR h.valid_from IS NULL
           OR (p.price, p.old_price, p.currency_code) IS DISTINCT FROM (h.price, h.old_price, h.currency_code)""",
    "the newest row of the stock history is not the stock": """
        SELECT product_id
        FROM ozon.inventory i
        FULL JOIN (
            SELECT DISTINCT ON (account, product_id, stock_type, sku) *
            FROM ozon.inventory_history ORDER BY account, product_id, stock_type, sku, changed_at DESC
        ) h USING (account, product_id, stock_type, sku)
        WHERE (i.present, i.reserved) IS DISTINCT FROM (h.present, h.reserved)""",
    "stock without a product": """
        SELECT product_id FROM ozon.inventory i
        WHERE NOT EXISTS (SELECT FROM ozon.products p WHERE p.account = i.account AND p.product_id = i.product_id)""",
    "a record's numbers do not add up": """
        SELECT workflow_id, component, attempt FROM ozon.etl_component_executions
        WHERE status = 'success' AND rows_read <> rows_inserted + rows_updated + rows_unchanged + rows_rejected""",
    "rejected items and their number differ": """
        SELECT workflow_id, component, attempt FROM ozon.etl_component_executions
        LEFT JOIN (
            SELECT workflow_id, component, attempt, count(*) AS rejected
            FROM ozon.rejected_items GROUP BY 1, 2, 3
        ) r USING (workflow_id, component, attempt)
        WHERE status = 'success' AND rows_rejected > coalesce(rejected, 0)""",
    "a record has no end": """
        SELECT workflow_id FROM ozon.etl_component_executions WHERE finished_at IS NULL
        UNION ALL SELECT workflow_id FROM ozon.etl_workflow_executions WHERE finished_at IS NULL""",
    "a lock is held": "SELECT pid FROM pg_locks WHERE locktype = 'advisory'",
    "a session is left": """
        SELECT application_name FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE '%\\_etl %'""",
}
_GIVE_UP_SECONDS = 10


class Reader:
    """A reader that looks all the time; inside the block it notes each state that it sees.

    ``dsn`` returns the primary's address, which a failover changes.
    """

    def __init__(self, dsn: Callable[[], str]) -> None:
        self._dsn = dsn
        self._seen: dict[str, set[str]] = {group: set() for group in GROUPS}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def assert_saw_only(self, states: list[State]) -> None:
        for group, seen in self._seen.items():
            assert seen <= {state[group] for state in states}, f"a reader saw a half state of {group}"

    def _look(self) -> None:
        while not self._is_over.is_set():
            # The server may be restarting.
            with suppress(psycopg.Error), psycopg.connect(self._dsn(), connect_timeout=2) as connection:
                while not self._is_over.is_set():
                    for group, fingerprint in fingerprints(connection).items():
                        self._seen[group].add(fingerprint)
                    connection.commit()
                    time.sleep(0.01)
            time.sleep(0.05)


def fingerprints(connection: psycopg.Connection[tuple[object, ...]]) -> State:
    row = connection.execute(_FINGERPRINT.encode()).fetchone() or ()
    return dict(zip(GROUPS, map(str, row), strict=True))


def state_of(pipeline: Pipeline) -> State:
    with pipeline.connect() as connection:
        return fingerprints(connection)


def successes_of(pipeline: Pipeline) -> Counter[str]:
    """Return how often each component has succeeded, in any workflow."""
    query = "SELECT component FROM ozon.etl_component_executions WHERE status = 'success'"
    return Counter(row["component"] for row in pipeline.rows(query))


def assert_whole(pipeline: Pipeline) -> None:
    """Assert that the warehouse equals the sandbox, that all histories and records are whole, and nothing is left."""
    assert_agreement(pipeline)
    assert fbo_stocks(pipeline) == true_fbo_stocks(pipeline.truth()), "the stock by FBO warehouse is not the sandbox's"
    assert pipeline.staging_tables() == set(), "staging tables are left"
    assert_consistent(pipeline)


def assert_consistent(pipeline: Pipeline) -> None:
    """Assert that all histories and records are whole, and that no load holds a lock or a session."""
    give_up_at = time.monotonic() + _GIVE_UP_SECONDS
    for what, query in _BROKEN.items():
        # A killed client's session notices that within two seconds.
        while found := pipeline.rows(query):
            assert time.monotonic() < give_up_at, f"{what}: {found[:3]}"
            time.sleep(0.1)
