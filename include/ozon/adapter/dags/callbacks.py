"""Failure callback of all tasks: called when a task has failed for good."""

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
from include.ozon.monitoring.health.api import API_KEY, API_METHODS, API_RATE_LIMITED_PCT, API_REACHABLE
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.rule import Rule
from include.ozon.monitoring.unchecked import TASK_FAILED
from include.ozon.settings.limits import Limits
from include.ozon.words import one_line

logger = logging.getLogger("ozon.tasks")

# The rules that inhibit a failure while they fire.
_API_KEY = (API_KEY, API_METHODS)
_CAUSED_BY: tuple[tuple[type[BaseException], tuple[Rule[Limits], ...]], ...] = (
    (WarehouseUnavailableError, WAREHOUSE_DOWN),
    (SchemaError, WAREHOUSE_DOWN),
    (AccessDeniedError, (*_API_KEY, *WAREHOUSE_DOWN)),
    (ConnectionSettingsError, (*_API_KEY, *WAREHOUSE_DOWN)),
    (RateLimitedError, (API_RATE_LIMITED_PCT, API_REACHABLE)),
    (MarketplaceUnavailableError, (API_REACHABLE,)),
)


def report_failure(context: Context) -> None:
    """Log one sentence, and hand an event to the sender of alerts."""
    # Only a task that has failed needs these, and parsing a DAG does not.
    from include.ozon.adapter.alerting.state import hand_over  # noqa: PLC0415
    from include.ozon.configuration import load_settings  # noqa: PLC0415
    from include.ozon.monitoring.alerts.model import Event  # noqa: PLC0415

    task = context["ti"]
    error = context.get("exception")
    reason = one_line(error) or type(error).__name__
    log_url = getattr(task, "log_url", "")
    logger.error(
        "%s of run %s failed in attempt %s: %s Log: %s",
        task.task_id,
        context["run_id"],
        task.try_number,
        reason,
        log_url or "in Airflow's log folder",
    )
    account = context.get("account")
    whose = f" for account {account}" if account else ""
    causes = next((rules for kind, rules in _CAUSED_BY if isinstance(error, kind)), ())
    try:
        hand_over(
            Event(
                rule=TASK_FAILED.name,
                subject=f"{task.dag_id}.{task.task_id}",
                level=TASK_FAILED.limits_in(load_settings()).level,
                message=f"Task {task.task_id} of {task.dag_id} failed{whose}, in attempt {task.try_number}: {reason}",
                happened_at=datetime.now(tz=UTC),
                account=str(account) if account else None,
                caused_by=tuple(rule.name for rule in causes),
                link=log_url,
            )
        )
    except Exception as problem:
        logger.error("The failure could not be handed to the sender of alerts (%s).", type(problem).__name__)
