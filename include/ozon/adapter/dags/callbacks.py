"""What Airflow calls when a task has failed for good."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from airflow.sdk import Context

from include.ozon.errors import (
    AccessDeniedError,
    ConnectionSettingsError,
    MarketplaceUnavailableError,
    RateLimitedError,
    SchemaError,
    WarehouseUnavailableError,
)

logger = logging.getLogger("ozon.tasks")

# Of which rules a failure is a mere consequence, where they are violated.
_WAREHOUSE = ("warehouse_reachable", "warehouse_writable", "warehouse_schema")
_API_KEY = ("api_key", "api_methods")
_CAUSED_BY: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (WarehouseUnavailableError, _WAREHOUSE),
    (SchemaError, _WAREHOUSE),
    (AccessDeniedError, (*_API_KEY, *_WAREHOUSE)),
    (ConnectionSettingsError, (*_API_KEY, *_WAREHOUSE)),
    (RateLimitedError, ("api_rate_limited_pct", "api_reachable")),
    (MarketplaceUnavailableError, ("api_reachable",)),
)


def report_failure(context: Context) -> None:
    """A task's ``on_failure_callback``: one sentence in the log, and an event for the sender of alerts."""
    # Only a task that has failed needs these, and parsing a DAG does not.
    from include.ozon.adapter.alerting.state import hand_over  # noqa: PLC0415
    from include.ozon.configuration import load_settings  # noqa: PLC0415
    from include.ozon.monitoring.alerts.model import Event  # noqa: PLC0415

    task = context["ti"]
    error = context.get("exception")
    reason = " ".join(str(error).split()) or type(error).__name__
    log_url = getattr(task, "log_url", "")
    logger.error(
        "%s of run %s failed in try %s: %s Log: %s",
        task.task_id,
        context["run_id"],
        task.try_number,
        reason,
        log_url or "in Airflow's log folder",
    )
    account = context.get("account")
    whose = f" for account {account}" if account else ""
    try:
        hand_over(
            Event(
                rule="task_failed",
                subject=f"{task.dag_id}.{task.task_id}",
                level=load_settings().rules.task_failed.level,
                message=f"Task {task.task_id} of {task.dag_id} failed{whose}, in try {task.try_number}: {reason}",
                happened_at=datetime.now(tz=UTC),
                account=str(account) if account else None,
                caused_by=next((rules for kind, rules in _CAUSED_BY if isinstance(error, kind)), ()),
                link=log_url,
            )
        )
    except Exception as problem:
        logger.error("The failure could not be handed to the sender of alerts (%s).", type(problem).__name__)
