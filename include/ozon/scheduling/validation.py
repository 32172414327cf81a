"""What has to be right before a schedule is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from include.ozon.checks import Check
from include.ozon.schedule import smallest_gap
from include.ozon.scheduling.jobs import Job, jobs
from include.ozon.scheduling.run_times import RECENT_RUNS
from include.ozon.settings import Settings
from include.ozon.words import span


def overlap_checks(settings: Settings, longest_seconds: Mapping[str, float], not_measured: str) -> Iterator[Check]:
    """Whether a run can last into the next one: by the last runs, and by the limits of the configuration.

    ``not_measured`` says why there are no durations, where there are none.
    """
    for job in jobs(settings):
        gap = smallest_gap(job.expression, settings.time_zone)
        yield _overlap(job, gap, longest_seconds.get(job.name), _limit(job, settings), not_measured)


def _overlap(job: Job, gap: timedelta, longest: float | None, limit: timedelta, not_measured: str) -> Check:
    name = f"schedule.{job.name}"
    every = f'"{job.expression}" comes every {span(gap)} at the shortest'
    if longest is not None and longest >= gap.total_seconds():
        took = f"one of the last {RECENT_RUNS} runs took {span(timedelta(seconds=longest))}"
        return Check(name, "failed", f"{every}, and {took}. Let it come less often.")
    if limit > gap:
        deadline = f"deadlines.{job.dag_id}_minutes lets a run take {span(limit)}"
        return Check(name, "warning", f"{every}, and {deadline}. Lower that, or let the schedule come less often.")
    if longest is not None:
        took = f"the longest of the last {RECENT_RUNS} runs took {span(timedelta(seconds=longest))}"
    else:
        took = not_measured or "no run is recorded yet"
    return Check(name, "ok", f"{every}; {took}, and a run has to end within {span(limit)}.")


def _limit(job: Job, settings: Settings) -> timedelta:
    return timedelta(minutes=getattr(settings.deadlines, f"{job.dag_id}_minutes"))
