"""The records of each account's runs: whether they come, end well, take their usual time, and let the account go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import LiteralString

from include.ozon.monitoring.health.api import API_DOWN
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, Row
from include.ozon.monitoring.health.warehouse import WAREHOUSE_DOWN
from include.ozon.monitoring.results import Finding, Status, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.schedule import next_due
from include.ozon.settings.limits import Above, AboveShare, State
from include.ozon.words import count_of, minutes_between, moment, quoted

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

# The last one first, with the median of those before it.
_DURATIONS = """
WITH finished AS (
    SELECT duration_seconds, row_number() OVER (ORDER BY started_at DESC) AS n
    FROM ozon.etl_component_executions
    WHERE account = %(account)s AND component = %(component)s AND status = 'success' AND started_at <= %(now)s
    ORDER BY started_at DESC
    LIMIT %(usual)s + 1
)
SELECT max(duration_seconds) FILTER (WHERE n = 1),
       count(*) FILTER (WHERE n > 1),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE n > 1)
FROM finished
HAVING count(*) > 0
"""

_LAST_STARTED = """
SELECT workflow_id, status, started_at FROM ozon.etl_workflow_executions
WHERE account = %(account)s AND started_at <= %(now)s
ORDER BY started_at DESC LIMIT 1
"""

_RUNNING_ATTEMPTS = """
SELECT workflow_id, component, attempt, started_at FROM ozon.etl_component_executions
WHERE account = %(account)s AND status = 'running'
"""

# One that stepped aside, or whose process was killed, tells nothing of what a load needs.
_PEAK_MEMORY = """
SELECT DISTINCT ON (component) peak_memory_mb, component, attempt, workflow_id
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = ANY(%(components)s) AND started_at <= %(now)s
  AND status IN ('success', 'failed', 'cancelled') AND peak_memory_mb > 0
ORDER BY component, started_at DESC
"""

# How many former durations make the usual one, how few of them make none, and from which duration on it matters.
_USUAL_RUNS = 20
_MIN_RUNS = 5
_MIN_SECONDS = 60

# A run that was started by hand just before it was due is the one that was due.
_EARLY = timedelta(minutes=1)

LOOK_AT_RUNS = "`ozon runs` names the error; docs/runbook.md says what to do about each class of error."

# A load that fails, or does not end, for one of these needs no message of its own.
LOAD_STOPPERS = (*WAREHOUSE_DOWN, *API_DOWN)

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

DURATION_RATIO = Rule(
    name="duration_ratio",
    title="a load takes unusually long",
    measures="A component's last duration against its usual one (the median).",
    unit=Unit.RATIO,
    limits=Above(warning=3, critical=6),
    next_step="`ozon runs` shows whether it waited for the API (retries) or for the warehouse.",
    meaning="A component took several times its usual time.",
    remedy="`ozon runs`: many retries mean Ozon or the network; none mean the warehouse, or a large change.",
    group="slow",
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

KILLED_ATTEMPT = Rule(
    name="killed_attempt",
    title="a load was killed",
    measures="No attempt is recorded as running whose lock nobody holds.",
    limits=State(level="warning"),
    next_step="Look for a lack of memory or a restart at that time; the next run closes its record.",
    meaning="A process ended without a word: out of memory, restart, power.",
    remedy="`dmesg`, the pod's or container's events. The next run closes the record by itself.",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

LOCK_HELD_MINUTES = Rule(
    name="lock_held_minutes",
    title="an account stays locked",
    measures="For how long an account has been locked.",
    unit=Unit.MINUTES,
    limits=Above(warning=120, critical=300),
    next_step="Look at the run that holds it; if it hangs, mark its task as failed in Airflow.",
    meaning="One run has held the account for hours.",
    remedy="[A run that is stuck](#a-run-that-is-stuck).",
    group="slow",
    inhibited_by=LOAD_STOPPERS,
)

PEAK_MEMORY_MB = Rule(
    name="peak_memory_mb",
    title="a load takes much memory",
    measures="The memory of the last attempt of a component.",
    unit=Unit.MB,
    limits=Above(warning=500, critical=1000),
    next_step="Lower api.concurrent_requests, or give the worker more memory.",
    meaning="A component took more memory than it should.",
    remedy="Lower `api.concurrent_requests`; give the worker more.",
)


def checks(context: HealthContext) -> Iterator[Check]:
    for account in context.accounts:
        runs = _Runs(context, account)
        yield Check(FAILURES_IN_A_ROW, runs.failures_in_a_row, account)
        yield Check(FAILURE_RATE_PCT, runs.failure_rate_pct, account)
        yield Check(DURATION_RATIO, runs.duration_ratio, account)
        yield Check(MISSED_SCHEDULE_MINUTES, runs.missed_schedule_minutes, account)
        yield Check(KILLED_ATTEMPT, runs.killed_attempt, account)
        yield Check(LOCK_HELD_MINUTES, runs.lock_held_minutes, account)
        yield Check(PEAK_MEMORY_MB, runs.peak_memory_mb, account)


class _Runs:
    """Of one account. What needs a record is UNKNOWN as long as there is none."""

    def __init__(self, context: HealthContext, account: str) -> None:
        self._context = context
        self._now = context.now
        self._settings = context.settings
        self._account = account
        self._judge = partial(judge, context.settings)

    def failures_in_a_row(self) -> Finding:
        last = self._row(_LAST_FINISHED)
        if last is None:
            return self._nothing_recorded()
        failed = self._rows(_FAILURES_IN_A_ROW)
        if not failed:
            workflow_id, status, finished_at = last
            seen = f"workflow {workflow_id} ended at {self._at(finished_at)} ({status})"
            return self._judge(FAILURES_IN_A_ROW, 0, self._seen(f"{seen}; none has failed since the last success"))
        workflow_id, _, error = failed[0]
        _, since, _ = failed[-1]
        seen = "the last workflow has failed"
        if len(failed) > 1:
            seen = f"the last {len(failed)} workflows have failed one after the other, since {self._at(since)}"
        seen += f"; {workflow_id} says: {quoted(error)}"
        return self._judge(FAILURES_IN_A_ROW, len(failed), self._seen(seen))

    def failure_rate_pct(self) -> Finding:
        outcomes: dict[str, int] = dict(self._rows(_OUTCOMES))
        count = sum(outcomes.values())
        if not count:
            if self._row(_LAST_FINISHED) is None:
                return self._nothing_recorded()
            return self._judge(FAILURE_RATE_PCT, 0, self._seen("no workflow has ended in the last 24 hours"), count=0)
        failed = outcomes.get("failed", 0)
        pct = round(100 * failed / count, 1)
        seen = f"{failed} of the {count_of(count, 'workflow')} that ended in the last 24 hours failed ({pct:g} %)"
        harmless = [f"{outcomes[status]} {status}" for status in ("skipped", "cancelled") if status in outcomes]
        if harmless:
            seen += f"; {' and '.join(harmless)}, which is no failure"
        return self._judge(FAILURE_RATE_PCT, pct, self._seen(seen), count=count)

    def duration_ratio(self) -> Finding:
        """The worse one of both components; OK where there is too little to compare or to care about."""
        if self._row(_LAST_STARTED) is None:
            return self._nothing_recorded()
        compared = [self._compare_duration(component) for component in COMPONENT_NAMES]
        ratio, seen = max(compared, key=lambda found: found[0] or 0)
        if ratio is None:
            return Finding(Status.OK, f"{self._seen('; '.join(words for _, words in compared))}.")
        return self._judge(DURATION_RATIO, ratio, self._seen(seen))

    def _compare_duration(self, component: str) -> tuple[float | None, str]:
        """The ratio, None where there is none, and what was seen."""
        row = self._row(_DURATIONS, component=component, usual=_USUAL_RUNS)
        if row is None:
            return None, f"no {component} has succeeded yet"
        seconds, former, usual = row
        if former < _MIN_RUNS:
            return None, f"{component} has {count_of(former, 'former success', 'former successes')} to be compared with"
        if seconds < _MIN_SECONDS or not usual:
            return None, f"the last {component} took {seconds:.0f} seconds, too few to be judged"
        ratio = round(seconds / usual, 2)
        seen = (
            f"the last {component} took {seconds / 60:.1f} minutes, {ratio:g} times its usual {usual / 60:.1f} minutes"
        )
        return ratio, seen

    def missed_schedule_minutes(self) -> Finding:
        """Counted from the first load that was due and did not come: a later one that is due mends nothing.

        An account that was never loaded has missed nothing; that there is no data is told by other checks.
        """
        last = self._row(_LAST_STARTED)
        if last is None:
            return self._nothing_recorded()
        workflow_id, status, started_at = last
        due_at = next_due(self._settings.schedule.etl, self._settings.time_zone, started_at + _EARLY)
        latest = f"workflow {workflow_id} started at {self._at(started_at)} ({status})"
        if due_at > self._now:
            seen = f"{latest}; the next load is due at {self._at(due_at)}"
            return self._judge(MISSED_SCHEDULE_MINUTES, 0, self._seen(seen))
        minutes = minutes_between(due_at, self._now)
        seen = (
            f"the load that was due at {self._at(due_at)} has not been started for {minutes:g} minutes; before "
            f"it, {latest}; see whether ozon_etl is paused and the scheduler runs"
        )
        return self._judge(MISSED_SCHEDULE_MINUTES, minutes, self._seen(seen))

    def killed_attempt(self) -> Finding:
        """A component takes the lock before it records its attempt, and lets it go after it has closed the record.

        So an attempt that was recorded before nobody held the lock, and still is afterwards, has no process any more.
        """
        before = self._rows(_RUNNING_ATTEMPTS)
        killed: list[Row] = []
        if before and not self._is_locked():
            after = self._rows(_RUNNING_ATTEMPTS)
            killed = [attempt for attempt in before if attempt in after]
        seen = "no attempt is recorded as running whose process has gone"
        if killed:
            workflow_id, component, attempt, started_at = killed[0]
            seen = (
                f"{component} of workflow {workflow_id} (attempt {attempt}) is recorded as running since "
                f"{self._at(started_at)}, but nobody holds the account's lock: its process was killed or lost the "
                "database. Nothing of the attempt was loaded, and the next one takes over"
            )
        return judge_state(self._settings, KILLED_ATTEMPT, not killed, self._seen(seen), len(killed))

    def lock_held_minutes(self) -> Finding:
        from include.ozon.warehouse.lock import lock_holder
        from include.ozon.warehouse.session import translated_errors

        connection = self._context.connection()
        with translated_errors():
            holder = lock_holder(connection, self._account)
        if holder is None:
            return self._judge(LOCK_HELD_MINUTES, 0, self._seen("nobody holds the lock"))
        who = f"process {holder.pid} of the database ({holder.application})"
        if holder.connected_at is None:
            hidden = "holds the lock; only a role with pg_read_all_stats is told since when"
            return unknown(self._seen(f"{who} {hidden}"))
        minutes = minutes_between(holder.connected_at, self._now)
        seen = f"{who} has held the lock for {minutes:g} minutes, since {self._at(holder.connected_at)}"
        return self._judge(LOCK_HELD_MINUTES, minutes, self._seen(seen))

    def peak_memory_mb(self) -> Finding:
        rows = self._rows(_PEAK_MEMORY, components=COMPONENT_NAMES)
        if not rows:
            return self._nothing_recorded()
        peak_mb, component, attempt, workflow_id = max(rows)
        seen = f"{component} of workflow {workflow_id} (attempt {attempt}) needed up to {peak_mb:.0f} MB of memory"
        return self._judge(PEAK_MEMORY_MB, round(peak_mb, 1), self._seen(seen))

    def _rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        return self._context.rows(query, account=self._account, now=self._now, **parameters)

    def _row(self, query: LiteralString, **parameters: object) -> Row | None:
        return self._context.row(query, account=self._account, now=self._now, **parameters)

    def _is_locked(self) -> bool:
        from include.ozon.warehouse.lock import is_locked
        from include.ozon.warehouse.session import translated_errors

        connection = self._context.connection()
        with translated_errors():
            return is_locked(connection, self._account)

    def _nothing_recorded(self) -> Finding:
        return unknown(f"No run of account {self._account} is recorded yet")

    def _seen(self, what: str) -> str:
        return f"Account {self._account}: {what}"

    def _at(self, moment_: datetime) -> str:
        return moment(moment_, self._settings)


AREA = Area(
    "runs",
    (
        FAILURES_IN_A_ROW,
        FAILURE_RATE_PCT,
        DURATION_RATIO,
        MISSED_SCHEDULE_MINUTES,
        KILLED_ATTEMPT,
        LOCK_HELD_MINUTES,
        PEAK_MEMORY_MB,
    ),
    checks,
)
