"""Result of a run: its exit code, and its table or JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.ozon.cli import common
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.reports.runs import ComponentRow
from include.ozon.reports.runs_text import runs_tables

if TYPE_CHECKING:
    from include.ozon.adapter.runs.run_state import RunState, TaskState

FAILED, TAKEN = 1, 3


@dataclass(frozen=True)
class RunResult:
    dag_run_id: str
    run: RunState
    rows: list[ComponentRow]
    dry_run: bool
    by_scheduler: bool
    interrupted_by: str
    """The signal's name; empty without a signal."""
    interrupted_exit_code: int
    log: Path | None
    """Airflow's log, if the run was in this process."""
    problem: str = ""
    """The reason why the records could not be read."""

    @property
    def exit_code(self) -> int:
        if self.interrupted_by:
            return self.interrupted_exit_code
        if self.run.state != "success":
            return FAILED
        return TAKEN if self.run.skipped_accounts else 0

    @property
    def outcome(self) -> str:
        if self.interrupted_by:
            return "cancelled"
        return {0: "success", FAILED: "failed", TAKEN: "account taken"}[self.exit_code]

    def sentences(self) -> list[str]:
        """Return the notes below the table."""
        notes = []
        if self.dry_run:
            notes.append("Dry run: nothing was written; these are the changes that a load would have made.")
        if self.interrupted_by:
            notes.append(f"The run was stopped ({self.interrupted_by}).")
        else:
            notes += [_failure(task, self.by_scheduler) for task in self.run.failed_tasks]
            notes += [
                f"Account {account} was not loaded: another run is loading it." for account in self.run.skipped_accounts
            ]
        if self.problem:
            notes.append(self.problem)
        if self.log and self.exit_code:
            notes.append(f"Airflow's log of the run: {self.log}")
        return notes

    def as_dict(self) -> dict[str, Any]:
        """Return the data of `ozon run --output json`."""
        return {
            "dag_run_id": self.dag_run_id,
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "dag_run_state": self.run.state,
            "by_scheduler": self.by_scheduler,
            "dry_run": self.dry_run,
            "interrupted_by": self.interrupted_by or None,
            "tasks": [asdict(task) for task in self.run.tasks],
            "components": [asdict(row) for row in self.rows],
            "log": str(self.log) if self.log else None,
            "problem": self.problem or None,
        }

    def print(self) -> None:
        console = common.console()
        console.print(runs_tables(self.rows))
        for sentence in self.sentences():
            console.print(sentence, highlight=False, soft_wrap=True)


def dry_run_rows(
    dag_run_id: str, tasks: Sequence[TaskState], numbers: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[ComponentRow]:
    """Return the table's rows for a run without records, from the return values of its tasks."""
    names = {field.name for field in fields(ComponentRow)}
    missing = dict.fromkeys(names)
    ordered = sorted((task for task in tasks if task.is_component), key=_by_account_and_component)
    return [
        ComponentRow(
            **{
                **missing,
                **{name: value for name, value in numbers.get(key, {}).items() if name in names},
                "workflow_id": f"{dag_run_id}/{task.account}",
                "account": task.account,
                "dag_run_id": dag_run_id,
                "workflow_status": task.state,
                "component": task.task_id,
                "attempt": task.try_number,
                "status": task.state,
            }
        )
        for task in ordered
        for key in [(task.account or "", task.task_id)]
        if task.account
    ]


def _by_account_and_component(task: TaskState) -> tuple[str, int]:
    return task.account or "", COMPONENT_NAMES.index(task.task_id)


def _failure(task: TaskState, by_scheduler: bool) -> str:
    whose = f" of account {task.account}" if task.account else ""
    where = f" Its log: {task.log_url}" if by_scheduler else ""
    return f"{task.task_id}{whose} failed in attempt {task.try_number}.{where}"
