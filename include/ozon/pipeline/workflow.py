"""The end of a workflow, whatever its components' results."""

from __future__ import annotations

import time
from contextlib import suppress

from include.ozon.errors import AlreadyRunningError
from include.ozon.pipeline import records
from include.ozon.pipeline.attempt import open_staging
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.run import Run
from include.ozon.warehouse.lock import LockTakenError, account_lock, is_locked
from include.ozon.warehouse.session import Connection, open_session

# Airflow sends SIGTERM at a task's next heartbeat, and SIGKILL five seconds later.
_MAX_WAIT_SECONDS = 30


def end_workflow(run: Run) -> records.Status | None:
    """Close the workflow's record, drop its staging and return its status; None if it has no record.

    Raises the errors of ``open_session``.
    """
    with open_session(run.connect, run.settings.warehouse, f"end {run.workflow_id}") as connection:
        _await_attempt(connection, run)
        status = records.close_workflow(connection, run)
        # If another run holds the lock, the staging belongs to that run.
        with suppress(AlreadyRunningError, LockTakenError), account_lock(connection, run.account):
            for component in COMPONENTS:
                staging = open_staging(connection, component, run.account, run.workflow_id)
                if staging.is_of_workflow():
                    staging.drop()
    return status


def _await_attempt(connection: Connection, run: Run) -> None:
    """Wait until a cancelled attempt has recorded its end: Airflow starts this task without waiting for it.

    An attempt that is recorded as running while nobody holds the lock is dead: do not wait for it.
    """
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while (
        records.has_running_attempt(connection, run)
        and is_locked(connection, run.account)
        and time.monotonic() < deadline
    ):
        time.sleep(0.2)
