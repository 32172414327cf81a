"""One warehouse of the simulated year: loads with a moved clock, and what runs after them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg

from include.ozon.configuration import load_settings
from include.ozon.maintenance.retention import RetentionStep, delete_expired
from include.ozon.maintenance.vacuum import vacuum_where_needed
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import Pacer
from include.ozon.monitoring.health import store
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.settings.maintenance import MaintenanceSettings
from include.ozon.warehouse.session import Connection, open_session
from include.ozon_local.moved_clock import MovedClock
from tests.benchmarks.measure import seconds_of
from tests.benchmarks.monitoring import checked
from tests.benchmarks.page_seed import ACCOUNT
from tests.benchmarks.year_catalogue import components

_CHECKS_A_LOAD = 24

_COPY_CHECKS: tuple[LiteralString, ...] = (
    """
    INSERT INTO ozon.health_checks (
        measured_at, area, "check", account, status, value, threshold, message, duration_seconds
    )
    SELECT measured_at - n * interval '15 minutes', area, "check", account, status, value, threshold, message,
           duration_seconds
    FROM ozon.health_checks, generate_series(1, %(n)s) n
    WHERE measured_at = %(at)s
    """,
)
# The records of the loads that one load stands for.
_COPY_RECORDS: tuple[LiteralString, ...] = (
    """
    INSERT INTO ozon.etl_workflow_executions (
        workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at, component_statuses,
        execution_details
    )
    SELECT n || workflow_id, account, n || dag_run_id, trigger, environment, status,
           started_at - n * interval '6 hours', finished_at - n * interval '6 hours', component_statuses,
           execution_details
    FROM ozon.etl_workflow_executions, generate_series(1, %(n)s) n
    WHERE workflow_id = %(workflow_id)s
    """,
    """
    INSERT INTO ozon.etl_component_executions (
        workflow_id, component, attempt, account, status, started_at, finished_at, rows_read, rows_updated,
        rows_unchanged, visibility_counts
    )
    SELECT n || workflow_id, component, attempt, account, status, started_at - n * interval '6 hours',
           finished_at - n * interval '6 hours', rows_read, rows_updated, rows_unchanged, visibility_counts
    FROM ozon.etl_component_executions, generate_series(1, %(n)s) n
    WHERE workflow_id = %(workflow_id)s
    """,
)
_COPY_METRICS: tuple[LiteralString, ...] = (
    """
    INSERT INTO ozon.visibility_metrics
    SELECT (jsonb_populate_record(m, jsonb_build_object('measured_at', measured_at - n * interval '6 hours'))).*
    FROM ozon.visibility_metrics m, generate_series(1, %(n)s) n
    WHERE workflow_id = %(workflow_id)s
    """,
)

_REWRITE = "VACUUM (FULL, ANALYZE) ozon.products, ozon.inventory, ozon.inventory_by_warehouse, ozon.product_stock"

_SIZES = """
SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid)
FROM pg_stat_user_tables
WHERE schemaname = 'ozon' AND pg_total_relation_size(relid) > 1024 * 1024
ORDER BY pg_total_relation_size(relid) DESC
"""

Samples = dict[str, list[float]]
"""Seconds by part."""


@dataclass(frozen=True)
class TableSize:
    """A table of the year's warehouse, with its rows by PostgreSQL's estimate."""

    name: str
    rows: int
    table_mb: float
    indexes_mb: float


class Warehouse:
    """One warehouse with a moved clock, and its loads."""

    def __init__(self, dsn: str, superuser_dsn: str, size: int, clock: MovedClock) -> None:
        self.dsn = dsn
        self._superuser_dsn = superuser_dsn
        self._size = size
        self._clock = clock
        self._number = 0
        self._workflow_id = ""
        self._checked_at = clock.now()
        self.loads = 0
        settings = load_settings(environment="testing", environ={})
        warehouse = settings.warehouse.model_copy(update={"statement_timeout_seconds": 1800})
        accounts = {ACCOUNT: settings.accounts[ACCOUNT]}
        self.settings = settings.model_copy(update={"warehouse": warehouse, "accounts": accounts})

    def connect(self) -> Connection:
        return psycopg.connect(self.dsn)

    def load(self, at: datetime, changes: int = 1) -> Samples:
        """Load with the changes of ``changes`` loads up to ``at``, and return the seconds of each component's merge."""
        self._clock.set(at)
        run = self._run(at)
        seconds: Samples = {}
        for component in components(self._size, self._number, changes):
            numbers = ComponentNumbers()
            wall_seconds = seconds_of(
                lambda component=component, numbers=numbers: run_component(component, run, numbers)
            )
            # Without filling the staging.
            seconds[component.name] = [wall_seconds - numbers.seconds.staging]
        end_workflow(run)
        self._copy(_COPY_RECORDS, run.workflow_id, changes - 1)
        self._workflow_id = run.workflow_id
        self._number += 1
        self.loads += changes
        return seconds

    def watch(self, loads: int = 1) -> Samples:
        """Measure metrics and health after a load, as if after each of ``loads``; return the seconds of both."""
        seconds = {"metrics": [seconds_of(self._measure)], "health check": [seconds_of(self._check)]}
        self._copy(_COPY_METRICS, self._workflow_id, loads - 1)
        self._copy(_COPY_CHECKS, self._workflow_id, loads * _CHECKS_A_LOAD - 1)
        return seconds

    def maintain(self) -> float:
        """Run the warehouse's steps of ``ozon_maintenance`` and return their seconds."""
        return seconds_of(lambda: self._maintain(self.settings.maintenance))

    def forget(self, history_days: int) -> tuple[float, int]:
        """Run them with another retention of the history; return their seconds and the rows deleted."""
        settings = self.settings.maintenance.model_copy(update={"history_days": history_days})
        started_at = time.perf_counter()
        rows = self._maintain(settings)
        return time.perf_counter() - started_at, rows

    def settle(self) -> None:
        """Do what autovacuum does in the hours after a first load."""
        with psycopg.connect(self._superuser_dsn, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def rewrite(self) -> None:
        """Rewrite the tables of which ``_CHANGES`` loads at once change most rows: they leave as much dead space."""
        with psycopg.connect(self._superuser_dsn, autocommit=True) as connection:
            connection.execute(_REWRITE)

    def session(self) -> AbstractContextManager[Connection]:
        return open_session(self.connect, self.settings.warehouse, "bench")

    def megabytes(self) -> float:
        with self.session() as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return row[0] / 1e6 if row else 0.0

    def tables(self) -> list[TableSize]:
        with self.session() as connection:
            rows = connection.execute(_SIZES).fetchall()
        return [TableSize(name, count, table / 1e6, indexes / 1e6) for name, count, table, indexes in rows]

    def _run(self, at: datetime) -> Run:
        credentials = Credentials(base_url="http://127.0.0.1:9", client_id="1", api_key="key", source="")
        return Run(
            account=ACCOUNT,
            dag_run_id=f"scheduled__{at.isoformat()}",
            trigger="scheduled",
            settings=self.settings,
            connect=self.connect,
            open_client=lambda stop: SellerClient(credentials, self.settings.api, pacer=Pacer(1), stop=stop),
        )

    def _copy(self, statements: Sequence[LiteralString], workflow_id: str, count: int) -> None:
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement, {"n": count, "workflow_id": workflow_id, "at": self._checked_at})

    def _measure(self) -> None:
        with self.session() as connection:
            metrics = measure(connection, ACCOUNT, self._clock.now(), self.settings)
            judge_and_store(connection, metrics, self.settings)

    def _check(self) -> None:
        self._checked_at = self._clock.now()
        results = checked(self.settings, self.dsn, self._checked_at)
        with self.session() as connection:
            store.save(connection, self._checked_at, results)

    def _maintain(self, settings: MaintenanceSettings) -> int:
        steps: tuple[RetentionStep, ...] = ("history", "monitoring", "records")
        with self.session() as connection:
            rows = [delete_expired(connection, step, settings, self._clock.now(), dry_run=False).rows for step in steps]
            vacuum_where_needed(connection, dry_run=False)
        return sum(rows)
