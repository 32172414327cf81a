"""The view of one workflow: its attempts' numbers, where the time went, guards, and rejected items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse

from include.ozon.page import rejected, workflows
from include.ozon.page.loads import due_at, is_late
from include.ozon.page.view import InView, NotFoundError, View
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.reports import charts
from include.ozon.reports.chart_parts import Option
from include.ozon.reports.run_definitions import PHASES
from include.ozon.settings import dags
from include.ozon.translation import N_
from include.ozon.translation import gettext as _
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection
from include.ozon.words import with_unit

router = APIRouter()

TRIGGERS = {
    "scheduled": N_("by schedule"),
    "manual": N_("by hand"),
    "backfill": N_("backfill"),
    "asset_triggered": N_("by an asset"),
}
"""Airflow's types of runs, as people see them."""

_BARS = 8
_FURTHER = {
    ("product_etl", "rejected_fields"): N_("Products loaded without a field"),
    ("inventory_etl", "rejected_fields"): N_("Stock loaded without a field"),
    ("inventory_etl", "seller_warehouses", "inserted"): N_("Stock by seller warehouse: new"),
    ("inventory_etl", "seller_warehouses", "updated"): N_("Stock by seller warehouse: updated"),
    ("inventory_etl", "seller_warehouses", "removed"): N_("Stock by seller warehouse: removed"),
    ("inventory_etl", "ozon_warehouses", "skus_asked"): N_("SKUs asked for at FBO warehouses"),
}
"""The titles of further figures, by their place in ``execution_details``."""


@dataclass(frozen=True)
class RunView:
    """Everything that the view shows, from one snapshot of the warehouse."""

    workflow: workflows.Workflow
    rejected: list[rejected.RejectedGroup]
    due_at: datetime | None
    is_late: bool
    time_chart: Option | None


def workflow_path(workflow_id: str) -> str:
    """Return the path of a workflow's view below the page's: its id may have any character of a run's id."""
    return f"runs/{quote(workflow_id, safe='/:')}"


@router.get("/runs/{workflow_id:path}")
async def show(view: InView, workflow_id: Annotated[str, Path(max_length=400)]) -> HTMLResponse:
    run = await view.read(lambda connection: _read(connection, view, workflow_id))
    workflow = run.workflow
    return view.page(
        "run.html",
        run=run,
        workflow=workflow,
        trigger=TRIGGERS.get(workflow.trigger, workflow.trigger),
        in_airflow=_in_airflow(view, workflow),
        phases=list(PHASES),
        further=_further(workflow),
        component_titles={component.name: _(component.title) for component in COMPONENTS},
    )


def _read(connection: Connection, view: View, workflow_id: str) -> RunView:
    require_head(connection)
    # Of any account: the filter in the address selects what other views show.
    workflow = workflows.read_workflow(connection, list(view.settings.accounts), workflow_id)
    if workflow is None:
        raise NotFoundError(workflow_id)
    due = due_at(workflow.trigger, workflow.started_at, view.settings)
    return RunView(
        workflow=workflow,
        rejected=rejected.read_rejected(connection, workflow),
        due_at=due,
        is_late=is_late(workflow.finished_at, due, view.settings, view.now),
        time_chart=_time_chart(workflow, view.now),
    )


def _further(workflow: workflows.Workflow) -> list[tuple[str, int]]:
    found = []
    for path, title in _FURTHER.items():
        value: Any = workflow.details
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, int):
            found.append((_(title), value))
    return found


def _in_airflow(view: View, workflow: workflows.Workflow) -> str:
    airflow = str(view.request.scope.get("root_path", "")).rpartition("/")[0]
    return f"{airflow}/dags/{dags.ETL}/runs/{quote(workflow.dag_run_id, safe='')}"


def _time_chart(workflow: workflows.Workflow, now: datetime) -> Option | None:
    titles = {phase: _(definition.title) for phase, definition in PHASES.items()}
    bars = [_bar(workflow, attempt, now, titles) for attempt in workflow.attempts[-_BARS:]]
    return charts.seconds_by_phase(bars, titles) if bars else None


def _bar(
    workflow: workflows.Workflow, attempt: workflows.Attempt, now: datetime, titles: Mapping[str, str]
) -> charts.PhaseBar:
    has_retries = sum(each.component == attempt.component for each in workflow.attempts) > 1
    name = f"{attempt.title} {attempt.attempt}" if has_retries else attempt.title
    total = ((attempt.finished_at or now) - attempt.started_at).total_seconds()
    seconds = dict(workflow.seconds(attempt))
    # The start, the end and the record of an attempt; all of it for one that still runs or that was killed.
    seconds["other"] = max(0.0, total - sum(seconds.values()))
    named = {**titles, "other": _("other")}
    return charts.PhaseBar(
        name=name,
        starts_after_seconds=(attempt.started_at - workflow.started_at).total_seconds(),
        seconds=seconds,
        tooltips={
            phase: f"{name}\n{named[phase]}: {with_unit(round(value, 1), 'duration-second', 'short')}"
            for phase, value in seconds.items()
        },
    )
