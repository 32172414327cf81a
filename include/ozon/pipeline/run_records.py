"""The state of a DAG run in the warehouse while it runs, and the final status of a cancelled one."""

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

# By the warehouse's clock: this machine's may differ.
_CANCEL = """
UPDATE ozon.etl_workflow_executions
SET status = 'cancelled', error = concat_ws(' ', error, %(reason)s::text)
WHERE dag_run_id = %(dag_run_id)s
  AND status = 'failed'
  AND finished_at >= clock_timestamp() - make_interval(secs => %(seconds_ago)s)
"""


@dataclass(frozen=True)
class ComponentState:
    """The last attempt of one component of the run."""

    workflow_id: str
    account: str
    component: str
    attempt: int
    status: str
    rows_read: int | None
    error: str | None
    seconds: float
    """The duration, so far or in total."""


@dataclass(frozen=True)
class Listed:
    """The number of entries read from the longest list; ``total`` is None until Ozon has sent it."""

    read: int
    total: int | None


def component_states(connection: Connection, dag_run_id: str) -> list[ComponentState]:
    """Return the components that the run has started, of all accounts; a dry run has no records."""
    rows = connection.cursor(row_factory=class_row(ComponentState)).execute(
        _COMPONENTS, {"dag_run_id": dag_run_id, "components": COMPONENT_NAMES}
    )
    return rows.fetchall()


def listed(connection: Connection, state: ComponentState) -> Listed | None:
    """Return the progress of a running component; None before its lists and after its merge."""
    staging = open_staging(connection, find_component(state.component), state.account, state.workflow_id)
    try:
        row = staging.execute(_LISTED).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.LockNotAvailable):
        return None
    return Listed(*row) if row else None


def record_cancelled(connection: Connection, dag_run_id: str, signal_name: str, seconds_ago: float) -> int:
    """Mark the workflows as cancelled that failed since the run was cancelled, and return their number.

    A component that was running has recorded the cancellation itself. Between two components, or before a retry, none
    was running, and a workflow that lacks a component counts as failed.
    """
    reason = f"The run was cancelled ({signal_name}) before the next attempt or component began."
    parameters = {"dag_run_id": dag_run_id, "reason": reason, "seconds_ago": seconds_ago}
    return connection.execute(_CANCEL, parameters).rowcount
