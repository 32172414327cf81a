"""The records of workflows and their components' attempts: times, numbers and results."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from include.ozon.errors import DependencyError
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.pipeline.numbers import ComponentNumbers, peak_memory_mb
from include.ozon.pipeline.run import Run
from include.ozon.translation import N_
from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.staging import Staging

Status = Literal["running", "success", "failed", "skipped", "cancelled"]
STATUS_NAMES = (N_("running"), N_("success"), N_("failed"), N_("skipped"), N_("cancelled"))
"""The statuses as people see them, for the catalogue."""

_OPEN_WORKFLOW = """
INSERT INTO ozon.etl_workflow_executions AS w (
    workflow_id, account, dag_run_id, trigger, environment, status, started_at, execution_details
)
VALUES (%s, %s, %s, %s, %s, 'running', now(), %s)
ON CONFLICT (workflow_id) DO UPDATE
SET status = 'running', finished_at = NULL, error = NULL,
    execution_details = w.execution_details - 'closed_by' || excluded.execution_details
"""

_CLOSE_DEAD_ATTEMPTS = """
UPDATE ozon.etl_component_executions
SET status = 'failed', finished_at = now(),
    error = 'The attempt ended without recording it (its process was killed or lost the database).'
WHERE account = %s AND status = 'running'
"""

_OPEN_COMPONENT = """
INSERT INTO ozon.etl_component_executions (workflow_id, component, attempt, account, status, started_at)
SELECT %(workflow_id)s, %(component)s, coalesce(max(attempt), 0) + 1, %(account)s, 'running', now()
FROM ozon.etl_component_executions
WHERE workflow_id = %(workflow_id)s AND component = %(component)s
RETURNING attempt
"""

_CLOSE_COMPONENT = """
UPDATE ozon.etl_component_executions
SET status = %(status)s, finished_at = clock_timestamp(), error = %(error)s,
    rows_read = %(rows_read)s, rows_inserted = %(rows_inserted)s, rows_updated = %(rows_updated)s,
    rows_unchanged = %(rows_unchanged)s, rows_removed = %(rows_removed)s, rows_rejected = %(rows_rejected)s,
    rows_repeated = %(rows_repeated)s, api_requests = %(api_requests)s, api_retries = %(api_retries)s,
    api_rate_limited = %(api_rate_limited)s, api_wait_seconds = %(api_wait_seconds)s,
    peak_memory_mb = %(peak_memory_mb)s, visibility_counts = %(visibility_counts)s
WHERE workflow_id = %(workflow_id)s AND component = %(component)s AND attempt = %(attempt)s
  AND status <> 'success'
"""

# An attempt's details replace those of the attempt before it; its seconds are kept beside the others'.
_NOTE_ON_WORKFLOW = """
UPDATE ozon.etl_workflow_executions
SET component_statuses = component_statuses || jsonb_build_object(%(component)s::text, %(status)s::text),
    execution_details = execution_details - %(component)s::text || %(details)s
        || jsonb_build_object('seconds', coalesce(execution_details -> 'seconds', '{}') || %(seconds)s)
WHERE workflow_id = %(workflow_id)s
"""

_SAVE_REJECTED = """
INSERT INTO ozon.rejected_items (workflow_id, component, attempt, n, account, kind, reason, payload)
SELECT {workflow_id}, %s, %s, row_number() OVER (ORDER BY r.kind, r.n), {account}, r.kind, r.reason, r.payload
FROM (
    SELECT 'entry' AS kind, n, reason, payload FROM {rejected}
    UNION ALL
    (SELECT 'field', n, reason, payload FROM {left_out} ORDER BY n LIMIT 10000)
) r
"""

# A component that was never started has no status.
_CLOSE_WORKFLOW = """
WITH latest AS (
    SELECT DISTINCT ON (component) component, status, error
    FROM ozon.etl_component_executions
    WHERE workflow_id = %(workflow_id)s
    ORDER BY component, attempt DESC
), verdict AS (
    SELECT
        coalesce(jsonb_object_agg(component, status), '{}') AS statuses,
        coalesce(array_agg(component) FILTER (WHERE status = 'success'), '{}') AS loaded,
        coalesce(bool_or(status = 'cancelled'), false) AS is_cancelled,
        coalesce(bool_or(status = 'skipped'), false) AS is_skipped,
        string_agg(component || ': ' || error, ' ' ORDER BY array_position(%(components)s, component)) AS error
    FROM latest
)
UPDATE ozon.etl_workflow_executions w
SET component_statuses = v.statuses,
    finished_at = now(),
    status = CASE
        WHEN v.loaded @> %(components)s THEN 'success'
        WHEN v.is_cancelled THEN 'cancelled'
        WHEN v.is_skipped THEN 'skipped'
        ELSE 'failed'
    END,
    error = v.error
FROM verdict v
WHERE w.workflow_id = %(workflow_id)s
RETURNING w.status
"""

# The histories have no index by time, but are read only if the clock has gone back.
_MOMENT_AFTER_LOADS = """
SELECT interval '1 microsecond' + greatest(
    max(finished_at),
    (SELECT max(changed_at) FROM ozon.inventory_history WHERE account = %(account)s),
    (SELECT max(greatest(valid_from, valid_to)) FROM ozon.product_price_history WHERE account = %(account)s),
    (SELECT max(greatest(valid_from, valid_to)) FROM ozon.product_visibility_history WHERE account = %(account)s)
)
FROM ozon.etl_component_executions
WHERE account = %(account)s AND status = 'success'
HAVING max(finished_at) >= now()
"""

# Before the locks of its attempts, whoever closes its records, so that two of them never wait for each other.
_LOCK_WORKFLOW = "SELECT FROM ozon.etl_workflow_executions WHERE workflow_id = %s FOR NO KEY UPDATE"


def open_component(connection: Connection, run: Run, component: str) -> int:
    """Record the start of an attempt and return its number. The caller holds the account's lock.

    Any attempt of the account that is still recorded as running has lost the lock: it is dead and closed as failed.
    """
    with connection.transaction():
        _open_workflow(connection, run)
        connection.execute(_CLOSE_DEAD_ATTEMPTS, (run.account,))
        row = connection.execute(_OPEN_COMPONENT, _key(run, component)).fetchone()
        _note_on_workflow(connection, run, component, "running", {}, {})
    return int(row[0]) if row else 1


def close_component(
    connection: Connection,
    run: Run,
    component: str,
    attempt: int,
    *,
    status: Status,
    numbers: ComponentNumbers,
    error: str | None = None,
) -> None:
    """Record the end of an attempt, in the caller's open transaction.

    A success is recorded together with the merge; a later error does not change it.
    """
    connection.execute(_LOCK_WORKFLOW, (run.workflow_id,))
    closed = connection.execute(
        _CLOSE_COMPONENT,
        {
            **_key(run, component),
            **vars(numbers),
            "attempt": attempt,
            "status": status,
            "error": error,
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "visibility_counts": Jsonb(numbers.visibility_counts) if numbers.visibility_counts else None,
        },
    )
    if closed.rowcount:
        seconds = {f"{component}/{attempt}": numbers.seconds.rounded()}
        _note_on_workflow(connection, run, component, status, numbers.details, seconds)


def save_rejected(staging: Staging, component: str, attempt: int) -> None:
    """Copy the rejected entries of staging to ``rejected_items``, under this attempt."""
    staging.execute(_SAVE_REJECTED, (component, attempt))


def refuse_component(connection: Connection, run: Run, component: str, status: Status, reason: str) -> None:
    """Record a component that was not started because another session holds the account's lock."""
    with connection.transaction():
        _open_workflow(connection, run)
        row = connection.execute(_OPEN_COMPONENT, _key(run, component)).fetchone()
        attempt = int(row[0]) if row else 1
        close_component(connection, run, component, attempt, status=status, numbers=ComponentNumbers(), error=reason)


def close_workflow(connection: Connection, run: Run) -> Status | None:
    """Record the end of the workflow from its components' last attempts; return None if it was never opened.

    Call it when no component is running: an attempt that is still recorded as running was killed.
    """
    with connection.transaction():
        return close_records(connection, run.account, run.workflow_id)


def close_records(connection: Connection, account: str, workflow_id: str) -> Status | None:
    """Do the same as `close_workflow`, in the caller's open transaction."""
    connection.execute(_LOCK_WORKFLOW, (workflow_id,))
    connection.execute(_CLOSE_DEAD_ATTEMPTS + " AND workflow_id = %s", (account, workflow_id))
    row = connection.execute(_CLOSE_WORKFLOW, {"workflow_id": workflow_id, "components": COMPONENT_NAMES}).fetchone()
    return row[0] if row else None


def has_running_attempt(connection: Connection, run: Run) -> bool:
    """Return whether an attempt of this workflow is recorded as running."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM ozon.etl_component_executions WHERE workflow_id = %s AND status = 'running')",
        (run.workflow_id,),
    ).fetchone()
    return row == (True,)


def moment_after_loads(connection: Connection, account: str) -> datetime | None:
    """Return the moment after the account's last success if the server's clock shows an earlier one, else None.

    It is also after all changes in the histories: earlier loads may have been dated in this way.
    """
    row = connection.execute(_MOMENT_AFTER_LOADS, {"account": account}).fetchone()
    return row[0] if row else None


def require_dependencies(connection: Connection, run: Run, component: Component[Any]) -> None:
    """Raise DependencyError unless all components that it needs succeeded in this workflow.

    The database decides, not the scheduler.
    """
    for needed in component.needs:
        row = connection.execute(
            """
            SELECT status, error FROM ozon.etl_component_executions
            WHERE workflow_id = %s AND component = %s
            ORDER BY attempt DESC LIMIT 1
            """,
            (run.workflow_id, needed.name),
        ).fetchone()
        expected = f"{component.name} of workflow {run.workflow_id} expected its {needed.name} to have succeeded"
        if row is None:
            raise DependencyError(
                f"{expected}, found no attempt of it. Clear {needed.name} of this run, so that both run in order."
            )
        if row[0] != "success":
            raise DependencyError(
                f"{expected}, found it {row[0]} ({row[1] or 'no error recorded'}). "
                f"Fix that and clear {needed.name} of this run."
            )


def loaded_accounts(connection: Connection, dag_run_id: str) -> dict[str, int]:
    """Return the accounts that one DAG run loaded completely, each with its number of changed rows."""
    rows = connection.execute(
        """
        SELECT w.account, coalesce(sum(c.rows_inserted + c.rows_updated + c.rows_removed), 0)
        FROM ozon.etl_workflow_executions w
        JOIN ozon.etl_component_executions c USING (workflow_id)
        WHERE w.dag_run_id = %s AND w.status = 'success' AND c.status = 'success'
        GROUP BY w.account
        ORDER BY w.account
        """,
        (dag_run_id,),
    ).fetchall()
    return {account: int(changed) for account, changed in rows}


def _open_workflow(connection: Connection, run: Run) -> None:
    details = {"accept_guards": sorted(run.accept_guards)} if run.accept_guards else {}
    connection.execute(
        _OPEN_WORKFLOW,
        (
            run.workflow_id,
            run.account,
            run.dag_run_id,
            run.trigger,
            run.settings.environment,
            Jsonb(details),
        ),
    )


def _note_on_workflow(
    connection: Connection,
    run: Run,
    component: str,
    status: Status,
    details: dict[str, object],
    seconds: dict[str, dict[str, float]],
) -> None:
    values = {
        "workflow_id": run.workflow_id,
        "component": component,
        "status": status,
        "details": Jsonb({component: details} if details else {}),
        "seconds": Jsonb(seconds),
    }
    connection.execute(_NOTE_ON_WORKFLOW, values)


def _key(run: Run, component: str) -> dict[str, object]:
    return {"workflow_id": run.workflow_id, "component": component, "account": run.account}
