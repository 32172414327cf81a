"""Metrics through Airflow's own: StatsD or OpenTelemetry, whichever its section ``[metrics]`` turns on.

Without either, Airflow drops them. A failure is only logged.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from airflow.sdk.observability import stats

from include.ozon.errors import AlreadyRunningError, safe_text
from include.ozon.monitoring.alerts.sender import SentReport
from include.ozon.monitoring.results import CheckResult
from include.ozon.monitoring.telemetry import ATTEMPTS, Gauge, attempt_gauges, health_gauges
from include.ozon.pipeline.numbers import ComponentNumbers, peak_memory_mb

logger = logging.getLogger("ozon.telemetry")


@contextmanager
def measured_attempt(component: str, account: str, numbers: ComponentNumbers) -> Iterator[None]:
    """Emit the metrics of an attempt at the end of the block, whatever its result."""
    started, status = time.monotonic(), "failed"
    try:
        yield
        status = "success"
    except AlreadyRunningError:
        status = "skipped"
        raise
    except KeyboardInterrupt:
        status = "cancelled"
        raise
    finally:
        tags = {"account": account, "component": component, "status": status}
        values = {
            **vars(numbers),
            "duration_seconds": round(time.monotonic() - started, 3),
            "peak_memory_mb": round(peak_memory_mb(), 1),
        }
        with _harmless():
            stats.incr(ATTEMPTS, tags=tags)
            _emit(attempt_gauges(values, tags))


def emit_health(results: Iterable[CheckResult], report: SentReport) -> None:
    """Emit what a health check has measured, and the open incidents after it."""
    with _harmless():
        _emit(health_gauges(results, report.unresolved))


def _emit(gauges: Iterable[Gauge]) -> None:
    for gauge in gauges:
        stats.gauge(gauge.name, gauge.value, tags=dict(gauge.tags))


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the work has been done
        logger.warning("The metrics could not be emitted: %s", safe_text(error))
