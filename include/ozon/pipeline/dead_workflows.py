"""Records of dead workflows: their process was killed or lost the database, so nobody recorded their end."""

from __future__ import annotations

import logging
from datetime import datetime

from include.ozon.pipeline import records
from include.ozon.pipeline.run import Run
from include.ozon.warehouse.session import Connection

logger = logging.getLogger("ozon.records")

# Time for a retry in the queue of tasks, and until Airflow notices that a process ended.
_LATE_RETRY_SECONDS = 15 * 60

# The account's other workflows that are dead: an attempt is recorded as running although the lock is ours, or nothing
# was recorded for longer than a retry can take to start.
_DEAD_WORKFLOWS = """
SELECT w.workflow_id, greatest(w.started_at, max(greatest(c.started_at, c.finished_at))) AS last_sign_at
FROM ozon.etl_workflow_executions w
LEFT JOIN ozon.etl_component_executions c USING (workflow_id)
WHERE w.account = %(account)s AND w.status = 'running' AND w.workflow_id <> %(workflow_id)s
GROUP BY w.workflow_id
HAVING bool_or(c.status = 'running')
    OR greatest(w.started_at, max(c.finished_at)) < now() - make_interval(secs => %(longest_wait_seconds)s)
"""

# Finished at the last sign of life: otherwise the health check would count it as a failure of today.
_NOTE_DEATH = """
UPDATE ozon.etl_workflow_executions
SET finished_at = %(last_sign_at)s,
    error = coalesce(error, 'The run ended without recording it (its process was killed or lost the database).'),
    execution_details = execution_details || jsonb_build_object('closed_by', %(closed_by)s::text)
WHERE workflow_id = %(workflow_id)s
"""


def close_dead_workflows(connection: Connection, run: Run) -> None:
    """Close the records of the account's dead workflows. The caller holds the account's lock.

    A workflow that continues after all does no harm: its next component opens its record again.
    """
    longest_wait_seconds = max(run.settings.retry.longest_waits_seconds(), default=0) + _LATE_RETRY_SECONDS
    with connection.transaction():
        dead = connection.execute(
            _DEAD_WORKFLOWS,
            {"account": run.account, "workflow_id": run.workflow_id, "longest_wait_seconds": longest_wait_seconds},
        ).fetchall()
        for workflow_id, last_sign_at in dead:
            status = close_dead_workflow(connection, run.account, workflow_id, last_sign_at, closed_by=run.workflow_id)
            logger.warning("Workflow %s ended without recording it; its record is closed as %s", workflow_id, status)


def close_dead_workflow(
    connection: Connection, account: str, workflow_id: str, last_sign_at: datetime, *, closed_by: str
) -> records.Status | None:
    """Record the end of a dead workflow, in the caller's open transaction."""
    status = records.close_records(connection, account, workflow_id)
    connection.execute(_NOTE_DEATH, {"workflow_id": workflow_id, "last_sign_at": last_sign_at, "closed_by": closed_by})
    return status
