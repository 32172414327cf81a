"""The state of a health check, as a whole and by area."""

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
"""The exit codes of `ozon health`, which are those of Nagios plug-ins."""

_NAMED_COUNT = 3

# The bad statuses, worst first, with the words after their number.
_BAD_STATUSES = (
    (Status.CRITICAL, "critical"),
    (Status.WARNING, "with a warning"),
    (Status.ERROR, "could not be measured"),
)


@dataclass(frozen=True)
class HealthSummary:
    """The results of a health check, summed up; ``counts`` has the number of results by status."""

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
    """Return the worst status of all checks, and of each area; ok < unknown < error < warning < critical.

    A check that is UNKNOWN (a fresh installation, no Airflow under cron) does not count, except if all are: then the
    state is UNKNOWN, since "ok" would be a guess.
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
    """Return a sentence like ``The state is critical: of 40 checks 1 critical (api_key of main), 39 ok.``"""
    if not results:
        return f"The state is {status}: no checks were run."
    parts = []
    for bad, words in _BAD_STATUSES:
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
