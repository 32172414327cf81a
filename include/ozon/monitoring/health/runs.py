"""Whether each account's runs come and end well; ``attempts`` has how they go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from include.ozon.monitoring.health import attempts
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.health.loads import LOAD_STOPPERS, LOOK_AT_RUNS, AccountLoads
from include.ozon.monitoring.results import Finding, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.schedule import next_due
from include.ozon.settings.limits import Above, AboveShare, State
from include.ozon.words import count_of, minutes_between, quoted

# What was skipped or cancelled neither failed nor shows that a load works again.
_FAILURES_IN_A_ROW = """
SELECT workflow_id, started_at, error
FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND status = 'failed' AND started_at <= %(now)s
  AND started_at > coalesce((
    SELECT started_at FROM ozon.etl_workflow_executions
    WHERE account = %(account)s AND status = 'success' AND started_at <= %(now)s
    ORDER BY started_at DESC LIMIT 1
  ), '-infinity')
ORDER BY started_at DESC
"""

_LAST_FINISHED = """
SELECT workflow_id, status, finished_at FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND status <> 'running' AND started_at <= %(now)s
ORDER BY started_at DESC LIMIT 1
"""

_OUTCOMES = """
SELECT status, count(*) FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND status <> 'running'
  AND finished_at > %(now)s - interval '24 hours' AND finished_at <= %(now)s
GROUP BY status
"""

# A workflow that was skipped or failed has changed nothing in what the last success left out.
_WARNINGS = """
SELECT workflow_id, ARRAY(
    SELECT warning
    FROM unnest(%(components)s::text[]) WITH ORDINALITY AS component (name, n),
         jsonb_array_elements_text(execution_details #> ARRAY[name, 'warnings']) WITH ORDINALITY AS noted (warning, m)
    ORDER BY component.n, m
)
FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND status = 'success' AND started_at <= %(now)s
ORDER BY started_at DESC LIMIT 1
"""

# A run that was started by hand just before it was due is the one that was due.
_EARLY = timedelta(minutes=1)

FAILURES_IN_A_ROW = Rule(
    name="failures_in_a_row",
    title="loads fail",
    measures="How many workflows of an account failed one after the other.",
    limits=Above(warning=0, critical=2),
    next_step=LOOK_AT_RUNS,
    meaning="The account's last loads failed.",
    remedy="`ozon runs`: find the error's class [below](#errors).",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

FAILURE_RATE_PCT = Rule(
    name="failure_rate_pct",
    title="many loads fail",
    measures="The share of an account's workflows that failed in 24 hours; `min_count` is of workflows.",
    unit=Unit.SHARE,
    limits=AboveShare(warning=25, critical=50, min_count=4),
    next_step=LOOK_AT_RUNS,
    meaning="Many loads of a day failed, some in between succeeded.",
    remedy="`ozon runs --last 20`: the same error each time, or the same hour?",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

LOAD_WARNINGS = Rule(
    name="load_warnings",
    title="a load left something out",
    measures="An account's last successful workflow has left nothing out.",
    limits=State(level="warning"),
    next_step="Do what the sentence says; `ozon runs` shows all of them.",
    meaning="The account's last load succeeded, but a part of it could not be read and is of an earlier load.",
    remedy="`ozon runs` shows every warning with its reason; the next load without one resolves it.",
    inhibited_by=LOAD_STOPPERS,
)

MISSED_SCHEDULE_MINUTES = Rule(
    name="missed_schedule_minutes",
    title="a load that was due did not start",
    measures="For how long a load has been due that nobody started.",
    unit=Unit.MINUTES,
    limits=Above(warning=30, critical=120),
    next_step="Check that Airflow's scheduler runs and that ozon_etl is not paused.",
    meaning="The time of a load has passed and none began.",
    remedy=(
        "Scheduler running? `ozon_etl` paused? `airflow dags list-import-errors`. With cron: `ozon schedule status`."
    ),
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)


def _failures_in_a_row(loads: AccountLoads) -> Finding:
    last = loads.row(_LAST_FINISHED)
    if last is None:
        return loads.nothing_recorded()
    failed = loads.rows(_FAILURES_IN_A_ROW)
    if not failed:
        workflow_id, status, finished_at = last
        seen = f"workflow {workflow_id} ended at {loads.at(finished_at)} ({status})"
        return judge(
            loads.settings, FAILURES_IN_A_ROW, 0, loads.seen(f"{seen}; none has failed since the last success")
        )
    workflow_id, _, error = failed[0]
    _, since, _ = failed[-1]
    seen = "the last workflow has failed"
    if len(failed) > 1:
        seen = f"the last {len(failed)} workflows have failed one after the other, since {loads.at(since)}"
    seen += f"; {workflow_id} says: {quoted(error)}"
    return judge(loads.settings, FAILURES_IN_A_ROW, len(failed), loads.seen(seen))


def _failure_rate_pct(loads: AccountLoads) -> Finding:
    outcomes: dict[str, int] = dict(loads.rows(_OUTCOMES))
    count = sum(outcomes.values())
    if not count:
        if loads.row(_LAST_FINISHED) is None:
            return loads.nothing_recorded()
        return judge(
            loads.settings, FAILURE_RATE_PCT, 0, loads.seen("no workflow has ended in the last 24 hours"), count=0
        )
    failed = outcomes.get("failed", 0)
    pct = round(100 * failed / count, 1)
    seen = f"{failed} of the {count_of(count, 'workflow')} that ended in the last 24 hours failed ({pct:g} %)"
    harmless = [f"{outcomes[status]} {status}" for status in ("skipped", "cancelled") if status in outcomes]
    if harmless:
        seen += f"; {' and '.join(harmless)}, which is no failure"
    return judge(loads.settings, FAILURE_RATE_PCT, pct, loads.seen(seen), count=count)


def _load_warnings(loads: AccountLoads) -> Finding:
    """The value is the number of warnings."""
    last = loads.row(_WARNINGS, components=list(COMPONENT_NAMES))
    if last is None:
        if loads.last_started() is None:
            return loads.nothing_recorded()
        return unknown(loads.seen("no workflow has succeeded yet"))
    workflow_id, warnings = last
    seen = f"workflow {workflow_id} has left nothing out"
    if warnings:
        more = f"; and {count_of(len(warnings) - 1, 'more warning')}" if warnings[1:] else ""
        seen = f"workflow {workflow_id} succeeded, but warns: {quoted(warnings[0])}{more}"
    return judge_state(loads.settings, LOAD_WARNINGS, not warnings, loads.seen(seen), len(warnings))


def _missed_schedule_minutes(loads: AccountLoads) -> Finding:
    """Counted from the first load that was due and did not come: a later one that is due mends nothing.

    An account that was never loaded has missed nothing; that there is no data is told by other checks.
    """
    last = loads.last_started()
    if last is None:
        return loads.nothing_recorded()
    workflow_id, status, started_at = last
    due_at = next_due(loads.settings.schedule.etl, loads.settings.time_zone, started_at + _EARLY)
    latest = f"workflow {workflow_id} started at {loads.at(started_at)} ({status})"
    if due_at > loads.now:
        seen = f"{latest}; the next load is due at {loads.at(due_at)}"
        return judge(loads.settings, MISSED_SCHEDULE_MINUTES, 0, loads.seen(seen))
    minutes = minutes_between(due_at, loads.now)
    seen = (
        f"the load that was due at {loads.at(due_at)} has not been started for {minutes:g} minutes; before "
        f"it, {latest}; see whether ozon_etl is paused and the scheduler runs"
    )
    return judge(loads.settings, MISSED_SCHEDULE_MINUTES, minutes, loads.seen(seen))


MEASURES: Measures[AccountLoads] = (
    (FAILURES_IN_A_ROW, _failures_in_a_row),
    (FAILURE_RATE_PCT, _failure_rate_pct),
    (LOAD_WARNINGS, _load_warnings),
    (attempts.DURATION_RATIO, attempts.duration_ratio),
    (MISSED_SCHEDULE_MINUTES, _missed_schedule_minutes),
    (attempts.KILLED_ATTEMPT, attempts.killed_attempt),
    (attempts.LOCK_HELD_MINUTES, attempts.lock_held_minutes),
    (attempts.PEAK_MEMORY_MB, attempts.peak_memory_mb),
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        yield from checks_of(MEASURES, AccountLoads(context, account), account)


AREA = Area("runs", rules_of(MEASURES), checks)
