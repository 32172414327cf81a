"""The list of all areas of the health check."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NoReturn

from include.ozon.monitoring.health import airflow, api, data, deadlines, machine, runs, warehouse
from include.ozon.monitoring.health.checks import Area, Check, HealthContext, run_checks
from include.ozon.monitoring.results import CheckResult
from include.ozon.monitoring.unchecked import UNMEASURED

AREAS: tuple[Area, ...] = (
    warehouse.AREA,
    runs.AREA,
    deadlines.AREA,
    data.AREA,
    api.AREA,
    airflow.AREA,
    machine.AREA,
)

AREA_NAMES = tuple(area.name for area in AREAS)


def measure(name: str, context: HealthContext) -> list[CheckResult]:
    """Run an area's checks. If the area itself breaks, that is one more result, an ERROR."""
    (area,) = (area for area in AREAS if area.name == name)
    return run_checks(name, _checks(area, context))


def unmeasured(name: str, error: Exception) -> list[CheckResult]:
    """Return the one result of an area that broke before its first check."""
    return run_checks(name, [Check(UNMEASURED, partial(_raise, error))])


def _checks(area: Area, context: HealthContext) -> Iterator[Check]:
    try:
        yield from area.checks(context)
    except Exception as error:  # the checks before it still run, and the error becomes a result
        yield Check(UNMEASURED, partial(_raise, error))


def _raise(error: Exception) -> NoReturn:
    raise error
