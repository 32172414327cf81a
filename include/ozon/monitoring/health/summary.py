"""All results of a health check as one state, with the breakdown by component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.ozon.monitoring.results import CheckResult, Status, worst

EXIT_CODES: Mapping[Status, int] = {Status.OK: 0, Status.WARNING: 1, Status.CRITICAL: 2, Status.UNKNOWN: 3}
"""Those of `ozon health`, and what monitoring plug-ins of the Nagios kind use."""

_NAMED_COUNT = 3

# What is bad, from the worst on: status and words for its number.
_TOLD = (
    (Status.CRITICAL, "critical"),
    (Status.WARNING, "with a warning"),
    (Status.UNKNOWN, "could not be measured"),
)


@dataclass(frozen=True)
class HealthSummary:
    """``counts`` are of results by their status; ``nothing_count`` of those that had nothing to measure.

    The latter, such as those of a fresh installation, are in ``counts`` among the unknown ones, too.
    """

    measured_at: datetime
    status: Status
    components: Mapping[str, Status]
    counts: Mapping[Status, int]
    nothing_count: int
    sentence: str
    results: tuple[CheckResult, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]


def summarize(results: Sequence[CheckResult], measured_at: datetime) -> HealthSummary:
    """The worst status of all, and of each component; ok < unknown < warning < critical.

    UNKNOWN counts only where a check broke: one that found nothing to measure yet (a fresh installation, no
    Airflow under cron) says nothing about the others. Where no check at all had anything to measure, the state is
    UNKNOWN all the same, since "ok" would be a guess.
    """
    names = dict.fromkeys(result.component for result in results)
    components = {name: _state(result for result in results if result.component == name) for name in names}
    nothing_count = sum(map(has_nothing_to_measure, results))
    status = _state(results)
    return HealthSummary(
        measured_at=measured_at,
        status=status,
        components=components,
        counts={each: sum(result.status is each for result in results) for each in Status},
        nothing_count=nothing_count,
        sentence=_sentence(status, results, nothing_count),
        results=tuple(results),
    )


def _state(results: Iterable[CheckResult]) -> Status:
    judged = [result.status for result in results if not has_nothing_to_measure(result)]
    return worst(judged) if judged else Status.UNKNOWN


def has_nothing_to_measure(result: CheckResult) -> bool:
    """Whether it is UNKNOWN without a failure, which says neither good nor bad."""
    return result.status is Status.UNKNOWN and not result.is_failure


def _sentence(status: Status, results: Sequence[CheckResult], nothing_count: int) -> str:
    """Such as ``The state is critical: of 40 checks 1 critical (api_key of main), 39 ok.``"""
    if not results:
        return f"The state is {status}: no check was made."
    parts = []
    for bad, words in _TOLD:
        found = [result for result in results if result.status is bad and not has_nothing_to_measure(result)]
        if found:
            parts.append(f"{len(found)} {words} ({_named(found)})")
    if ok_count := sum(result.status is Status.OK for result in results):
        parts.append(f"{ok_count} ok")
    if nothing_count:
        parts.append(f"{nothing_count} with nothing to measure")
    total = f"{len(results)} check{'s' if len(results) > 1 else ''}"
    return f"The state is {status}: of {total} {', '.join(parts)}."


def _named(results: Sequence[CheckResult]) -> str:
    names = [result.check + (f" of {result.account}" if result.account else "") for result in results]
    more = len(names) - _NAMED_COUNT
    return ", ".join(names[:_NAMED_COUNT]) + (f" and {more} more" if more > 0 else "")
