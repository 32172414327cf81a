"""The common base of the checks of an account's loads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from include.ozon.monitoring.health.api import API_DOWN
from include.ozon.monitoring.health.checks import HealthContext, Row
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Judgement, unknown
from include.ozon.pipeline.component import Component
from include.ozon.settings import Settings
from include.ozon.translation import N_
from include.ozon.words import moment

# A load that fails or hangs for one of these needs no notification of its own.
LOAD_STOPPERS = (*WAREHOUSE_DOWN, *API_DOWN)

LOOK_AT_RUNS = N_("Run `ozon runs` for the error, and look up its class in docs/runbook.md.")

LAST_STARTED: LiteralString = """
SELECT workflow_id, status, started_at FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND started_at <= %(now)s
ORDER BY started_at DESC LIMIT 1
"""

LAST_SUCCESS: LiteralString = """
SELECT started_at, finished_at
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = %(component)s AND status = 'success'
ORDER BY started_at DESC
LIMIT 1
"""


@dataclass(frozen=True)
class AccountLoads:
    """The recorded loads of one account."""

    context: HealthContext
    account: str

    @property
    def settings(self) -> Settings:
        return self.context.settings

    @property
    def now(self) -> datetime:
        return self.context.now

    def rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        return self.context.rows(query, account=self.account, now=self.now, **parameters)

    def row(self, query: LiteralString, **parameters: object) -> Row | None:
        return next(iter(self.rows(query, **parameters)), None)

    def last_started(self) -> Row | None:
        """Return the last workflow's id, status and start."""
        return self.row(LAST_STARTED)

    def last_success(self, component: Component[Any]) -> tuple[datetime, datetime] | None:
        """Return the start and end of the last successful attempt."""
        found = self.row(LAST_SUCCESS, component=component.name)
        return (found[0], found[1]) if found else None

    def nothing_recorded(self) -> Judgement:
        return unknown(f"Account {self.account} has no recorded run yet")

    def never_loaded(self, component: Component[Any]) -> Judgement:
        return unknown(f"Account {self.account}: no {component.title} loaded yet")

    def text(self, what: str) -> str:
        return f"Account {self.account}: {what}"

    def at(self, moment_: datetime) -> str:
        return moment(moment_, self.settings)
