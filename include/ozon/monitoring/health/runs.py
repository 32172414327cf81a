"""The area of the runs: failures, warnings and missed schedules, and the checks of ``attempts``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from include.ozon.monitoring.health import attempts
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Measures, checks_of, rules_of
from include.ozon.monitoring.health.loads import LOAD_STOPPERS, LOOK_AT_RUNS, AccountLoads
from include.ozon.monitoring.results import Judgement, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.schedule import next_due
from include.ozon.settings.limits import Above, AboveShare, State
from include.ozon.translation import N_
from include.ozon.words import count_of, minutes_between, quoted

# A skipped or cancelled workflow neither failed nor shows that loads work again.
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

# Skipped and failed workflows do not count: they loaded nothing, so the last success is still the state.
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

# A run that was started by hand at most this long before it was due counts as the scheduled one.
_EARLY = timedelta(minutes=1)

FAILURES_IN_A_ROW = Rule(
    name="failures_in_a_row",
    title=N_("loads fail"),
    measures=N_("Number of an account's workflows that failed in a row."),
    limits=Above(warning=0, critical=2),
    next_step=LOOK_AT_RUNS,
    meaning="The last workflows of the account failed. The tables keep the last good state.",
    remedy="`ozon runs` shows the error; find its class [below](#errors).",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

FAILURE_RATE_PCT = Rule(
    name="failure_rate_pct",
    title=N_("many loads fail"),
    measures=N_("Share of an account's workflows that failed in 24 hours; `min_count` counts workflows."),
    unit=Unit.SHARE,
    limits=AboveShare(warning=25, critical=50, min_count=4),
    next_step=LOOK_AT_RUNS,
    meaning="Many workflows of the last 24 hours failed, although others succeeded.",
    remedy="`ozon runs --last 20`: check whether the error or the hour is the same each time, and find the error's "
    "class [below](#errors).",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

LOAD_WARNINGS = Rule(
    name="load_warnings",
    title=N_("a load has warnings"),
    measures=N_("An account's last successful workflow has no warnings."),
    limits=State(level="warning"),
    next_step=N_("Follow the warning in the message; `ozon runs` lists all warnings."),
    meaning="The account's last load succeeded, but a part could not be read and keeps the data of an earlier load, or "
    "the clock of the warehouse's server has gone back.",
    remedy="`ozon runs` lists every warning with its reason. The alert resolves with the next load without warnings.",
    inhibited_by=LOAD_STOPPERS,
)

MISSED_SCHEDULE_MINUTES = Rule(
    name="missed_schedule_minutes",
    title=N_("a scheduled load did not start"),
    measures=N_("Time since a scheduled load was due without being started."),
    unit=Unit.MINUTES,
    limits=Above(warning=30, critical=120),
    next_step=N_(
        "Check that Airflow's scheduler runs and that ozon_etl is not paused; with cron, `ozon schedule status`."
    ),
    meaning="A load was due by its schedule, and no load has started since.",
    remedy=(
        "Check that the scheduler runs, that `ozon_etl` is not paused, and `airflow dags list-import-errors`. With "
        "cron: `ozon schedule status`."
    ),
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)


def _failures_in_a_row(loads: AccountLoads) -> Judgement:
    last = loads.row(_LAST_FINISHED)
    if last is None:
        return loads.nothing_recorded()
    failed = loads.rows(_FAILURES_IN_A_ROW)
    if not failed:
        workflow_id, status, finished_at = last
        text = f"workflow {workflow_id} ended at {loads.at(finished_at)} ({status})"
        return judge(
            loads.settings, FAILURES_IN_A_ROW, 0, loads.text(f"{text}; none has failed since the last success")
        )
    workflow_id, _, error = failed[0]
    _, since, _ = failed[-1]
    text = "the last workflow failed"
    if len(failed) > 1:
        text = f"the last {len(failed)} workflows failed, since {loads.at(since)}"
    text += f"; error of {workflow_id}: {quoted(error)}"
    return judge(loads.settings, FAILURES_IN_A_ROW, len(failed), loads.text(text))


def _failure_rate_pct(loads: AccountLoads) -> Judgement:
    outcomes: dict[str, int] = dict(loads.rows(_OUTCOMES))
    count = sum(outcomes.values())
    if not count:
        if loads.row(_LAST_FINISHED) is None:
            return loads.nothing_recorded()
        return judge(
            loads.settings, FAILURE_RATE_PCT, 0, loads.text("no workflow has ended in the last 24 hours"), count=0
        )
    failed = outcomes.get("failed", 0)
    pct = round(100 * failed / count, 1)
    text = f"{failed} of the {count_of(count, 'workflow')} that ended in the last 24 hours failed ({pct:g} %)"
    harmless = [f"{outcomes[status]} {status}" for status in ("skipped", "cancelled") if status in outcomes]
    if harmless:
        text += f"; {' and '.join(harmless)}, not counted as failures"
    return judge(loads.settings, FAILURE_RATE_PCT, pct, loads.text(text), count=count)


def _load_warnings(loads: AccountLoads) -> Judgement:
    """Check the last success for warnings; the value is their number."""
    last = loads.row(_WARNINGS, components=list(COMPONENT_NAMES))
    if last is None:
        if loads.last_started() is None:
            return loads.nothing_recorded()
        return unknown(loads.text("no workflow has succeeded yet"))
    workflow_id, warnings = last
    text = f"workflow {workflow_id} has no warnings"
    if warnings:
        more = f"; and {count_of(len(warnings) - 1, 'more warning')}" if warnings[1:] else ""
        text = f"workflow {workflow_id} succeeded with a warning: {quoted(warnings[0])}{more}"
    return judge_state(loads.settings, LOAD_WARNINGS, not warnings, loads.text(text), len(warnings))


def _missed_schedule_minutes(loads: AccountLoads) -> Judgement:
    """Measure the time since the first load that was due and did not start.

    An account that was never loaded has missed nothing; other checks report that it has no data.
    """
    last = loads.last_started()
    if last is None:
        return loads.nothing_recorded()
    workflow_id, status, started_at = last
    due_at = next_due(loads.settings.schedule.etl, loads.settings.time_zone, started_at + _EARLY)
    latest = f"workflow {workflow_id} started at {loads.at(started_at)} ({status})"
    if due_at > loads.now:
        text = f"{latest}; the next load is due at {loads.at(due_at)}"
        return judge(loads.settings, MISSED_SCHEDULE_MINUTES, 0, loads.text(text))
    minutes = minutes_between(due_at, loads.now)
    text = f"the load that was due at {loads.at(due_at)}, {minutes:g} minutes ago, has not started; before it, {latest}"
    return judge(loads.settings, MISSED_SCHEDULE_MINUTES, minutes, loads.text(text))


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
