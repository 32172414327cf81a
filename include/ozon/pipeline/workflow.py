"""The end of a workflow, whatever happened to its components."""

from __future__ import annotations

from contextlib import suppress

from include.ozon.errors import AlreadyRunningError
from include.ozon.pipeline import records
from include.ozon.pipeline.run import COMPONENTS, Run
from include.ozon.warehouse.lock import account_lock
from include.ozon.warehouse.session import open_session
from include.ozon.warehouse.staging import INVENTORY_TABLES, PRODUCT_TABLES, Staging

_TABLES = dict(zip(COMPONENTS, (PRODUCT_TABLES, INVENTORY_TABLES), strict=True))


def end_workflow(run: Run) -> records.Status | None:
    """Close the workflow's record and drop what it left in staging; None where it has no record.

    Raises the errors of ``open_session``.
    """
    with open_session(run.connect, run.settings.warehouse, f"end {run.workflow_id}") as connection:
        status = records.close_workflow(connection, run)
        # Where another run holds the account, the staging is that run's.
        with suppress(AlreadyRunningError), account_lock(connection, run.account):
            for component, tables in _TABLES.items():
                staging = Staging(connection, run.account, component, tables, temporary=False)
                if staging.belongs_to(run.workflow_id):
                    staging.drop()
    return status
