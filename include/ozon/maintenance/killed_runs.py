"""Closing of workflows that are recorded as running, but whose processes were killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from include.ozon.maintenance.steps import Outcome
from include.ozon.settings import Settings
from include.ozon.warehouse.lock import is_locked
from include.ozon.warehouse.session import Connection
from include.ozon.words import count_of

_OVER = ("success", "failed")

# Allowances for queued tasks, for a process whose end is noticed late, and for the last writes of a stopped attempt.
_SLACK = timedelta(minutes=15)
_LAST_WORDS = timedelta(minutes=2)

# The last sign of life is the start or end of an attempt. A restarted attempt is "running" again.
_RUNNING = """
SELECT w.workflow_id, w.account, w.dag_run_id,
       greatest(w.started_at, max(greatest(c.started_at, c.finished_at)))
FROM ozon.etl_workflow_executions w
LEFT JOIN ozon.etl_component_executions c USING (workflow_id)
WHERE w.status = 'running'
GROUP BY w.workflow_id
ORDER BY w.started_at
"""

_TAKE = """
SELECT workflow_id FROM ozon.etl_workflow_executions
WHERE workflow_id = %s AND status = 'running'
FOR UPDATE SKIP LOCKED
"""


class RunningWorkflow(NamedTuple):
    workflow_id: str
    account: str
    dag_run_id: str
    last_sign_at: datetime


DagRunState = Callable[[str], str | None]
"""Returns the state in Airflow of the run of `ozon_etl` with that id; None if it is not known."""

CloseWorkflow = Callable[[Connection, RunningWorkflow], str | None]
"""The pipeline's function that closes a record in the open transaction; returns the record's new status."""


def close_killed_runs(
    connection: Connection,
    settings: Settings,
    now: datetime,
    dag_run_state: DagRunState,
    close: CloseWorkflow,
    *,
    dry_run: bool,
) -> Outcome:
    """Close the records of runs that were killed together with the task that should have closed them.

    The account's next run also does this, and sooner; this is for accounts without a next run.

    A workflow that waits for a retry is alive. So a record is closed only if its run has ended in Airflow, or if its
    last sign of life is older than the longest wait for a retry, and only if the account is not locked. A component
    that starts meanwhile opens its record again: after a wrong guess, the record shows "failed" for a while.
    """
    silence = longest_silence(settings)
    details = []
    closed = 0
    for workflow in _running(connection):
        quiet = now - workflow.last_sign_at
        is_killed = quiet > silence or (quiet > _LAST_WORDS and dag_run_state(workflow.dag_run_id) in _OVER)
        if not is_killed or is_locked(connection, workflow.account):
            details.append(f"{workflow.workflow_id}: may still be running, not closed")
        elif dry_run:
            closed += 1
            details.append(f"{workflow.workflow_id}: would be closed")
        elif (status := _close(connection, workflow, close)) is None:
            details.append(f"{workflow.workflow_id}: runs again, not closed")
        else:
            closed += 1
            details.append(f"{workflow.workflow_id}: closed as {status}")
    verb = "would be closed" if dry_run else "closed"
    message = f"{count_of(closed, 'record')} {verb}" if closed else ""
    return Outcome("killed_runs", dry_run=dry_run, message=message, details=details)


def longest_silence(settings: Settings) -> timedelta:
    """Return the longest silence of a running workflow: an attempt's time-out and a retry's wait."""
    attempt = timedelta(minutes=max(component.timeout_minutes for _, component in settings.components))
    wait = timedelta(seconds=max(settings.retry.longest_waits_seconds(), default=0))
    return attempt + wait + _SLACK


def _running(connection: Connection) -> list[RunningWorkflow]:
    return [RunningWorkflow(*row) for row in connection.execute(_RUNNING)]


def _close(connection: Connection, workflow: RunningWorkflow, close: CloseWorkflow) -> str | None:
    """Close a record unless its workflow runs again.

    A component takes the account's lock first, and then this record, which this transaction has locked.
    """
    with connection.transaction():
        is_ours = connection.execute(_TAKE, (workflow.workflow_id,)).fetchone() is not None
        if not is_ours or is_locked(connection, workflow.account) or workflow not in _running(connection):
            return None
        return close(connection, workflow)
