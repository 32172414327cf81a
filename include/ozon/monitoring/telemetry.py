"""Metrics of the load and of the health check for the monitoring that a team has; the adapter hands them to Airflow.

All but one are gauges: a task's process is short-lived, and its next one would count from 0 again.
docs/decisions/0022 has more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from include.ozon.monitoring.health.areas import AREAS
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.monitoring.rule import Unit
from include.ozon.settings.limits import AlertLevel, Bounds
from include.ozon.warehouse.tables.records import ETL_COMPONENT_EXECUTIONS

_COMPONENT = "ozon.component."
_HEALTH = "ozon.health."

ATTEMPTS = f"{_COMPONENT}attempts"
STATUS = f"{_HEALTH}status"
CHECKS = f"{_HEALTH}checks"
OPEN_INCIDENTS = "ozon.incidents.open"

_NUMBERS = {
    column.name: column.comment
    for column in ETL_COMPONENT_EXECUTIONS.columns
    if column.type in {"bigint", "double precision"}
}

# The others are states without a number.
_MEASURED = {
    rule.name: rule
    for area in AREAS
    for rule in area.rules
    if isinstance(rule.limits, Bounds) or rule.unit is not Unit.COUNT
}
_LEVELS = {Status.OK: 0, Status.WARNING: 1, Status.CRITICAL: 2}


@dataclass(frozen=True)
class Metric:
    """The definition of a metric; ``tags`` are the names of its tags, of which one without a value is missing."""

    name: str
    tags: tuple[str, ...]
    meaning: str
    unit: str = ""


ATTEMPT_TAGS = ("account", "component", "status")

METRICS: tuple[Metric, ...] = (
    Metric(ATTEMPTS, ATTEMPT_TAGS, "Counter: 1 for each attempt of a component."),
    *(Metric(_COMPONENT + name, ATTEMPT_TAGS, comment) for name, comment in _NUMBERS.items()),
    Metric(STATUS, ("check", "account"), "0 ok, 1 warning, 2 critical; nothing if a check found nothing or failed."),
    Metric(CHECKS, ("status",), f"Checks by status: {', '.join(Status)}.", Unit.COUNT),
    Metric(OPEN_INCIDENTS, ("level",), "Incidents that are not resolved.", Unit.COUNT),
    *(Metric(_HEALTH + rule.name, ("account",), rule.measures, rule.unit) for rule in _MEASURED.values()),
)
"""In the order of the documentation."""


@dataclass(frozen=True)
class Gauge:
    """A value of a metric."""

    name: str
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


def attempt_gauges(values: Mapping[str, float], tags: Mapping[str, str]) -> Iterator[Gauge]:
    """Yield the numbers of an attempt; ``values`` has them by the columns of its record."""
    return (Gauge(_COMPONENT + name, values[name], tags) for name in _NUMBERS)


def health_gauges(results: Iterable[CheckResult], open_incidents: Mapping[AlertLevel, int]) -> Iterator[Gauge]:
    """Yield the measured values, the status of each check, and the numbers of checks and open incidents."""
    by_status: Counter[Status] = Counter()
    for result in results:
        by_status[result.status] += 1
        tags = {"account": result.account} if result.account else {}
        if result.value is not None and result.check in _MEASURED:
            yield Gauge(_HEALTH + result.check, result.value, tags)
        if result.status in _LEVELS:
            yield Gauge(STATUS, _LEVELS[result.status], {"check": result.check, **tags})
    for status in Status:
        yield Gauge(CHECKS, by_status[status], {"status": status.value})
    for level in get_args(AlertLevel):
        yield Gauge(OPEN_INCIDENTS, open_incidents.get(level, 0), {"level": level})
