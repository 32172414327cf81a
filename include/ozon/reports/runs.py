"""Records of recent workflows, with the visibility of the products after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import class_row

from include.ozon.errors import ConfigurationError
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.warehouse.session import Connection

_SELECT = """
SELECT w.workflow_id, w.account, w.dag_run_id, w.status AS workflow_status, w.error,
       c.component, c.attempt, c.status, c.rows_read, c.rows_inserted, c.rows_updated, c.rows_unchanged,
       c.rows_removed, c.rows_rejected, c.api_requests, c.api_retries, c.duration_seconds, c.peak_memory_mb,
       c.visibility_counts, w.execution_details #> ARRAY[c.component, 'warnings'] AS warnings,
       w.execution_details #> ARRAY['seconds', c.component || '/' || c.attempt] AS seconds
FROM ozon.etl_workflow_executions w
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (component) *
    FROM ozon.etl_component_executions e
    WHERE e.workflow_id = w.workflow_id
    ORDER BY component, attempt DESC
) c ON true
"""

_LAST: LiteralString = (
    _SELECT
    + """
WHERE w.workflow_id IN (
    SELECT workflow_id FROM ozon.etl_workflow_executions
    WHERE started_at >= %(since)s::timestamptz
    ORDER BY started_at DESC LIMIT %(count)s
)
ORDER BY w.started_at, w.account, array_position(%(components)s, c.component), c.component
"""
)

_OF_DAG_RUN: LiteralString = (
    _SELECT
    + """
WHERE w.dag_run_id = %(dag_run_id)s
ORDER BY w.account, array_position(%(components)s, c.component), c.component
"""
)


@dataclass(frozen=True)
class ComponentRow:
    """The last attempt of one component of one workflow; without a component if none was started."""

    workflow_id: str
    account: str
    dag_run_id: str
    workflow_status: str
    error: str | None
    component: str | None
    attempt: int | None
    status: str | None
    rows_read: int | None
    rows_inserted: int | None
    rows_updated: int | None
    rows_unchanged: int | None
    rows_removed: int | None
    rows_rejected: int | None
    api_requests: int | None
    api_retries: int | None
    duration_seconds: float | None
    peak_memory_mb: float | None
    visibility_counts: dict[str, int] | None
    warnings: list[str] | None = None
    """Sentences about errors that did not stop the component."""
    seconds: dict[str, float] | None = None
    """The time by phase: `include.ozon.pipeline.phases`."""


def last_workflows(connection: Connection, count: int, since: datetime | None = None) -> list[ComponentRow]:
    """Read the components of the last ``count`` workflows that started after ``since``, oldest first."""
    parameters = {"count": count, "since": since or "-infinity", "components": COMPONENT_NAMES}
    return connection.cursor(row_factory=class_row(ComponentRow)).execute(_LAST, parameters).fetchall()


def dag_run_workflows(connection: Connection, dag_run_id: str) -> list[ComponentRow]:
    """Read the components of all accounts of one DAG run; ``latest`` is the one that started last.

    Raise ConfigurationError if there is no such run.
    """
    if dag_run_id == "latest":
        row = connection.execute(
            "SELECT dag_run_id FROM ozon.etl_workflow_executions ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return []
        dag_run_id = row[0]
    parameters = {"dag_run_id": dag_run_id, "components": COMPONENT_NAMES}
    rows = connection.cursor(row_factory=class_row(ComponentRow)).execute(_OF_DAG_RUN, parameters).fetchall()
    if not rows:
        raise ConfigurationError(
            f"The warehouse has no record of a run {dag_run_id}. `ozon runs` shows the last ones; dry runs and runs "
            "that could not reach the warehouse have no record."
        )
    return rows
