"""The first view of the page: is everything all right, what can customers see, what does it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from include.ozon.errors import ConfigurationError
from include.ozon.monitoring import state
from include.ozon.monitoring.alerts.store import acknowledge
from include.ozon.page import loads, visibility
from include.ozon.page.rendering import link
from include.ozon.page.run import workflow_path
from include.ozon.page.view import InView, NotFoundError, View, require_editor
from include.ozon.reports import charts
from include.ozon.reports.chart_parts import Option
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_session

router = APIRouter()

_BARS = 40


@dataclass(frozen=True)
class Overview:
    """Everything that the view shows, from one snapshot of the warehouse."""

    health: state.Health | None
    incidents: list[state.OpenIncident]
    freshness: list[state.Freshness]
    has_products: bool
    visibility_chart: Option | None
    turned_invisible: list[visibility.ReasonGroup]
    are_more_turned: bool
    cost: visibility.Cost
    loads_chart: Option | None


@router.get("/")
async def show(view: InView) -> HTMLResponse:
    overview = await view.read(lambda connection: _read(connection, view))
    return view.page("overview.html", overview=overview, next_load_at=state.next_load_at(view.settings, view.now))


def _read(connection: Connection, view: View) -> Overview:
    require_head(connection)
    yesterday = view.now - timedelta(days=1)
    points = visibility.read_points(connection, view.accounts, view.since, view.now)
    found = loads.read_loads(connection, view.accounts, view.since)
    marks = loads.marks(found, view.settings, view.now)
    bars = loads.bars(found, view.settings, _BARS, _address(view))
    freshness = state.read_freshness(connection, view.accounts, view.settings, view.now)
    return Overview(
        health=state.read_health(connection, view.now),
        incidents=state.read_incidents(connection, view.accounts, view.now),
        freshness=freshness,
        has_products=any(each.loaded_at["product_etl"] for each in freshness),
        visibility_chart=charts.visibility_over_time(points, marks) if points else None,
        turned_invisible=visibility.read_turned_invisible(connection, view.accounts, yesterday),
        are_more_turned=visibility.have_many_turned(connection, view.accounts, yesterday),
        cost=visibility.read_cost(connection, view.accounts, yesterday),
        loads_chart=charts.load_durations(bars) if bars else None,
    )


def _address(view: View) -> Any:
    return lambda workflow_id: link(view.request, workflow_path(workflow_id))


@router.post("/incidents/{incident_id}/acknowledge", dependencies=[Depends(require_editor)])
async def acknowledge_incident(
    view: InView,
    incident_id: Annotated[str, Path(max_length=40)],
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    await run_in_threadpool(_acknowledge, view, incident_id, note.strip() or None)
    return RedirectResponse(link(view.request, "/"), status_code=303)


def _acknowledge(view: View, incident_id: str, note: str | None) -> None:
    with open_session(view.parts.connect, view.settings.warehouse, "ozon_page") as connection:
        require_head(connection)
        try:
            acknowledge(connection, incident_id, view.visitor.name, note, view.now)
        except ConfigurationError as error:
            raise NotFoundError(incident_id) from error
