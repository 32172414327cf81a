"""The state of a run of ``ozon_etl`` in Airflow's metadata database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.models import DagRun, TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import State
from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ozon.adapter.metadata.database import metadata_session
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.settings import dags

_RETURNED = "return_value"


@dataclass(frozen=True)
class TaskState:
    task_id: str
    account: str | None
    """None for the tasks that concern all accounts."""
    state: str
    """``none`` before it was scheduled."""
    try_number: int
    log_url: str

    @property
    def is_component(self) -> bool:
        return self.task_id in COMPONENT_NAMES


@dataclass(frozen=True)
class RunState:
    state: str
    tasks: tuple[TaskState, ...]

    @property
    def has_ended(self) -> bool:
        return self.state in State.finished_dr_states

    @property
    def failed_tasks(self) -> list[TaskState]:
        return [task for task in self.tasks if task.state == "failed"]

    @property
    def skipped_accounts(self) -> list[str]:
        """The accounts that were busy when a component was to start."""
        skipped = [task.account for task in self.tasks if task.is_component and task.state == "skipped"]
        return [account for account in dict.fromkeys(skipped) if account]


def read_run(run_id: str) -> RunState:
    """Read the run and its tasks; mapped ones come after those that concern all accounts."""
    with metadata_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dags.ETL, DagRun.run_id == run_id))
        if run is None:
            return RunState("failed", ())
        accounts = _returned(session, run_id, "select_accounts").get(-1) or []
        tasks = session.scalars(
            select(TaskInstance)
            .where(TaskInstance.dag_id == dags.ETL, TaskInstance.run_id == run_id)
            .order_by(TaskInstance.map_index, TaskInstance.task_id.desc())
        )
        return RunState(str(run.state), tuple(_task(task, accounts) for task in tasks))


def returned_numbers(run_id: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the components' return values by account and component: the numbers of a run without records."""
    with metadata_session() as session:
        accounts = _returned(session, run_id, "select_accounts").get(-1) or []
        return {
            (accounts[index], component): numbers
            for component in COMPONENT_NAMES
            for index, numbers in sorted(_returned(session, run_id, component).items())
            if 0 <= index < len(accounts)
        }


def _returned(session: Session, run_id: str, task_id: str) -> dict[int, Any]:
    """Read return values by the mapped task's index, which is -1 for a task that is not mapped."""
    found = select(XComModel.map_index, XComModel.value).where(
        XComModel.dag_id == dags.ETL,
        XComModel.run_id == run_id,
        XComModel.task_id == task_id,
        XComModel.key == _RETURNED,
    )
    return {row.map_index: row.value for row in session.execute(found)}


def _task(task: TaskInstance, accounts: Sequence[str]) -> TaskState:
    return TaskState(
        task_id=task.task_id,
        account=accounts[task.map_index] if 0 <= task.map_index < len(accounts) else None,
        state=str(task.state or "none"),
        try_number=task.try_number,
        log_url=task.log_url,
    )
