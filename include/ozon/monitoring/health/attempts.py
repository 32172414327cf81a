"""Checks of an account's attempts: duration, memory, locks, and attempts that were killed."""

from __future__ import annotations

from include.ozon.monitoring.health.checks import Row
from include.ozon.monitoring.health.loads import LOAD_STOPPERS, AccountLoads
from include.ozon.monitoring.results import Judgement, Status, judge, judge_state, unknown
from include.ozon.monitoring.rule import Rule, Unit
from include.ozon.pipeline.components import COMPONENT_NAMES
from include.ozon.settings.limits import Above, State
from include.ozon.translation import N_
from include.ozon.words import count_of, minutes_between

# The last duration, and the median of those before it.
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

# Without skipped and killed attempts: their memory is not what a load needs.
_PEAK_MEMORY = """
SELECT DISTINCT ON (component) peak_memory_mb, component, attempt, workflow_id
FROM ozon.etl_component_executions
WHERE account = %(account)s AND component = ANY(%(components)s) AND started_at <= %(now)s
  AND status IN ('success', 'failed', 'cancelled') AND peak_memory_mb > 0
ORDER BY component, started_at DESC
"""

# The usual duration is the median of at most _USUAL_RUNS, and of at least _MIN_RUNS. Shorter loads are not judged.
_USUAL_RUNS = 20
_MIN_RUNS = 5
_MIN_SECONDS = 60

DURATION_RATIO = Rule(
    name="duration_ratio",
    title=N_("a load takes unusually long"),
    measures=N_("Last duration of a component, divided by its usual duration (the median)."),
    unit=Unit.RATIO,
    limits=Above(warning=3, critical=6),
    next_step=N_("Run `ozon runs`: many API retries point at Ozon or the network, few at the warehouse."),
    meaning="A component took several times its usual duration.",
    remedy="`ozon runs`: many API retries point at Ozon or the network; few point at the warehouse, or at a large "
    "change of the catalogue.",
    group="slow",
    inhibited_by=LOAD_STOPPERS,
)

KILLED_ATTEMPT = Rule(
    name="killed_attempt",
    title=N_("a load was killed"),
    measures=N_("Every attempt that is recorded as running has a process that holds the account's lock."),
    limits=State(level="warning"),
    next_step=N_(
        "Find out why its process ended: out of memory or a restart at that time. The next run loads the data."
    ),
    meaning="The process of a load was killed: out of memory, a restart, a power failure.",
    remedy="Check `dmesg` or the events of the pod or container for the cause. Nothing has to be repaired: the next "
    "run closes the record.",
    group="loads",
    inhibited_by=LOAD_STOPPERS,
)

LOCK_HELD_MINUTES = Rule(
    name="lock_held_minutes",
    title=N_("an account stays locked"),
    measures=N_("Time since which an account has been locked."),
    unit=Unit.MINUTES,
    limits=Above(warning=120, critical=300),
    next_step=N_("Check the log of the run that holds the lock; if the run hangs, mark its task as failed in Airflow."),
    meaning="One run has locked the account for hours, so other runs are skipped.",
    remedy="See [a run that is stuck](#a-run-that-is-stuck).",
    group="slow",
    inhibited_by=LOAD_STOPPERS,
)

PEAK_MEMORY_MB = Rule(
    name="peak_memory_mb",
    title=N_("a load uses too much memory"),
    measures=N_("Peak memory of a component's last attempt."),
    unit=Unit.MB,
    limits=Above(warning=500, critical=1000),
    next_step=N_("Lower api.concurrent_requests, or give the worker more memory."),
    meaning="A component used more memory than expected; the system may kill it.",
    remedy="Lower `api.concurrent_requests`, or give the worker more memory.",
)


def duration_ratio(loads: AccountLoads) -> Judgement:
    """Judge the slower component; OK if there are too few former durations, or the last one is short."""
    if loads.last_started() is None:
        return loads.nothing_recorded()
    compared = [_compare_duration(loads, component) for component in COMPONENT_NAMES]
    ratio, text = max(compared, key=lambda found: found[0] or 0)
    if ratio is None:
        return Judgement(Status.OK, f"{loads.text('; '.join(words for _, words in compared))}.")
    return judge(loads.settings, DURATION_RATIO, ratio, loads.text(text))


def _compare_duration(loads: AccountLoads, component: str) -> tuple[float | None, str]:
    """Return the ratio (None without one) and a message."""
    row = loads.row(_DURATIONS, component=component, usual=_USUAL_RUNS)
    if row is None:
        return None, f"no {component} has succeeded yet"
    seconds, former, usual = row
    if former < _MIN_RUNS:
        return None, f"{component} has only {count_of(former, 'former success', 'former successes')} to compare with"
    if seconds < _MIN_SECONDS or not usual:
        return None, f"the last {component} took {seconds:.0f} seconds, too short to be judged"
    ratio = round(seconds / usual, 2)
    text = f"the last {component} took {seconds / 60:.1f} minutes, {ratio:g} times its usual {usual / 60:.1f} minutes"
    return ratio, text


def killed_attempt(loads: AccountLoads) -> Judgement:
    """Check for running attempts without a process; the value is their number.

    A component takes the lock before it records its attempt, and releases it after it has closed the record. So an
    attempt whose record is open both before and after a moment without a lock has lost its process.
    """
    before = loads.rows(_RUNNING_ATTEMPTS)
    killed: list[Row] = []
    if before and not _is_locked(loads):
        after = loads.rows(_RUNNING_ATTEMPTS)
        killed = [attempt for attempt in before if attempt in after]
    text = "every attempt that is recorded as running has its process"
    if killed:
        workflow_id, component, attempt, started_at = killed[0]
        text = (
            f"{component} of workflow {workflow_id} (attempt {attempt}) is recorded as running since "
            f"{loads.at(started_at)}, but no process holds the account's lock: the process was killed or lost its "
            "connection to the warehouse. The attempt loaded nothing; a retry continues after the last page that was "
            "read, and the next run starts anew"
        )
    return judge_state(loads.settings, KILLED_ATTEMPT, not killed, loads.text(text), len(killed))


def _is_locked(loads: AccountLoads) -> bool:
    from include.ozon.warehouse.lock import is_locked
    from include.ozon.warehouse.session import translated_errors

    connection = loads.context.connection()
    with translated_errors():
        return is_locked(connection, loads.account)


def lock_held_minutes(loads: AccountLoads) -> Judgement:
    from include.ozon.warehouse.lock import lock_holder
    from include.ozon.warehouse.session import translated_errors

    connection = loads.context.connection()
    with translated_errors():
        holder = lock_holder(connection, loads.account)
    if holder is None:
        return judge(loads.settings, LOCK_HELD_MINUTES, 0, loads.text("no process holds the lock"))
    who = f"database process {holder.pid} ({holder.application})"
    if holder.connected_at is None:
        hidden = "holds the lock; only a role with pg_read_all_stats can see since when"
        return unknown(loads.text(f"{who} {hidden}"))
    minutes = minutes_between(holder.connected_at, loads.now)
    text = f"{who} has held the lock for {minutes:g} minutes, since {loads.at(holder.connected_at)}"
    return judge(loads.settings, LOCK_HELD_MINUTES, minutes, loads.text(text))


def peak_memory_mb(loads: AccountLoads) -> Judgement:
    rows = loads.rows(_PEAK_MEMORY, components=COMPONENT_NAMES)
    if not rows:
        return loads.nothing_recorded()
    peak_mb, component, attempt, workflow_id = max(rows)
    text = f"{component} of workflow {workflow_id} (attempt {attempt}) used up to {peak_mb:.0f} MB of memory"
    return judge(loads.settings, PEAK_MEMORY_MB, round(peak_mb, 1), loads.text(text))
