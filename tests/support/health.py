"""A health check's context with a test's own warehouse, sandbox and clock."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from include.ozon.errors import ConnectionSettingsError
from include.ozon.marketplace.client import SellerClient
from include.ozon.monitoring.health.checks import AirflowProbe, Area, Check, HealthContext, run_checks
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from tests.support.pipeline import Pipeline, quick_settings


def health_context(
    pipeline_or_dsn: Pipeline | str,
    *,
    now: datetime | None = None,
    settings: Settings | None = None,
    airflow: AirflowProbe | None = None,
    folders: Sequence[Path] = (),
    log_folder: Path | None = None,
) -> HealthContext:
    """Return a context; ``now`` may be changed later. With only a DSN there is no API."""
    pipeline = pipeline_or_dsn if isinstance(pipeline_or_dsn, Pipeline) else None
    dsn = pipeline_or_dsn.dsn if isinstance(pipeline_or_dsn, Pipeline) else pipeline_or_dsn

    def open_client(account: str) -> SellerClient:
        if pipeline is None:
            raise ConnectionSettingsError(f"Airflow has no connection ozon_api_{account}.")
        return pipeline.run(account=account).open_client(threading.Event())

    return HealthContext(
        settings=settings or (pipeline.settings if pipeline else quick_settings()),
        now=now or datetime.now(UTC),
        connect=partial(psycopg.connect, dsn, connect_timeout=2),
        open_client=open_client,
        airflow=airflow,
        folders=folders,
        log_folder=log_folder,
    )


def measured(area: Area, context: HealthContext, check: str, account: str | None = None) -> CheckResult:
    """Run one check of an area, and return its result."""
    wanted = [each for each in area.checks(context) if (each.rule.name, each.account) == (check, account)]
    (result,) = run_all(wanted, context)
    return result


def run_all(checks: Iterable[Check], context: HealthContext, area: str = "test") -> list[CheckResult]:
    """Run checks, then close the session as an area's caller does."""
    try:
        return run_checks(area, checks)
    finally:
        context.close()
