"""The records of workflows: their components' attempts with all numbers, guards and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from include.ozon.pipeline.components import COMPONENT_NAMES, find_component
from include.ozon.pipeline.phases import PHASES
from include.ozon.translation import gettext as _
from include.ozon.warehouse.session import Connection

_FIELDS = """
SELECT workflow_id, account, dag_run_id, trigger, status, started_at, finished_at, duration_seconds, error,
       execution_details AS details
FROM ozon.etl_workflow_executions
"""

_PAGE = (
    _FIELDS
    + """
WHERE account = ANY(%(accounts)s) AND started_at >= %(since)s
  AND (%(status)s = '' OR status = %(status)s)
  AND (%(before)s::timestamptz IS NULL OR (started_at, workflow_id) < (%(before)s, %(before_id)s))
ORDER BY started_at DESC, workflow_id DESC
LIMIT %(limit)s
"""
)
_OF_DAG_RUN = _FIELDS + "WHERE dag_run_id = %(dag_run_id)s AND account = ANY(%(accounts)s) ORDER BY account"
_ONE = _FIELDS + "WHERE workflow_id = %(workflow_id)s AND account = ANY(%(accounts)s)"

_ATTEMPTS = """
SELECT workflow_id, component, attempt, status, started_at, finished_at, duration_seconds, rows_read, rows_inserted,
       rows_updated, rows_unchanged, rows_removed, rows_rejected, rows_repeated, api_requests, api_retries,
       api_rate_limited, api_wait_seconds, peak_memory_mb, visibility_counts, error
FROM ozon.etl_component_executions
WHERE workflow_id = ANY(%(workflow_ids)s)
ORDER BY array_position(%(components)s, component), component, attempt
"""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a component, as recorded."""

    workflow_id: str
    component: str
    attempt: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    rows_read: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_removed: int
    rows_rejected: int
    rows_repeated: int
    api_requests: int
    api_retries: int
    api_rate_limited: int
    api_wait_seconds: float
    peak_memory_mb: float
    visibility_counts: dict[str, int] | None
    error: str | None

    @property
    def title(self) -> str:
        return _(find_component(self.component).title)

    @property
    def rows_changed(self) -> int:
        return self.rows_inserted + self.rows_updated + self.rows_removed


@dataclass(frozen=True)
class Workflow:
    """One workflow, as recorded, with its attempts in order."""

    workflow_id: str
    account: str
    dag_run_id: str
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    error: str | None
    details: Mapping[str, Any]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last_attempts(self) -> Mapping[str, Attempt]:
        """The last attempt of each component that was started."""
        return {attempt.component: attempt for attempt in self.attempts}

    @property
    def accepted_guards(self) -> Sequence[str]:
        found: Sequence[str] = self.details.get("accept_guards", ())
        return found

    @property
    def guards(self) -> list[tuple[str, str]]:
        """The guards that fired without stopping the load, each with its component's title."""
        return self._noted("guards")

    @property
    def warnings(self) -> list[tuple[str, str]]:
        return self._noted("warnings")

    def detail(self, component: str) -> Mapping[str, Any]:
        """Return the further figures of a component's last attempt."""
        found: Mapping[str, Any] = self.details.get(component, {})
        return found

    def seconds(self, attempt: Attempt) -> Mapping[str, float]:
        """Return an attempt's seconds by phase; empty for attempts before they were recorded."""
        found = self.details.get("seconds", {}).get(f"{attempt.component}/{attempt.attempt}", {})
        return {phase: found[phase] for phase in PHASES if phase in found}

    def duration(self, now: datetime) -> timedelta:
        """Return the time from start to end, or until now."""
        return (self.finished_at or now) - self.started_at

    def _noted(self, name: str) -> list[tuple[str, str]]:
        return [
            (_(find_component(component).title), sentence)
            for component in COMPONENT_NAMES
            for sentence in self.detail(component).get(name, ())
        ]


@dataclass(frozen=True)
class Position:
    """The place in the list after which the next page begins: the last workflow's start and id."""

    started_at: datetime
    workflow_id: str


def read_page(
    connection: Connection,
    accounts: Sequence[str],
    since: datetime,
    status: str,
    before: Position | None,
    limit: int,
) -> list[Workflow]:
    """Return workflows that started since then, the newest first; ``status`` is empty for all."""
    values = {
        "accounts": list(accounts),
        "since": since,
        "status": status,
        "before": before and before.started_at,
        "before_id": before and before.workflow_id,
        "limit": limit,
    }
    return _read(connection, _PAGE, values)


def read_dag_run(connection: Connection, accounts: Sequence[str], dag_run_id: str) -> list[Workflow]:
    """Return the workflows of one DAG run, by account.

    A plus sign that a browser or a proxy has read as a space is understood, too.
    """
    for name in dict.fromkeys((dag_run_id, dag_run_id.replace(" ", "+"))):
        if found := _read(connection, _OF_DAG_RUN, {"dag_run_id": name, "accounts": list(accounts)}):
            return found
    return []


def read_workflow(connection: Connection, accounts: Sequence[str], workflow_id: str) -> Workflow | None:
    """Return the workflow; None if there is none of that id."""
    found = _read(connection, _ONE, {"workflow_id": workflow_id, "accounts": list(accounts)})
    return found[0] if found else None


def _read(connection: Connection, query: str, values: Mapping[str, Any]) -> list[Workflow]:
    workflows = connection.cursor(row_factory=class_row(Workflow)).execute(query.encode(), values).fetchall()
    by_id = {workflow.workflow_id: workflow for workflow in workflows}
    if by_id:
        attempts = {"workflow_ids": list(by_id), "components": list(COMPONENT_NAMES)}
        for attempt in connection.cursor(row_factory=class_row(Attempt)).execute(_ATTEMPTS, attempts):
            by_id[attempt.workflow_id].attempts.append(attempt)
    return workflows
