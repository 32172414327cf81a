"""The functions of the tasks of ``ozon_health_check``."""

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
from include.ozon.adapter.telemetry import emit_health
from include.ozon.configuration import load_settings
from include.ozon.errors import require_known, safe_text
from include.ozon.monitoring.health.areas import unmeasured
from include.ozon.monitoring.health.summary import HealthSummary, summarize
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.settings import Settings

logger = logging.getLogger("ozon.health")

Fields = dict[str, Any]
"""A CheckResult in Airflow's XCom."""


def selected_areas() -> list[str]:
    """Return the areas of the parameter ``checks``, or all configured ones.

    Raise ConfigurationError for an area that is not configured.
    """
    configured: list[str] = list(load_settings().health.checks)
    wanted = list(dict.fromkeys(get_current_context()["params"]["checks"])) or configured
    require_known("Parameter checks", wanted, configured)
    return wanted


def check_area(area: str) -> list[Fields]:
    """Measure one area; an error of a check is a result, and does not fail the task."""
    context = get_current_context()
    context["shown_name"] = area  # type: ignore[typeddict-unknown-key]
    settings = load_settings()
    results = measure_area(area, settings, datetime.now(tz=UTC), task_probe(settings))
    for result in results:
        logger.info("%s %s: %s", result.check, result.status, result.message)
    return [result.as_dict() for result in results]


def sum_up(areas: Sequence[str] | None, found: Iterable[list[Fields] | None] | None) -> str:
    """Store the results, send alerts, ping the dead man's switch, and return the overall status.

    If the warehouse or a channel is down, the other steps still run.
    """
    settings = load_settings()
    results = _received(settings, areas, found)
    summary = summarize(results, datetime.now(tz=UTC))
    _store(settings, summary)
    _remember_paused_dags()
    report = deliver(results=results, links=[_run_url()])
    logger.info("%s", report.describe())
    emit_health(results, report)
    ping_heartbeat(settings)
    logger.info("%s", summary.sentence)
    return str(summary.status)


def give_verdict(status: str) -> None:
    """Fail while anything is critical, so that the web UI shows the state."""
    if status == Status.CRITICAL:
        raise AirflowFailException("The state is critical; see the log of `summarize`, or the alerts.")


def _received(
    settings: Settings, areas: Sequence[str] | None, found: Iterable[list[Fields] | None] | None
) -> list[CheckResult]:
    """Return the results of the checks, with an ERROR for each area whose task failed."""
    results = [CheckResult.from_dict(fields) for part in found or () for fields in part or ()]
    measured = {result.area for result in results}
    missing = [name for name in areas or settings.health.checks if name not in measured]
    died = RuntimeError("The task of this area failed; its log shows why.")
    return results + [result for name in missing for result in unmeasured(name, died)]


def _store(settings: Settings, summary: HealthSummary) -> None:
    try:
        store_results(settings, summary.measured_at, summary.results)
    except Exception as error:  # the alerts have to be sent
        logger.warning("The results could not be stored in ozon.health_checks: %s", safe_text(error))


def _remember_paused_dags() -> None:
    try:
        keep_paused_dags(TaskProbe().paused_dag_ids())
    except Exception as error:
        logger.warning("The list of paused DAGs could not be stored (%s); a paused DAG may be reported as late.", error)


def _run_url() -> str:
    return str(getattr(get_current_context()["ti"], "log_url", ""))
