"""The view of the runs: the workflows of a period, or of one of Airflow's DAG runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import RedirectResponse, Response

from include.ozon.page import workflows
from include.ozon.page.loads import due_at, is_late
from include.ozon.page.rendering import link
from include.ozon.page.run import TRIGGERS, workflow_path
from include.ozon.page.view import InView, View
from include.ozon.page.workflows import Position
from include.ozon.pipeline.records import STATUS_NAMES, Status
from include.ozon.settings import dags
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection

router = APIRouter()

ROWS = 50


@dataclass(frozen=True)
class Row:
    """A workflow in the list, with the path of its view."""

    workflow: workflows.Workflow
    path: str
    trigger: str
    is_late: bool
    duration: str


@router.get("/runs")
async def show(
    view: InView,
    status: Annotated[Status | Literal[""], Query()] = "",
    before: Annotated[AwareDatetime | None, Query()] = None,
    before_id: Annotated[str, Query(max_length=400)] = "",
    dag_id: Annotated[str, Query(max_length=250)] = "",
    dag_run_id: Annotated[str, Query(max_length=250)] = "",
) -> Response:
    if dag_id and dag_id != dags.ETL:
        return view.page("runs_of_other_dag.html", dag_id=dag_id)
    position = Position(before, before_id) if before else None

    def read(connection: Connection) -> list[workflows.Workflow]:
        require_head(connection)
        if dag_run_id:
            return workflows.read_dag_run(connection, view.accounts, dag_run_id)
        return workflows.read_page(connection, view.accounts, view.since, status, position, ROWS + 1)

    found = await view.read(read)
    if dag_run_id and len(found) == 1:
        return RedirectResponse(link(view.request, workflow_path(found[0].workflow_id)), status_code=303)
    shown = found[:ROWS]
    return view.page(
        "runs.html",
        rows=[_row(view, workflow) for workflow in shown],
        statuses=STATUS_NAMES,
        older=shown[-1] if len(found) > ROWS else None,
        position=position,
        selected_status=status,
        dag_run_id=dag_run_id,
    )


def _row(view: View, workflow: workflows.Workflow) -> Row:
    due = due_at(workflow.trigger, workflow.started_at, view.settings)
    return Row(
        workflow,
        workflow_path(workflow.workflow_id),
        TRIGGERS.get(workflow.trigger, workflow.trigger),
        is_late(workflow.finished_at, due, view.settings, view.now),
        _clock(workflow.duration(view.now)),
    )


def _clock(duration: timedelta) -> str:
    """Return a duration that lines up in a column: ``0:05``, ``1:22``, ``2:01:00``."""
    minutes, seconds = divmod(max(0, round(duration.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
