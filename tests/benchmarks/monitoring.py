"""Times of the visibility metrics and of each area of the health check with many products.

``python -m tests.benchmarks.monitoring DSN`` measures a warehouse once, in its own process, and prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console
from rich.table import Table

from include.ozon.configuration import load_settings
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.benchmarks.measure import peak_memory_mb, seconds_of

if TYPE_CHECKING:
    from include.ozon.monitoring.results import CheckResult
    from include.ozon.settings import Settings

CASE = "monitoring"
SIZE = 1_000_000
QUICK_SIZE = 50_000

# The other areas ask Ozon, Airflow and this machine.
_WAREHOUSE_AREAS = ("warehouse", "runs", "deadlines", "data")

_DATABASE = "monitoring"
_ACCOUNT = "main"

# Products in most visibilities; 1 % turned invisible since the last measurement. Each has two stocks, and every second
# one has daily sales.
_SEED = (
    """
    INSERT INTO ozon.products
    SELECT 'main', n, 'offer-' || n, n + 1000, 'Кружка керамическая 350 мл № ' || n, (100 + n % 9000)::numeric, NULL,
           (ARRAY['RUB', 'RUB', 'RUB', 'KZT'])[1 + n % 4],
           (ARRAY['VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'HIDDEN', 'HIDDEN', 'DECLINED',
                  'ARCHIVED'])[1 + n % 10],
           'price_sent', 'Готов к продаже',
           CASE WHEN n % 10 IN (6, 7, 8) THEN ARRAY['Нет в наличии', 'Причина ' || n % 30] ELSE '{}'::text[] END,
           n % 10 = 9, true, true, NULL, NULL,
           now() - interval '40 days', now() - interval '30 days',
           CASE WHEN n % 100 = 6 THEN now() - interval '10 minutes' ELSE now() - n % 720 * interval '1 hour' END,
           NULL, 'old/main'
    FROM generate_series(1, $size) n
    """,
    """
    INSERT INTO ozon.product_visibility_history
    SELECT account, product_id, visibility_changed_at, visibility,
           CASE WHEN product_id % 100 = 6 THEN 'VISIBLE' END, hidden_reasons, NULL, workflow_id
    FROM ozon.products
    """,
    """
    INSERT INTO ozon.product_visibility_history
    SELECT account, product_id, now() - interval '40 days', 'VISIBLE', NULL, '{}', visibility_changed_at, workflow_id
    FROM ozon.products WHERE product_id % 100 = 6
    """,
    """
    INSERT INTO ozon.inventory (
        account, product_id, stock_type, sku, offer_id, present, reserved, changed_at, workflow_id
    )
    SELECT account, product_id, stock_type, sku, offer_id, product_id % 60, product_id % 3, changed_at, workflow_id
    FROM ozon.products, unnest(ARRAY['fbo', 'fbs']) stock_type
    """,
    """
    INSERT INTO ozon.fbo_stock_requests (account, sku, product_id, asked_at, average_daily_sales)
    SELECT account, sku, product_id, changed_at, product_id % 40 / 10.0
    FROM ozon.products WHERE product_id % 2 = 0
    """,
    """
    INSERT INTO ozon.etl_workflow_executions (
        workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at,
        component_statuses
    )
    SELECT n || '/main', 'main', n::text, 'scheduled', 'testing', 'success', at, at + interval '9 minutes',
           '{"product_etl": "success", "inventory_etl": "success"}'
    FROM generate_series(0, 120) n, LATERAL (SELECT now() - n * interval '6 hours' - interval '15 minutes' AS at) a
    """,
    """
    INSERT INTO ozon.etl_component_executions (
        workflow_id, component, attempt, account, status, started_at, finished_at, rows_read, rows_unchanged
    )
    SELECT workflow_id, component, 1, account, 'success', started_at, finished_at, $size, $size
    FROM ozon.etl_workflow_executions, unnest(ARRAY['product_etl', 'inventory_etl']) component
    """,
    """
    INSERT INTO ozon.visibility_metrics
    SELECT 'main', now() - n * interval '6 hours', n || '/main', $size, $size * 6 / 10, $size * 2 / 10, 0,
           $size / 10, $size / 10, 0, 60 + n % 3, 20, 0, 10, 10, 0, 100, 0, 0, 0, 0, 95, '[]', '{}'
    FROM generate_series(1, 120) n
    """,
)


@dataclass(frozen=True)
class Figures:
    """Seconds for one measurement of all metrics, for its report in all formats, and for each health area."""

    size: int
    metrics_seconds: float
    reports_seconds: float
    peak_memory_mb: float
    health_seconds: dict[str, float]
    turned: int


def run(size: int, postgres: EmbeddedPostgres, console: Console) -> Figures:
    """Fill a fresh database, measure it in a fresh process, and print a table."""
    postgres.create_database(_DATABASE, WAREHOUSE_ROLE)
    try:
        dsn = postgres.dsn(_DATABASE, WAREHOUSE_ROLE)
        console.print(f"Filling a warehouse with {size:,} products ...")
        _fill(dsn, postgres.dsn(_DATABASE, SUPERUSER), size)
        command = [sys.executable, "-m", "tests.benchmarks.monitoring", dsn]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"monitoring failed:\n{done.stderr[-3000:]}")
        figures = Figures(**json.loads(done.stdout.splitlines()[-1]))
    finally:
        postgres.drop_database(_DATABASE)
    console.print(_table(figures))
    return figures


def _fill(dsn: str, superuser_dsn: str, size: int) -> None:
    schema.upgrade(lambda: psycopg.connect(dsn))
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in _SEED:
            connection.execute(statement.replace("$size", str(size)).encode())
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def measured(dsn: str) -> Figures:
    """Measure everything once, as the tasks of the DAGs do."""
    from include.ozon.monitoring.metrics.judgement import judge_metrics
    from include.ozon.monitoring.metrics.measurement import measure
    from include.ozon.monitoring.metrics.store import history
    from include.ozon.reports.visibility import render
    from include.ozon.settings.monitoring import REPORT_FORMATS

    settings = load_settings(environment="testing", environ={})
    now = datetime.now(tz=UTC)
    with open_session(lambda: psycopg.connect(dsn), settings.warehouse, "bench") as connection:
        started_at = time.perf_counter()
        metrics = measure(connection, _ACCOUNT, now, settings)
        judge_metrics(metrics, history(connection, _ACCOUNT, now, settings), settings)
        metrics_seconds = time.perf_counter() - started_at
    reports_seconds = seconds_of(lambda: [render(kind, [metrics], settings) for kind in REPORT_FORMATS])
    return Figures(
        size=metrics.products,
        metrics_seconds=metrics_seconds,
        reports_seconds=reports_seconds,
        peak_memory_mb=peak_memory_mb(),
        health_seconds=_health_seconds(dsn),
        turned=len(metrics.transitions.turned_invisible),
    )


def _health_seconds(dsn: str) -> dict[str, float]:
    """Time the health areas against a running sandbox, except ``airflow``: Airflow does not run here."""
    from include.ozon.monitoring.health.areas import AREA_NAMES
    from include.ozon.monitoring.health.areas import measure as measure_area
    from include.ozon_sandbox.process import SandboxProcess
    from tests.support.health import health_context
    from tests.support.pipeline import Pipeline

    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxProcess(Path(folder), {"main": 1000, "second": 100}) as sandbox,
    ):
        pipeline = Pipeline(sandbox, dsn, load_settings(environment="testing", environ={}))
        seconds = {}
        for name in AREA_NAMES:
            if name != "airflow":
                context = health_context(pipeline)
                seconds[name] = seconds_of(lambda name=name, context=context: measure_area(name, context))
                context.close()
    return seconds


def checked(settings: Settings, dsn: str, now: datetime) -> list[CheckResult]:
    """Return the results of the areas that read the warehouse. Raises RuntimeError if a check is broken."""
    from include.ozon.monitoring.health.areas import measure as measure_area
    from include.ozon.monitoring.results import Status
    from tests.support.health import health_context

    context = health_context(dsn, now=now, settings=settings)
    results = [result for area in _WAREHOUSE_AREAS for result in measure_area(area, context)]
    context.close()
    if broken := [result for result in results if result.status is Status.ERROR]:
        raise RuntimeError(f"checks could not be measured: {broken}")
    return results


def _table(figures: Figures) -> Table:
    table = Table(title=f"Monitoring of {figures.size:,} products, seconds")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_row(
        f"visibility metrics ({figures.turned:,} products turned invisible)", f"{figures.metrics_seconds:.2f}"
    )
    table.add_row("  their report in all formats", f"{figures.reports_seconds:.2f}")
    for name, seconds in figures.health_seconds.items():
        table.add_row(f"health: {name}", f"{seconds:.2f}")
    table.add_row("health, all areas", f"{sum(figures.health_seconds.values()):.2f}")
    return table


def last_line(figures: Figures) -> str:
    """Return all figures in one line."""
    health = ", ".join(f"{name} {seconds:.2f}" for name, seconds in figures.health_seconds.items())
    return (
        f"monitoring: {figures.size} products: metrics {figures.metrics_seconds:.2f} s and their reports "
        f"{figures.reports_seconds:.2f} s with {figures.peak_memory_mb:.0f} MB, health "
        f"{sum(figures.health_seconds.values()):.2f} s ({health})"
    )


if __name__ == "__main__":
    print(json.dumps(asdict(measured(sys.argv[1]))))
