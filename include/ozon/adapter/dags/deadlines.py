"""The deadline of a DAG's runs, for Airflow. Imported whenever a DAG is parsed, so it imports little."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

from include.ozon.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class RunDue(BaseDeadlineReference):
    """The moment a run was due (``run_after``), which every run has.

    Airflow's own references do not work for every run: one without a logical date has no deadline at all, and one that
    is counted from ``queued_at`` cannot be cleared (apache/airflow issue 70368). Airflow finds this class by the plugin
    ``ozon``; ``deadline_reference()`` would register it, too, but imports the ORM whenever a DAG is parsed.
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        # Only the process that creates a run has the ORM.
        from airflow.models import DagRun  # noqa: PLC0415
        from sqlalchemy import select  # noqa: PLC0415

        return session.scalar(select(DagRun.run_after).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))


def run_deadline(dag_id: str, settings: Settings, interval: timedelta | None = None) -> DeadlineAlert:
    """Return the argument of ``@dag(deadline=...)``, by default with the setting ``deadlines.<dag_id>_minutes``.

    ``interval`` replaces the setting in tests that cannot wait for minutes.
    """
    minutes: int = getattr(settings.deadlines, f"{dag_id}_minutes")
    return DeadlineAlert(
        name="finished in time",
        reference=RunDue(),
        interval=timedelta(minutes=minutes) if interval is None else interval,
        callback=AsyncCallback(run_is_late),
    )


async def run_is_late(context: dict[str, Any]) -> str:
    """Report a late run; called by the triggerer. The returned sentence is the callback's output in Airflow.

    The work is done in a thread: mail servers and the warehouse must not block the triggerer.
    """
    from include.ozon.adapter.alerting.late_run import notify_of_late_run  # noqa: PLC0415

    return await asyncio.to_thread(notify_of_late_run, context)
