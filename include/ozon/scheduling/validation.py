"""Checks before a schedule is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import LiteralString

from include.ozon.checks import Check
from include.ozon.schedule import smallest_gap
from include.ozon.scheduling.jobs import Job, jobs
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connection
from include.ozon.words import span

RECENT_RUNS = 20

# The duration of a whole DAG run, whether its accounts are loaded in parallel or one after the other.
_LOADS: LiteralString = """
SELECT max(seconds) FROM (
    SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
    FROM ozon.etl_workflow_executions
    WHERE status IN ('success', 'failed') AND finished_at IS NOT NULL
    GROUP BY dag_run_id
    ORDER BY min(started_at) DESC LIMIT %s
) AS runs
"""

# The sum, because `ozon health` runs the checks one after the other.
_HEALTH_CHECKS: LiteralString = """
SELECT max(seconds) FROM (
    SELECT sum(duration_seconds) AS seconds
    FROM ozon.health_checks
    GROUP BY measured_at
    ORDER BY measured_at DESC LIMIT %s
) AS checks
"""


def longest_recent_runs(connection: Connection) -> dict[str, float]:
    """Return the duration of the longest recent run in seconds, by schedule; without those that never ran."""
    found = {}
    for name, query in (("etl", _LOADS), ("health", _HEALTH_CHECKS)):
        row = connection.execute(query, (RECENT_RUNS,)).fetchone()
        if row and row[0] is not None:
            found[name] = float(row[0])
    return found


def overlap_checks(settings: Settings, longest_seconds: Mapping[str, float], not_measured: str) -> Iterator[Check]:
    """Check whether a run can overlap the next one, by the recent runs and by the configured deadlines.

    ``not_measured`` is the reason for missing durations.
    """
    for job in jobs(settings):
        gap = smallest_gap(job.expression, settings.time_zone)
        yield _overlap(job, gap, longest_seconds.get(job.name), _limit(job, settings), not_measured)


def _overlap(job: Job, gap: timedelta, longest: float | None, limit: timedelta, not_measured: str) -> Check:
    name = f"schedule.{job.name}"
    every = f'"{job.expression}" runs at least every {span(gap)}'
    if longest is not None and longest >= gap.total_seconds():
        took = f"one of the last {RECENT_RUNS} runs took {span(timedelta(seconds=longest))}"
        return Check(name, "failed", f"{every}, but {took}. Run it less often.")
    if limit > gap:
        deadline = f"deadlines.{job.dag_id}_minutes lets a run take {span(limit)}"
        return Check(name, "warning", f"{every}, but {deadline}. Lower the deadline, or run it less often.")
    if longest is not None:
        took = f"the longest of the last {RECENT_RUNS} runs took {span(timedelta(seconds=longest))}"
    else:
        took = not_measured or "no run is recorded yet"
    return Check(name, "ok", f"{every}; {took}; the deadline of a run is {span(limit)}.")


def _limit(job: Job, settings: Settings) -> timedelta:
    return timedelta(minutes=getattr(settings.deadlines, f"{job.dag_id}_minutes"))
