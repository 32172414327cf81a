"""The area of the time limits: each component's duration, with retries and waits, while it runs and afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from include.ozon.monitoring.health.checks import Area, Check, HealthContext
from include.ozon.monitoring.health.loads import LOAD_STOPPERS
from include.ozon.monitoring.results import Judgement, judge, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.settings.limits import Above
from include.ozon.translation import N_
from include.ozon.words import minutes_between, moment

# Of the last workflow in which the component worked. A skipped one took no time, and must not hide the one that it was
# skipped for.
_ATTEMPTS = """
SELECT c.attempt, c.status, c.started_at, c.finished_at, w.workflow_id, w.status
FROM ozon.etl_component_executions c
JOIN ozon.etl_workflow_executions w USING (workflow_id)
WHERE c.component = %(component)s
  AND c.status <> 'skipped'
  AND c.workflow_id = (
    SELECT workflow_id FROM ozon.etl_component_executions
    WHERE account = %(account)s AND component = %(component)s AND status <> 'skipped' AND started_at <= %(now)s
    ORDER BY started_at DESC LIMIT 1
  )
ORDER BY c.attempt
"""

# A retry waits in Airflow's queue, too, after its own delay. A later attempt was most likely started by a person.
_QUEUE = timedelta(minutes=15)


@dataclass(frozen=True)
class _Attempt:
    number: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    workflow_id: str
    workflow_status: str

    def ended_at(self, now: datetime, longest_wait: timedelta) -> datetime | None:
        """Return the end; None while the attempt runs, or while a retry may still follow.

        The workflow's own end is not enough: its record may be lost.
        """
        if self.finished_at is None:
            return None
        is_last = self.status == "success" or self.workflow_status != "running"
        return self.finished_at if is_last or now - self.finished_at > longest_wait else None


def _time_limit(component: str) -> Rule[Above]:
    return Rule(
        name=f"{component}_minutes",
        title=N_("{component} takes too long", component=component),
        measures=N_("Duration of {component}, retries included.", component=component),
        unit=Unit.MINUTES,
        limits=Above(warning=60, critical=120),
        next_step=N_("Check the log of its task in Airflow; if the task hangs, mark it as failed."),
        meaning=f"`{component}`, with its retries, takes longer than its time limit.",
        remedy="Check the log of its task, and see [a run that is stuck](#a-run-that-is-stuck).",
        group="slow",
        inhibited_by=LOAD_STOPPERS,
        key=f"components.{component}.time_limit_minutes",
    )


TIME_LIMITS = {component: _time_limit(component) for component in COMPONENT_NAMES}


def checks(context: HealthContext) -> Iterator[Check]:
    for component, rule in TIME_LIMITS.items():
        for account in context.accounts:
            yield Check(rule, partial(_duration, context, component, account), account)


def _duration(context: HealthContext, component: str, account: str) -> Judgement:
    rows = context.rows(_ATTEMPTS, component=component, account=account, now=context.now)
    if not rows:
        return unknown(f"Account {account} has no record of {component} yet")
    longest_wait = timedelta(seconds=max(context.settings.retry.longest_waits_seconds(), default=0)) + _QUEUE
    attempts = _last_attempts([_Attempt(*row) for row in rows], longest_wait)
    first, last = attempts[0], attempts[-1]
    ended_at = last.ended_at(context.now, longest_wait)
    minutes = minutes_between(first.started_at, ended_at or context.now)
    since = f"{minutes:g} minutes, since {moment(first.started_at, context.settings)}"
    text = f"Account {account}: {component} of workflow {last.workflow_id} "
    if ended_at:
        text += f"took {minutes:g} minutes (attempt {last.number}: {last.status})"
    elif last.finished_at is None:
        text += f"has been running for {since} (attempt {last.number})"
    else:
        text += f"has been running for {since}: attempt {last.number} {last.status}, a retry follows"
    return judge(context.settings, TIME_LIMITS[component], minutes, text)


def _last_attempts(attempts: Sequence[_Attempt], longest_wait: timedelta) -> Sequence[_Attempt]:
    """Return the attempts since a person last started the run again; earlier ones are not part of its duration."""
    first = 0
    for index, (former, attempt) in enumerate(pairwise(attempts), start=1):
        ended_at = former.finished_at or attempt.started_at
        if former.status == "success" or attempt.started_at - ended_at > longest_wait:
            first = index
    return attempts[first:]


AREA = Area("deadlines", tuple(TIME_LIMITS.values()), checks)
