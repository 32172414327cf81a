"""A simulated year of four loads a day: merge, metrics, health check and page in the last week against the first.

The real components merge; PostgreSQL fills their staging, and their sessions' clock is moved. In the end the year's
last week is loaded in turns with the first week of a second warehouse, so that a busy machine slows down both.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from include.ozon.warehouse import schema
from include.ozon_local.moved_clock import moved_clock
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.benchmarks.measure import seconds_of
from tests.benchmarks.page import VIEWS
from tests.benchmarks.page_app import running
from tests.benchmarks.year_warehouse import Samples, TableSize, Warehouse

CASE = "year"
GOAL = 1.2

_WEEK = timedelta(weeks=1)
_LOADS_A_WEEK = 28
_BETWEEN = _WEEK / _LOADS_A_WEEK
# Before the last week, one load has the changes of so many: otherwise the year would take a day.
_CHANGES = 14
_WEEKS_A_MONTH = 4

_KEPT_DAYS = 180


@dataclass(frozen=True)
class Plan:
    """The number of products, and the weeks of the year; ``requests`` are those of each view of the page."""

    size: int
    weeks: int
    requests: int = 15


FULL = Plan(100_000, 52)
QUICK = Plan(2_000, 3)


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
                    seconds = seconds_of(lambda url=address + path: client.get(url).raise_for_status())
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
