"""A simulated year of four loads a day: merge, metrics, health check and page in the last week against the first.

The real components merge; PostgreSQL fills their staging, and their sessions' clock is moved. In the end the year's
last week is loaded in turns with the first week of a second warehouse, so that a busy machine slows down both.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

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
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import Connection, open_session
from include.ozon_local.moved_clock import MovedClock, moved_clock
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.benchmarks.monitoring import checked
from tests.benchmarks.page import VIEWS
from tests.benchmarks.page_app import running
from tests.benchmarks.page_seed import ACCOUNT
from tests.benchmarks.year_catalogue import components

CASE = "year"
GOAL = 1.2

_WEEK = timedelta(weeks=1)
_LOADS_A_WEEK = 28
_BETWEEN = _WEEK / _LOADS_A_WEEK
# Before the last week, one load has the changes of so many: otherwise the year would take a day.
_CHANGES = 14
_WEEKS_A_MONTH = 4

_CHECKS_A_LOAD = 24
_KEPT_DAYS = 180

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
class Plan:
    """The number of products, and the weeks of the year; ``requests`` are those of each view of the page."""

    size: int
    weeks: int
    requests: int = 15


FULL = Plan(100_000, 52)
QUICK = Plan(2_000, 3)


@dataclass(frozen=True)
class TableSize:
    """A table of the year's warehouse, with its rows by PostgreSQL's estimate."""

    name: str
    rows: int
    table_mb: float
    indexes_mb: float


@dataclass(frozen=True)
class Retention:
    """The work of ``ozon_maintenance`` on the year, after ``maintenance.history_days`` was lowered."""

    idle_seconds: float
    """With nothing to delete, as on every other day."""
    seconds: float
    rows: int
    database_mb: float


@dataclass(frozen=True)
class Figures:
    """Seconds of each part in the first week, and in the year's last one; ``monthly`` has the medians of the year."""

    size: int
    loads: int
    first: Samples
    last: Samples
    monthly: list[dict[str, float]]
    tables: list[TableSize]
    database_mb: tuple[float, float]
    """After the first week, and after the year."""
    retention: Retention

    def ratio(self, part: str) -> float:
        return statistics.median(self.last[part]) / statistics.median(self.first[part])


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
            wall_seconds = _seconds(lambda component=component, numbers=numbers: run_component(component, run, numbers))
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
        seconds = {"metrics": [_seconds(self._measure)], "health check": [_seconds(self._check)]}
        self._copy(_COPY_METRICS, self._workflow_id, loads - 1)
        self._copy(_COPY_CHECKS, self._workflow_id, loads * _CHECKS_A_LOAD - 1)
        return seconds

    def maintain(self) -> float:
        """Run the warehouse's steps of ``ozon_maintenance`` and return their seconds."""
        return _seconds(lambda: self._maintain(self.settings.maintenance))

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
        results = checked(self.settings, self.connect, self._checked_at)
        with self.session() as connection:
            store.save(connection, self._checked_at, results)

    def _maintain(self, settings: MaintenanceSettings) -> int:
        steps: tuple[RetentionStep, ...] = ("history", "monitoring", "records")
        with self.session() as connection:
            rows = [delete_expired(connection, step, settings, self._clock.now(), dry_run=False).rows for step in steps]
            vacuum_where_needed(connection, dry_run=False)
        return sum(rows)


def run(plan: Plan, postgres: EmbeddedPostgres, console: Console) -> Figures:
    """Simulate the year in a fresh database, compare its last week with a first one, and print tables."""
    now = datetime.now(UTC)
    with _warehouse("year", postgres, plan.size) as year:
        monthly = list(_filled(year, now, plan.weeks, console))
        with _warehouse("week", postgres, plan.size) as week:
            console.print("The last week, in turns with the first week of another warehouse ...")
            week.load(now - _WEEK)
            week.watch()
            for warehouse in (week, year):
                warehouse.maintain()
                warehouse.settle()
            first, last = _in_turns(week, year, now - _WEEK)
            _read_pages(plan.requests, (week, first), (year, last))
            figures = Figures(
                size=plan.size,
                loads=year.loads,
                first=first,
                last=last,
                monthly=monthly,
                tables=year.tables(),
                database_mb=(week.megabytes(), year.megabytes()),
                retention=_retention(year),
            )
    console.print(_ratio_table(figures))
    console.print(_size_table(figures))
    return figures


@contextmanager
def _warehouse(name: str, postgres: EmbeddedPostgres, size: int) -> Iterator[Warehouse]:
    postgres.create_database(name, WAREHOUSE_ROLE)
    dsn = postgres.dsn(name, WAREHOUSE_ROLE)
    schema.upgrade(lambda: psycopg.connect(dsn))
    with moved_clock(lambda: psycopg.connect(dsn)) as clock:
        yield Warehouse(dsn, postgres.dsn(name, SUPERUSER), size, clock)


def _filled(year: Warehouse, now: datetime, weeks: int, console: Console) -> Iterator[dict[str, float]]:
    """Load all weeks but the last, ``_CHANGES`` loads at once up to the last two; yield each month's medians."""
    at = now - weeks * _WEEK
    year.load(at)
    year.settle()
    year.watch()
    for first in range(1, weeks - 1, _WEEKS_A_MONTH):
        last = min(first + _WEEKS_A_MONTH, weeks - 1)
        samples: Samples = defaultdict(list)
        for _ in range((last - first) * _LOADS_A_WEEK // _CHANGES):
            at += _CHANGES * _BETWEEN
            _add(samples, year.load(at, _CHANGES))
        _add(samples, year.watch((last - first) * _LOADS_A_WEEK))
        medians = {part: statistics.median(seconds) for part, seconds in samples.items()}
        medians["maintenance"] = year.maintain()
        console.print(f"week {last - 1}: {_described(medians)}; {year.megabytes():.0f} MB")
        yield medians
    _settled(year, at)


def _settled(year: Warehouse, at: datetime) -> None:
    """Load the last but one week as it would be, so that no table has more dead space than single loads leave."""
    year.rewrite()
    for _ in range(_LOADS_A_WEEK):
        at += _BETWEEN
        year.load(at)
    year.watch(_LOADS_A_WEEK)


def _in_turns(week: Warehouse, year: Warehouse, at: datetime) -> tuple[Samples, Samples]:
    first: Samples = defaultdict(list)
    last: Samples = defaultdict(list)
    for number in range(_LOADS_A_WEEK):
        at += _BETWEEN
        # Neither always follows the other one.
        for samples, warehouse in ((first, week), (last, year))[:: -1 if number % 2 else 1]:
            _add(samples, warehouse.load(at))
            _add(samples, warehouse.watch())
    return first, last


def _read_pages(requests: int, *read: tuple[Warehouse, Samples]) -> None:
    """Request every view of each warehouse's page, in turns."""
    with ExitStack() as stack:
        pages = [(stack.enter_context(running(warehouse.dsn)), samples) for warehouse, samples in read]
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=60))
        for title, path in VIEWS.items():
            for number in range(requests + 1):
                for address, samples in pages:
                    seconds = _seconds(lambda url=address + path: client.get(url).raise_for_status())
                    if number:  # the first one fills caches
                        samples.setdefault(f"page: {title}", []).append(seconds)


def _retention(year: Warehouse) -> Retention:
    """Measure maintenance as on every day, and after the history's time was lowered to half of the year."""
    idle_seconds = year.maintain()
    seconds, rows = year.forget(_KEPT_DAYS)
    return Retention(idle_seconds, seconds, rows, year.megabytes())


def _add(samples: Samples, seconds: Samples) -> None:
    for part, values in seconds.items():
        samples[part] += values


def _described(medians: dict[str, float]) -> str:
    return ", ".join(f"{part} {seconds:.2f} s" for part, seconds in medians.items())


def _seconds(action: Callable[[], Any]) -> float:
    started_at = time.perf_counter()
    action()
    return time.perf_counter() - started_at


def _ratio_table(figures: Figures) -> Table:
    title = f"{figures.size:,} products: medians of the first week and of the last one of {figures.loads} loads"
    table = Table(title=title)
    table.add_column("part")
    for column in ("first, ms", "last, ms", "ratio", f"goal {GOAL}"):
        table.add_column(column, justify="right")
    for part in figures.first:
        first, last = (1000 * statistics.median(samples[part]) for samples in (figures.first, figures.last))
        table.add_row(part, f"{first:.0f}", f"{last:.0f}", f"{last / first:.2f}", _verdict(figures.ratio(part)))
    return table


def _verdict(ratio: float) -> str:
    return "met" if ratio <= GOAL else "missed"


def _size_table(figures: Figures) -> Table:
    table = Table(title="The year's warehouse")
    table.add_column("table")
    for column in ("rows", "table, MB", "indexes, MB"):
        table.add_column(column, justify="right")
    for size in figures.tables:
        table.add_row(size.name, f"{size.rows:,}", f"{size.table_mb:.0f}", f"{size.indexes_mb:.0f}")
    return table


def last_line(figures: Figures) -> str:
    """Return all figures in one line."""
    parts = [part for part in figures.first if not part.startswith("page")]
    pages = [part for part in figures.first if part.startswith("page")]
    ratios = ", ".join(f"{part} {figures.ratio(part):.2f}" for part in parts)
    worst = max(pages, key=figures.ratio)
    kept = figures.retention
    return (
        f"year: {figures.size} products, {figures.loads} loads: last week to first: {ratios}; "
        f"{sum(figures.ratio(page) <= GOAL for page in pages)} of {len(pages)} views of the page within {GOAL}, worst "
        f"{worst.removeprefix('page: ')} {figures.ratio(worst):.2f}; database {figures.database_mb[1]:.0f} MB, after a "
        f"week {figures.database_mb[0]:.0f} MB; maintenance {kept.idle_seconds:.1f} s, with history_days "
        f"{_KEPT_DAYS} {kept.seconds:.0f} s for {kept.rows} rows"
    )
