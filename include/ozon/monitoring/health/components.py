"""The components of the health check by their names, and how one is measured as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NoReturn

from include.ozon.monitoring.health import airflow, api, data, deadlines, machine, runs, warehouse
from include.ozon.monitoring.health.checks import Check, Component, HealthContext, run_checks
from include.ozon.monitoring.results import CheckResult

COMPONENTS: Mapping[str, Component] = {
    "warehouse": warehouse.checks,
    "runs": runs.checks,
    "deadlines": deadlines.checks,
    "data": data.checks,
    "api": api.checks,
    "airflow": airflow.checks,
    "machine": machine.checks,
}

# The name of a check that stands for those that were never made, which is that of the rule that judges it.
UNMEASURED = "unmeasured"


def measure(component: str, context: HealthContext) -> list[CheckResult]:
    """Run a component's checks. Where the component itself breaks, that is one more result, UNKNOWN."""
    return run_checks(component, _checks(COMPONENTS[component], context))


def unmeasured(component: str, error: Exception) -> list[CheckResult]:
    """The one result of a component that broke before its first check."""
    return run_checks(component, [Check(UNMEASURED, partial(_raise, error))])


def _checks(component: Component, context: HealthContext) -> Iterator[Check]:
    try:
        yield from component(context)
    except Exception as error:  # the checks it has already named are measured, and the break is told
        yield Check(UNMEASURED, partial(_raise, error))


def _raise(error: Exception) -> NoReturn:
    raise error
