"""What Airflow calls when a task has failed."""

from __future__ import annotations

import logging

from airflow.sdk import Context

logger = logging.getLogger("ozon.tasks")


def log_failure(context: Context) -> None:
    """A task's ``on_failure_callback``: one sentence that says what failed, for whom, and where its log is."""
    task = context["ti"]
    logger.error(
        "%s of run %s failed in try %s: %s Log: %s",
        task.task_id,
        context["run_id"],
        task.try_number,
        context.get("exception"),
        getattr(task, "log_url", "in Airflow's log folder"),
    )
