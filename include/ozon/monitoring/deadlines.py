"""Runs that have missed their deadline, and the event about each that somebody waits for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from include.ozon.monitoring.alerts.model import Event
from include.ozon.monitoring.unchecked import RUN_DEADLINE
from include.ozon.settings.limits import AlertLevel
from include.ozon.translation import N_, _, in_every_language
from include.ozon.warehouse.session import Connection
from include.ozon.words import HasTimeZone, moment, span

_ENDED = {"success", "failed"}
_BACKFILL = "backfill"
_FINISHED_TASKS = {"success", "failed", "skipped", "upstream_failed", "removed"}
_LISTED_TASKS = 10
_USUAL_LOADS = 20
_NOT_BEGUN = N_("not begun")
_TASK_STATES = (N_("queued"), N_("scheduled"), N_("deferred"), N_("up for retry"))
"""Airflow's states of tasks that have not ended, for the catalogue."""

# Accounts that the run has not begun yet have no workflow, but a usual duration.
_LOADS = """
WITH accounts AS (
    SELECT unnest(%(accounts)s::text[]) AS account
    UNION
    SELECT account FROM ozon.etl_workflow_executions WHERE dag_run_id = %(dag_run_id)s
)
SELECT a.account, w.status, c.component, c.attempt, c.status AS component_status, c.started_at AS component_started_at,
       usual.seconds AS usual_seconds
FROM accounts a
LEFT JOIN ozon.etl_workflow_executions w ON w.account = a.account AND w.dag_run_id = %(dag_run_id)s
LEFT JOIN LATERAL (
    SELECT component, attempt, status, started_at FROM ozon.etl_component_executions e
    WHERE e.workflow_id = w.workflow_id
    ORDER BY started_at DESC, attempt DESC LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY former.duration_seconds) AS seconds
    FROM (
        SELECT duration_seconds FROM ozon.etl_workflow_executions f
        WHERE f.account = a.account AND f.status = 'success' AND f.dag_run_id <> %(dag_run_id)s
        ORDER BY f.started_at DESC LIMIT %(usual_loads)s
    ) former
) usual ON true
ORDER BY a.account
"""


@dataclass(frozen=True)
class LateRun:
    """A run, as Airflow knows it when its deadline has passed."""

    dag_id: str
    run_id: str
    run_type: str
    state: str
    due_at: datetime
    deadline_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def limit(self) -> timedelta:
        return self.deadline_at - self.due_at


@dataclass(frozen=True)
class AccountLoad:
    """An account's progress: its workflow's status (None: not begun) and the component that began last."""

    account: str
    status: str | None
    component: str | None
    attempt: int | None
    component_status: str | None
    component_started_at: datetime | None
    usual_seconds: float | None

    @property
    def is_unfinished(self) -> bool:
        return self.status in {None, "running"}


def late_run(dag_run: Mapping[str, Any], deadline: Mapping[str, Any]) -> LateRun:
    """Return the run of a callback's context, as it was when the scheduler noticed that the deadline had passed."""
    deadline_at = _moment(deadline["deadline_time"])
    due_at = _moment(dag_run["run_after"])
    if deadline_at is None or due_at is None:
        raise ValueError("a deadline without a time")
    return LateRun(
        dag_id=dag_run["dag_id"],
        run_id=dag_run["dag_run_id"],
        run_type=dag_run["run_type"],
        state=dag_run["state"],
        due_at=due_at,
        deadline_at=deadline_at,
        started_at=_moment(dag_run["start_date"]),
        ended_at=_moment(dag_run["end_date"]),
    )


def reason_for_silence(run: LateRun, paused_dags: Collection[str]) -> str | None:
    """Return why nobody is notified of this deadline; None if people are."""
    if run.run_type == _BACKFILL:
        return "the run belongs to a backfill, for which nobody waits"
    if run.state in _ENDED and run.ended_at is not None and run.ended_at <= run.deadline_at:
        return f"the run had ended in time ({run.state})"
    if run.started_at is None or run.started_at > run.deadline_at:
        return "the run had not been started by then, and a missed schedule is for the health check to report"
    if run.dag_id in paused_dags:
        return "the DAG is paused"
    return None


def read_loads(connection: Connection, run: LateRun, accounts: Sequence[str]) -> list[AccountLoad]:
    """Return the loads of these accounts and of those that the run has begun, by the warehouse's records."""
    parameters = {"accounts": list(accounts), "dag_run_id": run.run_id, "usual_loads": _USUAL_LOADS}
    return connection.cursor(row_factory=class_row(AccountLoad)).execute(_LOADS, parameters).fetchall()


def late_run_event(
    run: LateRun,
    *,
    loads: Sequence[AccountLoad],
    tasks: Mapping[str, str | None],
    notes: Sequence[str] = (),
    caused_by: tuple[str, ...] = (),
    level: AlertLevel,
    link: str,
    now: datetime,
    settings: HasTimeZone,
) -> Event:
    """Return the event about a late run. ``tasks`` has the states of the run's tasks.

    Its value and threshold stay empty: the limit is not the rule's, and the sentence names both. ``notes`` are further
    lines, marked for translation.
    """
    unfinished = [load.account for load in loads if load.is_unfinished]
    if run.state in _ENDED:
        seen = f"it ended {span((run.ended_at or now) - run.due_at)} after it was due ({run.state})"
    else:
        seen = f"it is still {run.state} {span(now - run.due_at)} after it was due"
    limit = f"{span(run.limit)} are allowed (deadlines.{run.dag_id}_minutes)"
    return Event(
        rule=RUN_DEADLINE.name,
        subject=run.dag_id,
        level=level,
        message=f"{run.dag_id} has missed its deadline: {seen}{_of_accounts(unfinished)}; {limit}.",
        happened_at=run.deadline_at,
        account=unfinished[0] if len(unfinished) == 1 else None,
        caused_by=caused_by,
        link=link,
        details=in_every_language(
            lambda: [
                _run_line(run, settings),
                *_task_lines(tasks),
                *(_load_line(load, settings) for load in loads),
                *map(_, notes),
            ]
        ),
    )


def _run_line(run: LateRun, settings: HasTimeZone) -> str:
    return _("Run {run}, due at {due}, had to end by {deadline}.").format(
        run=run.run_id, due=moment(run.due_at, settings), deadline=moment(run.deadline_at, settings)
    )


def _of_accounts(accounts: Sequence[str]) -> str:
    if not accounts:
        return ""
    return f", for account{'s' if len(accounts) > 1 else ''} {' and '.join(accounts)}"


def _task_lines(tasks: Mapping[str, str | None]) -> list[str]:
    unfinished = [(task, state) for task, state in sorted(tasks.items()) if state not in _FINISHED_TASKS]
    if not unfinished:
        return []
    begun = sorted(unfinished, key=lambda item: item[1] is None)
    named = ", ".join(f"{task} ({_(_state(state))})" for task, state in begun[:_LISTED_TASKS])
    if len(begun) > _LISTED_TASKS:
        named = _("{listed} and {count} more").format(listed=named, count=len(begun) - _LISTED_TASKS)
    return [_("Tasks that have not ended: {tasks}.").format(tasks=named)]


def _state(state: str | None) -> str:
    return state.replace("_", " ") if state else _NOT_BEGUN


def _load_line(load: AccountLoad, settings: HasTimeZone) -> str:
    if load.usual_seconds is None:
        usual = _("no load before this one was successful")
    else:
        usual = _("a load usually takes {span}").format(span=span(timedelta(seconds=load.usual_seconds)))
    return _("Account {account}: {state}; {usual}.").format(
        account=load.account, state=_progress(load, settings), usual=usual
    )


def _progress(load: AccountLoad, settings: HasTimeZone) -> str:
    if load.status is None:
        return _(_NOT_BEGUN)
    if not load.is_unfinished:
        return _("ended ({status})").format(status=_(load.status))
    if load.component_status == "running" and load.component_started_at is not None:
        return _("{component} is running since {since}, attempt {attempt}").format(
            component=load.component, since=moment(load.component_started_at, settings), attempt=load.attempt
        )
    if load.component_status == "success":
        return _("between its tasks: {component} was successful").format(component=load.component)
    status = _(load.component_status or _NOT_BEGUN)
    return _("waiting for its retry: {component} was {status} in attempt {attempt}").format(
        component=load.component, status=status, attempt=load.attempt
    )


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
