"""What the warehouse tells about a run while it goes on, and the last word on one that was told to stop."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from include.ozon.pipeline.attempt import open_staging
from include.ozon.pipeline.components import COMPONENT_NAMES, find_component
from include.ozon.warehouse.session import Connection

_COMPONENTS = """
SELECT workflow_id, account, component, attempt, status, rows_read, error,
       extract(epoch FROM coalesce(finished_at, clock_timestamp()) - started_at)::float AS seconds
FROM (
    SELECT DISTINCT ON (workflow_id, component) e.*
    FROM ozon.etl_workflow_executions w
    JOIN ozon.etl_component_executions e USING (workflow_id)
    WHERE w.dag_run_id = %(dag_run_id)s
    ORDER BY workflow_id, component, attempt DESC
) latest
ORDER BY account, array_position(%(components)s, component), component
"""

# The longest list: the others mostly repeat parts of it.
_LISTED = "SELECT items, total_items FROM {checkpoint} ORDER BY total_items DESC NULLS LAST, items DESC LIMIT 1"

# By the warehouse's own clock: this machine's may differ.
_CANCEL = """
UPDATE ozon.etl_workflow_executions
SET status = 'cancelled', error = concat_ws(' ', error, %(reason)s::text)
WHERE dag_run_id = %(dag_run_id)s
  AND status = 'failed'
  AND finished_at >= clock_timestamp() - make_interval(secs => %(seconds_ago)s)
"""


@dataclass(frozen=True)
class ComponentState:
    """The last attempt of a component of the run."""

    workflow_id: str
    account: str
    component: str
    attempt: int
    status: str
    rows_read: int | None
    error: str | None
    seconds: float
    """How long it has taken, so far or in all."""


@dataclass(frozen=True)
class Listed:
    """How many entries of the longest list an attempt has read, of how many; ``total`` is None until Ozon said it."""

    read: int
    total: int | None


def component_states(connection: Connection, dag_run_id: str) -> list[ComponentState]:
    """Of all accounts that the run has begun with; a dry run has no records."""
    rows = connection.cursor(row_factory=class_row(ComponentState)).execute(
        _COMPONENTS, {"dag_run_id": dag_run_id, "components": COMPONENT_NAMES}
    )
    return rows.fetchall()


def listed(connection: Connection, state: ComponentState) -> Listed | None:
    """How far a running component is; None where nothing of it is staged, before its lists and after its merge."""
    staging = open_staging(connection, find_component(state.component), state.account, state.workflow_id)
    try:
        row = staging.execute(_LISTED).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable):
        return None
    return Listed(*row) if row else None


def record_cancelled(connection: Connection, dag_run_id: str, signal_name: str, seconds_ago: float) -> int:
    """Call cancelled what ended as failed since the run was told to stop; returns the number of workflows.

    A component that was working then has said so itself. Between two of them, or before a retry, there was none, and
    a workflow that lacks a component counts as failed.
    """
    reason = f"The run was cancelled ({signal_name}) before the next attempt or component began."
    parameters = {"dag_run_id": dag_run_id, "reason": reason, "seconds_ago": seconds_ago}
    return connection.execute(_CANCEL, parameters).rowcount
