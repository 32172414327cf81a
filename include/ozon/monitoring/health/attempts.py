"""How an account's attempts go: how long they take, how much memory they need, and what killed ones leave."""

from __future__ import annotations

from include.ozon.monitoring.health.checks import Row
from include.ozon.monitoring.health.loads import LOAD_STOPPERS, AccountLoads
from include.ozon.monitoring.results import Finding, Status, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.settings.limits import Above, State
from include.ozon.words import count_of, minutes_between

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


def duration_ratio(loads: AccountLoads) -> Finding:
    """The worse one of both components; OK where there is too little to compare or to care about."""
    if loads.last_started() is None:
        return loads.nothing_recorded()
    compared = [_compare_duration(loads, component) for component in COMPONENT_NAMES]
    ratio, seen = max(compared, key=lambda found: found[0] or 0)
    if ratio is None:
        return Finding(Status.OK, f"{loads.seen('; '.join(words for _, words in compared))}.")
    return judge(loads.settings, DURATION_RATIO, ratio, loads.seen(seen))


def _compare_duration(loads: AccountLoads, component: str) -> tuple[float | None, str]:
    """The ratio, None where there is none, and what was seen."""
    row = loads.row(_DURATIONS, component=component, usual=_USUAL_RUNS)
    if row is None:
        return None, f"no {component} has succeeded yet"
    seconds, former, usual = row
    if former < _MIN_RUNS:
        return None, f"{component} has {count_of(former, 'former success', 'former successes')} to be compared with"
    if seconds < _MIN_SECONDS or not usual:
        return None, f"the last {component} took {seconds:.0f} seconds, too few to be judged"
    ratio = round(seconds / usual, 2)
    seen = f"the last {component} took {seconds / 60:.1f} minutes, {ratio:g} times its usual {usual / 60:.1f} minutes"
    return ratio, seen


def killed_attempt(loads: AccountLoads) -> Finding:
    """A component takes the lock before it records its attempt, and lets it go after it has closed the record.

    So an attempt that was recorded before nobody held the lock, and still is afterwards, has no process any more.
    """
    before = loads.rows(_RUNNING_ATTEMPTS)
    killed: list[Row] = []
    if before and not _is_locked(loads):
        after = loads.rows(_RUNNING_ATTEMPTS)
        killed = [attempt for attempt in before if attempt in after]
    seen = "no attempt is recorded as running whose process has gone"
    if killed:
        workflow_id, component, attempt, started_at = killed[0]
        seen = (
            f"{component} of workflow {workflow_id} (attempt {attempt}) is recorded as running since "
            f"{loads.at(started_at)}, but nobody holds the account's lock: its process was killed or lost the "
            "database. Nothing of the attempt was loaded, and the next one takes over"
        )
    return judge_state(loads.settings, KILLED_ATTEMPT, not killed, loads.seen(seen), len(killed))


def _is_locked(loads: AccountLoads) -> bool:
    from include.ozon.warehouse.lock import is_locked
    from include.ozon.warehouse.session import translated_errors

    connection = loads.context.connection()
    with translated_errors():
        return is_locked(connection, loads.account)


def lock_held_minutes(loads: AccountLoads) -> Finding:
    from include.ozon.warehouse.lock import lock_holder
    from include.ozon.warehouse.session import translated_errors

    connection = loads.context.connection()
    with translated_errors():
        holder = lock_holder(connection, loads.account)
    if holder is None:
        return judge(loads.settings, LOCK_HELD_MINUTES, 0, loads.seen("nobody holds the lock"))
    who = f"process {holder.pid} of the database ({holder.application})"
    if holder.connected_at is None:
        hidden = "holds the lock; only a role with pg_read_all_stats is told since when"
        return unknown(loads.seen(f"{who} {hidden}"))
    minutes = minutes_between(holder.connected_at, loads.now)
    seen = f"{who} has held the lock for {minutes:g} minutes, since {loads.at(holder.connected_at)}"
    return judge(loads.settings, LOCK_HELD_MINUTES, minutes, loads.seen(seen))


def peak_memory_mb(loads: AccountLoads) -> Finding:
    rows = loads.rows(_PEAK_MEMORY, components=COMPONENT_NAMES)
    if not rows:
        return loads.nothing_recorded()
    peak_mb, component, attempt, workflow_id = max(rows)
    seen = f"{component} of workflow {workflow_id} (attempt {attempt}) needed up to {peak_mb:.0f} MB of memory"
    return judge(loads.settings, PEAK_MEMORY_MB, round(peak_mb, 1), loads.seen(seen))
