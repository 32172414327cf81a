"""All results of a health check as one state, with the breakdown by area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.ozon.monitoring.results import CheckResult, Status, worst

EXIT_CODES: Mapping[Status, int] = {
    Status.OK: 0,
    Status.WARNING: 1,
    Status.CRITICAL: 2,
    Status.ERROR: 3,
    Status.UNKNOWN: 3,
}
"""Those of `ozon health`, and what monitoring plug-ins of the Nagios kind use."""

_NAMED_COUNT = 3

# What is bad, from the worst on: status and words for its number.
_TOLD = (
    (Status.CRITICAL, "critical"),
    (Status.WARNING, "with a warning"),
    (Status.ERROR, "could not be measured"),
)


@dataclass(frozen=True)
class HealthSummary:
    """``counts`` are of results by their status."""

    measured_at: datetime
    status: Status
    areas: Mapping[str, Status]
    counts: Mapping[Status, int]
    sentence: str
    results: tuple[CheckResult, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]


def summarize(results: Sequence[CheckResult], measured_at: datetime) -> HealthSummary:
    """Return the worst status of all, and of each area; ok < unknown < error < warning < critical.

    UNKNOWN does not count: a check that found nothing to measure yet (a fresh installation, no Airflow under cron)
    says nothing about the others. Where no check at all had anything to measure, the state is UNKNOWN all the same,
    since "ok" would be a guess.
    """
    names = dict.fromkeys(result.area for result in results)
    status = _state(results)
    return HealthSummary(
        measured_at=measured_at,
        status=status,
        areas={name: _state(result for result in results if result.area == name) for name in names},
        counts={each: sum(result.status is each for result in results) for each in Status},
        sentence=_sentence(status, results),
        results=tuple(results),
    )


def _state(results: Iterable[CheckResult]) -> Status:
    judged = [result.status for result in results if result.status is not Status.UNKNOWN]
    return worst(judged) if judged else Status.UNKNOWN


def _sentence(status: Status, results: Sequence[CheckResult]) -> str:
    """Such as ``The state is critical: of 40 checks 1 critical (api_key of main), 39 ok.``"""
    if not results:
        return f"The state is {status}: no check was made."
    parts = []
    for bad, words in _TOLD:
        found = [result for result in results if result.status is bad]
        if found:
            parts.append(f"{len(found)} {words} ({_named(found)})")
    if ok_count := sum(result.status is Status.OK for result in results):
        parts.append(f"{ok_count} ok")
    if nothing_count := sum(result.status is Status.UNKNOWN for result in results):
        parts.append(f"{nothing_count} with nothing to measure")
    total = f"{len(results)} check{'s' if len(results) > 1 else ''}"
    return f"The state is {status}: of {total} {', '.join(parts)}."


def _named(results: Sequence[CheckResult]) -> str:
    names = [result.check + (f" of {result.account}" if result.account else "") for result in results]
    more = len(names) - _NAMED_COUNT
    return ", ".join(names[:_NAMED_COUNT]) + (f" and {more} more" if more > 0 else "")
