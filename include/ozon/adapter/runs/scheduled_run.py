"""A run of ``ozon_etl`` under a scheduler that runs on the same metadata database.

The scheduler would also start the tasks of a run in this process, so there would be two of each.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Any

from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.api.common.trigger_dag import trigger_dag
from airflow.jobs.job import Job, JobState
from airflow.models import DagModel, DagRun
from airflow.models.dagbag import DBDagBag
from airflow.plugins_manager import ensure_plugins_loaded
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from include.ozon.adapter.metadata.database import metadata_session
from include.ozon.errors import FatalError
from include.ozon.settings import dags


def has_scheduler() -> bool:
    """Return whether a scheduler runs, by Airflow's own threshold for its heartbeat.

    Raise FatalError if it runs but cannot run this package's DAG, or if the database has no tables yet.
    """
    with metadata_session() as session:
        if not inspect(session.get_bind()).has_table(Job.__tablename__):
            raise FatalError("Airflow's metadata database has no tables yet. Run `airflow db migrate`.")
        running = session.scalars(select(Job).where(Job.job_type == "SchedulerJob", Job.state == JobState.RUNNING))
        scheduler = next((job for job in running if job.is_alive()), None)
        if scheduler is None:
            return False
        _require_active(session, f"A scheduler runs on this Airflow's metadata database (on {scheduler.hostname})")
    return True


def trigger(params: Mapping[str, Any]) -> str:
    """Trigger a run under the scheduler, and return its id."""
    # Creating a run evaluates its deadline, whose reference is in a plugin.
    ensure_plugins_loaded()
    run = trigger_dag(
        dags.ETL,
        triggered_by=DagRunTriggeredByType.CLI,
        triggering_user_name=_user(),
        conf=dict(params),
    )
    if run is None:
        raise FatalError(f"Airflow did not start a run of {dags.ETL}; its scheduler's log shows why.")
    return str(run.run_id)


def stop(run_id: str) -> None:
    """Mark the run as failed, like the button in the web UI: running tasks are stopped, and teardowns run."""
    with metadata_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dags.ETL, DagRun.run_id == run_id))
        if run is None or run.state in {DagRunState.SUCCESS, DagRunState.FAILED}:
            return
        if run.state == DagRunState.QUEUED:
            # It waits for another run; its teardowns have nothing to close.
            for task in run.get_task_instances(session=session):
                task.set_state(TaskInstanceState.SKIPPED, session=session)
            run.set_state(DagRunState.FAILED)
            return
        dag = DBDagBag().get_dag_for_run(run, session=session)
        if dag is not None:
            set_dag_run_state_to_failed(dag=dag, run_id=run_id, commit=True, session=session)


def _require_active(session: Session, found: str) -> None:
    dag = session.scalar(select(DagModel).where(DagModel.dag_id == dags.ETL, DagModel.is_stale.is_(False)))
    if dag is None:
        raise FatalError(
            f"{found}, but does not know {dags.ETL}. Start its DAG processor with this project's dags folder, or run "
            "`airflow dags reserialize`. Or stop that scheduler: then the run is done in this process."
        )
    if dag.is_paused:
        raise FatalError(
            f"{found}, but {dags.ETL} is paused there, so no run would start. Run `airflow dags unpause {dags.ETL}`, "
            "or `ozon schedule install --target airflow` for all DAGs of this package."
        )


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return None
