"""What the tasks of ``ozon_health_check`` call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from include.ozon.adapter.alerting.sender import deliver
from include.ozon.adapter.alerting.state import keep_paused_dags
from include.ozon.adapter.health.context import measure_area, ping_heartbeat, store_results
from include.ozon.adapter.health.probe import TaskProbe, task_probe
from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, OzonError
from include.ozon.monitoring.health.areas import unmeasured
from include.ozon.monitoring.health.summary import HealthSummary, summarize
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings

logger = logging.getLogger("ozon.health")

Fields = dict[str, Any]
"""A CheckResult as Airflow's XCom holds it."""


def selected_areas() -> list[str]:
    """The areas of the parameter ``checks``, or all of the configuration's.

    Raises ConfigurationError for one that the configuration does not check.
    """
    configured: list[str] = list(load_settings().health.checks)
    wanted = list(dict.fromkeys(get_current_context()["params"]["checks"])) or configured
    if unknown := [name for name in wanted if name not in configured]:
        raise ConfigurationError(
            f"Parameter checks names {', '.join(map(repr, unknown))}, which health.checks does not have; "
            f"it has {', '.join(configured)}."
        )
    return wanted


def check_area(area: str) -> list[Fields]:
    """Measure one area; whatever its checks meet, it is a result and no error."""
    context = get_current_context()
    context["shown_name"] = area  # type: ignore[typeddict-unknown-key]
    settings = load_settings()
    results = measure_area(area, settings, datetime.now(tz=UTC), task_probe(settings))
    for result in results:
        logger.info("%s %s: %s", result.check, result.status, result.message)
    return [result.as_dict() for result in results]


def sum_up(areas: Sequence[str] | None, found: Iterable[list[Fields] | None] | None) -> str:
    """Store what the checks found, tell what is new, ping the dead-man's switch; returns the overall status.

    Neither a warehouse nor a channel that is down keeps the others from their part.
    """
    settings = load_settings()
    results = _received(settings, areas, found)
    summary = summarize(results, datetime.now(tz=UTC))
    _store(settings, summary)
    _remember_paused_dags()
    report = deliver(results=results, links=[_run_url()])
    logger.info("%s", report.describe())
    ping_heartbeat(settings)
    logger.info("%s", summary.sentence)
    return str(summary.status)


def give_verdict(status: str) -> None:
    """Be red while anything is critical, so that the UI shows the state where people look first."""
    if status == Status.CRITICAL:
        raise AirflowFailException("Something is critical: the log of `summarize` and the alert say what.")


def _received(
    settings: Settings, areas: Sequence[str] | None, found: Iterable[list[Fields] | None] | None
) -> list[CheckResult]:
    """What the checks handed over; an area whose task died has not been measured, and that is a finding."""
    results = [CheckResult.from_dict(fields) for part in found or () for fields in part or ()]
    measured = {result.area for result in results}
    missing = [name for name in areas or settings.health.checks if name not in measured]
    died = RuntimeError("The task of this area failed; its log says why.")
    return results + [result for name in missing for result in unmeasured(name, died)]


def _store(settings: Settings, summary: HealthSummary) -> None:
    try:
        store_results(settings, summary.measured_at, summary.results)
    except Exception as error:  # whatever it is, alerts have to go out
        reason = str(error) if isinstance(error, OzonError) else type(error).__name__
        logger.warning("The results are not stored in ozon.health_checks, only told: %s", reason)


def _remember_paused_dags() -> None:
    try:
        keep_paused_dags(TaskProbe().paused_dag_ids())
    except Exception as error:
        logger.warning("Which DAGs are paused could not be noted (%s); a deadline may mail of one.", error)


def _run_url() -> str:
    return str(getattr(get_current_context()["ti"], "log_url", ""))
