"""The loads of a period: when they ran, how long each component took, what they changed, and which were late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any

from psycopg.rows import class_row

from include.ozon.pipeline.components import COMPONENT_NAMES, find_component
from include.ozon.reports.charts import LoadMark
from include.ozon.schedule import due_moments
from include.ozon.settings import Settings
from include.ozon.translation import gettext as _
from include.ozon.translation import ngettext
from include.ozon.warehouse.session import Connection
from include.ozon.words import moment, number, span

# The attempts of one component are one bar: retries are part of how long a load takes.
_LOADS = """
SELECT workflow_id, w.account, w.trigger, w.status AS workflow_status, w.started_at AS workflow_started_at,
       w.finished_at AS workflow_finished_at, component,
       (array_agg(e.status ORDER BY attempt DESC))[1] AS status,
       max(attempt) AS attempts,
       coalesce(sum(e.duration_seconds), 0)::float AS seconds,
       sum(rows_inserted + rows_updated + rows_removed)::bigint AS rows_changed
FROM ozon.etl_workflow_executions w
JOIN ozon.etl_component_executions e USING (workflow_id)
WHERE w.account = ANY(%(accounts)s) AND w.started_at >= %(since)s
GROUP BY workflow_id, component
ORDER BY w.started_at, workflow_id, array_position(%(components)s, component)
"""


@dataclass(frozen=True)
class ComponentLoad:
    """One component of a workflow, all attempts together."""

    workflow_id: str
    account: str
    trigger: str
    workflow_status: str
    workflow_started_at: datetime
    workflow_finished_at: datetime | None
    component: str
    status: str
    attempts: int
    seconds: float
    rows_changed: int


def read_loads(connection: Connection, accounts: Sequence[str], since: datetime) -> list[ComponentLoad]:
    """Return the components of all workflows since then, the oldest workflow first."""
    values = {"accounts": list(accounts), "since": since, "components": list(COMPONENT_NAMES)}
    return connection.cursor(row_factory=class_row(ComponentLoad)).execute(_LOADS, values).fetchall()


def marks(loads: Iterable[ComponentLoad], settings: Settings, now: datetime) -> list[LoadMark]:
    """Return a mark for each moment of loading: the accounts of one run are one mark, as bad as its worst."""
    found: dict[datetime, LoadMark] = {}
    for load in {load.workflow_id: load for load in loads}.values():
        due = due_before(load, settings)
        key = due or load.workflow_started_at
        has_been_late = is_late(load.workflow_finished_at, due, settings, now)
        before = found.get(key)
        status = (
            "failed" if "failed" in {load.workflow_status, before.status if before else ""} else load.workflow_status
        )
        lines = [moment(load.workflow_started_at, settings), _(status), *([_("late")] if has_been_late else [])]
        found[key] = LoadMark(
            at=load.workflow_started_at,
            title="\n".join(lines),
            status=status,
            is_late=has_been_late or bool(before and before.is_late),
        )
    return list(found.values())


def due_before(load: ComponentLoad, settings: Settings) -> datetime | None:
    """Return when a scheduled workflow was due: the last due moment before it began. None for others."""
    return due_at(load.trigger, load.workflow_started_at, settings)


def due_at(trigger: str, started_at: datetime, settings: Settings) -> datetime | None:
    """Return when a workflow with this trigger and start was due; None for one that was not scheduled."""
    return _last_due(settings.schedule.etl, settings.time_zone, started_at) if trigger == "scheduled" else None


def _last_due(expression: str, time_zone: str, at: datetime) -> datetime | None:
    """Return the last due moment before, or None if the schedule has none within a year."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (1, 8, 366):
        moments = _due_between(expression, time_zone, midnight - timedelta(days=days), midnight + timedelta(days=1))
        if found := bisect_right(moments, at):
            return moments[found - 1]
    return None


# Evaluating the expression again for each load of a view takes most of its time.
@lru_cache(maxsize=1000)
def _due_between(expression: str, time_zone: str, start: datetime, end: datetime) -> tuple[datetime, ...]:
    return tuple(takewhile(lambda moment: moment < end, due_moments(expression, time_zone, start)))


def is_late(finished_at: datetime | None, due_at: datetime | None, settings: Settings, now: datetime) -> bool:
    """Return whether a workflow ended after its deadline, or has not ended by then."""
    if due_at is None:
        return False
    return (finished_at or now) > due_at + timedelta(minutes=settings.deadlines.ozon_etl_minutes)


def bars(loads: Sequence[ComponentLoad], settings: Settings, count: int, address: Any) -> list[dict[str, Any]]:
    """Return the last workflows as bars of `charts.load_durations`; ``address`` makes the address of a workflow."""
    by_workflow: dict[str, list[ComponentLoad]] = {}
    for load in loads:
        by_workflow.setdefault(load.workflow_id, []).append(load)
    return [
        {
            "at": parts[0].workflow_started_at,
            "parts": [_bar_part(part, settings, address) for part in parts],
        }
        for parts in list(by_workflow.values())[-count:]
    ]


def _bar_part(load: ComponentLoad, settings: Settings, address: Any) -> dict[str, Any]:
    changed = ngettext("{rows} row changed", "{rows} rows changed", load.rows_changed).format(
        rows=number(load.rows_changed)
    )
    lines = [
        f"{settings.accounts[load.account].title}, {moment(load.workflow_started_at, settings)}",
        f"{_(find_component(load.component).title)}: {_(load.status)}, {span(timedelta(seconds=load.seconds))}",
        changed,
    ]
    return {
        "component": load.component,
        "title": _(find_component(load.component).title),
        "status": load.status,
        "seconds": round(load.seconds, 2),
        "tooltip": "\n".join(lines),
        "href": address(load.workflow_id),
    }
