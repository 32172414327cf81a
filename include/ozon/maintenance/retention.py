"""Deletion of expired rows, in short statements of few rows.

A table is read by its pages, so no statement reads more than a few megabytes, whatever its indexes and its dead rows.
Each statement is a separate transaction: if the step is stopped, the next run continues. Rows that another session has
locked are left for the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, LiteralString

from psycopg import sql

from include.ozon.maintenance.steps import Outcome
from include.ozon.settings.maintenance import MaintenanceSettings
from include.ozon.warehouse.session import Connection
from include.ozon.words import count_of

# Of 8 KB each.
_PAGES_PER_STATEMENT = 1000

_PAGES = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint"

_DELETE = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM {table} t
    WHERE t.ctid >= %(first)s::tid AND t.ctid < %(end)s::tid AND ({is_expired})
    LIMIT %(rows)s
    FOR UPDATE OF t SKIP LOCKED
))
"""

_COUNT = """
SELECT count(*) FROM {table} t
WHERE t.ctid >= %(first)s::tid AND t.ctid < %(end)s::tid AND ({is_expired})
"""

# A nested loop looks up the successor of each row. The other joins would read the whole table for a few megabytes of
# it, which takes longer than a statement may.
_ROW_BY_ROW = "SELECT set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false)"

RetentionStep = Literal["history", "monitoring", "records"]


@dataclass(frozen=True)
class Expiry:
    """The retention of a table: ``is_expired`` is a condition on row ``t`` and the moment ``before``."""

    table: str
    days: str
    """The setting of `[maintenance]`."""
    is_expired: LiteralString
    share_of_batch: int = 1
    """The divisor of the batch size, for rows whose deletion cascades to many others."""


_EXPIRIES: dict[RetentionStep, Sequence[Expiry]] = {
    "history": (
        Expiry("product_visibility_history", "history_days", "t.valid_to < %(before)s"),
        Expiry("product_price_history", "history_days", "t.valid_to < %(before)s"),
        # The last change before ``before`` is kept: it is the stock at that moment.
        Expiry(
            "inventory_history",
            "history_days",
            """
            t.changed_at < %(before)s AND EXISTS (
                SELECT FROM ozon.inventory_history later
                WHERE later.account = t.account AND later.product_id = t.product_id
                  AND later.stock_type = t.stock_type AND later.sku = t.sku
                  AND later.changed_at > t.changed_at AND later.changed_at <= %(before)s
            )
            """,
        ),
    ),
    "monitoring": (
        # The next measurement is compared with the last one, however old.
        Expiry(
            "visibility_metrics",
            "metrics_days",
            """
            t.measured_at < %(before)s AND EXISTS (
                SELECT FROM ozon.visibility_metrics later
                WHERE later.account = t.account AND later.measured_at > t.measured_at
            )
            """,
        ),
        Expiry(
            "health_checks",
            "health_checks_days",
            "t.measured_at < %(before)s AND t.measured_at < (SELECT max(measured_at) FROM ozon.health_checks)",
        ),
        Expiry("incidents", "alerts_days", "t.resolved_at < %(before)s"),
    ),
    "records": (
        # Before the workflows, whose deletion would cascade to thousands of these in one statement.
        Expiry(
            "rejected_items",
            "rejected_items_days",
            """
            EXISTS (
                SELECT FROM ozon.etl_component_executions c
                WHERE c.workflow_id = t.workflow_id AND c.component = t.component AND c.attempt = t.attempt
                  AND c.status <> 'running' AND c.finished_at < %(before)s
            )
            """,
        ),
        # The health check needs an account's last workflow and its last successes.
        Expiry(
            "etl_workflow_executions",
            "records_days",
            """
            t.status <> 'running' AND t.finished_at < %(before)s
            AND t.started_at < (
                SELECT max(started_at) FROM ozon.etl_workflow_executions WHERE account = t.account
            )
            AND (t.status <> 'success' OR t.started_at < (
                SELECT max(started_at) FROM ozon.etl_workflow_executions
                WHERE account = t.account AND status = 'success'
            ))
            AND NOT EXISTS (
                SELECT FROM ozon.etl_component_executions c
                WHERE c.workflow_id = t.workflow_id AND (
                    c.status = 'running'
                    OR c.status = 'success' AND c.started_at = (
                        SELECT max(s.started_at) FROM ozon.etl_component_executions s
                        WHERE s.account = c.account AND s.component = c.component AND s.status = 'success'
                    )
                )
            )
            """,
            share_of_batch=10,
        ),
    ),
}


def delete_expired(
    connection: Connection, step: RetentionStep, settings: MaintenanceSettings, now: datetime, *, dry_run: bool
) -> Outcome:
    """Delete the expired rows of a step's tables, or in a dry run count them.

    ``connection`` is in autocommit mode.
    """
    connection.execute(_ROW_BY_ROW)
    counts = {}
    for expiry in _EXPIRIES[step]:
        before = now - timedelta(days=_days(expiry, settings))
        counts[expiry.table] = _go_through(connection, expiry, before, settings.batch_rows, dry_run)
    details = [f"ozon.{table}: {count_of(count, 'row') if count else 'none'}" for table, count in counts.items()]
    return Outcome(step, dry_run=dry_run, rows=sum(counts.values()), details=details)


def _days(expiry: Expiry, settings: MaintenanceSettings) -> int:
    days: int = getattr(settings, expiry.days)
    return min(days, settings.records_days) if expiry.table == "rejected_items" else days


def _go_through(connection: Connection, expiry: Expiry, before: datetime, batch_rows: int, dry_run: bool) -> int:
    table = sql.Identifier("ozon", expiry.table)
    query = sql.SQL(_COUNT if dry_run else _DELETE).format(table=table, is_expired=sql.SQL(expiry.is_expired))
    row = connection.execute(_PAGES, (table.as_string(connection),)).fetchone()
    pages = int(row[0]) if row else 0
    total = 0
    for first in range(0, pages, _PAGES_PER_STATEMENT):
        values = {
            "first": f"({first},0)",
            "end": f"({first + _PAGES_PER_STATEMENT},0)",
            "before": before,
        }
        if dry_run:
            (count,) = connection.execute(query, values).fetchone() or (0,)
            total += count
        else:
            total += _delete_range(connection, query, values, max(1, batch_rows // expiry.share_of_batch))
    return total


def _delete_range(connection: Connection, query: sql.Composed, values: dict[str, object], batch_rows: int) -> int:
    total = 0
    while True:
        deleted = connection.execute(query, {**values, "rows": batch_rows}).rowcount
        total += deleted
        if deleted < batch_rows:
            return total
