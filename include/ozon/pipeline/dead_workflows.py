"""The records of workflows that ended without a word: their process was killed, or lost the database."""

from __future__ import annotations

import logging
from datetime import datetime

from include.ozon.pipeline import records
from include.ozon.pipeline.run import Run
from include.ozon.warehouse.session import Connection

logger = logging.getLogger("ozon.records")

# A retry waits in a queue of tasks besides, and a process's end is noticed late.
_LATE_RETRY_SECONDS = 15 * 60

# Of the account's other workflows: those with an attempt that died, since its lock is ours, and those of which longer
# was nothing heard than a retry can take to come.
_DEAD_WORKFLOWS = """
SELECT w.workflow_id, greatest(w.started_at, max(greatest(c.started_at, c.finished_at))) AS last_sign_at
FROM ozon.etl_workflow_executions w
LEFT JOIN ozon.etl_component_executions c USING (workflow_id)
WHERE w.account = %(account)s AND w.status = 'running' AND w.workflow_id <> %(workflow_id)s
GROUP BY w.workflow_id
HAVING bool_or(c.status = 'running')
    OR greatest(w.started_at, max(c.finished_at)) < now() - make_interval(secs => %(longest_wait_seconds)s)
"""

# It ended when the last was heard of it: the health check would take it for a failure of today otherwise.
_NOTE_DEATH = """
UPDATE ozon.etl_workflow_executions
SET finished_at = %(last_sign_at)s,
    error = coalesce(error, 'The run ended without a word (its process was killed, or lost the database).'),
    execution_details = execution_details || jsonb_build_object('closed_by', %(closed_by)s::text)
WHERE workflow_id = %(workflow_id)s
"""


def close_dead_workflows(connection: Connection, run: Run) -> None:
    """Close what others have left open for the run's account, whose lock the caller holds.

    A workflow that comes back to life after all is no harm: its next component opens its record again.
    """
    longest_wait_seconds = max(run.settings.retry.longest_waits_seconds(), default=0) + _LATE_RETRY_SECONDS
    with connection.transaction():
        dead = connection.execute(
            _DEAD_WORKFLOWS,
            {"account": run.account, "workflow_id": run.workflow_id, "longest_wait_seconds": longest_wait_seconds},
        ).fetchall()
        for workflow_id, last_sign_at in dead:
            status = close_dead_workflow(connection, run.account, workflow_id, last_sign_at, closed_by=run.workflow_id)
            logger.warning("Workflow %s ended without a word; its record is closed as %s", workflow_id, status)


def close_dead_workflow(
    connection: Connection, account: str, workflow_id: str, last_sign_at: datetime, *, closed_by: str
) -> records.Status | None:
    """Record the end of a workflow that nobody works on any more, in the transaction that the caller has open."""
    # The record before its attempts, as everybody who closes another's takes them.
    connection.execute("SELECT FROM ozon.etl_workflow_executions WHERE workflow_id = %s FOR UPDATE", (workflow_id,))
    status = records.close_records(connection, account, workflow_id)
    connection.execute(_NOTE_DEATH, {"workflow_id": workflow_id, "last_sign_at": last_sign_at, "closed_by": closed_by})
    return status
