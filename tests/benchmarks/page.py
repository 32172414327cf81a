"""Times of the page's views with a million products and a year of history; loads and heartbeats while people read.

The load has an account of its own in the same warehouse, with a fifth of the products.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.benchmarks.measure import measure
from tests.benchmarks.page_app import running
from tests.benchmarks.page_heartbeat import longest_gaps
from tests.benchmarks.page_readers import READERS, people_reading
from tests.benchmarks.page_seed import ACCOUNT, fill
from tests.benchmarks.page_server import PageServer, serving

CASE = "page"
SIZE = 1_000_000
QUICK_SIZE = 50_000
GOAL_MS = 300

_DATABASE = "page"
_REQUESTS = 30
_LOADS = 4
_LOADED_PART = 5

VIEWS = {
    "overview, 30 days": "/",
    "overview, a year": "/?days=366",
    "products": "/products",
    "products, by price": "/products?sort=-price",
    "products, by stock": "/products?sort=stock",
    "products, by article": "/products?sort=article",
    "out of sight and in stock": "/products?visibility=out_of_sight&stock=in_stock",
    "visible and out of stock": "/products?visibility=VISIBLE&stock=out_of_stock",
    "stock unknown": "/products?stock=unknown",
    "price changed": "/products?price=changed",
    "price changed and hidden (none)": "/products?price=changed&visibility=HIDDEN",
    "frequent reason, by price": "/products?reason=Нет+в+наличии&sort=-price",
    "rare reason": "/products?reason=Бренд+отклонён",
    "search: article": "/products?q=ART-00012",
    "search: product_id": "/products?q=123",
    "search: SKU": "/products?q=1000000123",
    "search: two words": "/products?q=словоаб+словод",
    "search: every product": "/products?q=дома&sort=price",
    "search: nothing": "/products?q=нетничего",
    "product": f"/products/{ACCOUNT}/123",
    "product, a year of changes": f"/products/{ACCOUNT}/6?days=366",
    "runs": "/runs",
    "runs, a year": "/runs?days=366",
}


@dataclass(frozen=True)
class Figures:
    """Milliseconds of each view (median and 95th percentile), and seconds of the loads."""

    size: int
    migration_seconds: float
    views: dict[str, tuple[float, float]]
    load_alone_seconds: float
    load_read_seconds: float
    read: int
    read_p95_ms: float
    heartbeat_gaps_seconds: tuple[float, float]

    @property
    def load_ratio(self) -> float:
        return self.load_read_seconds / self.load_alone_seconds


def run(size: int, postgres: EmbeddedPostgres, folder: Path, console: Console) -> Figures:
    """Fill a fresh database, measure the views and the loads, and print a table."""
    postgres.create_database(_DATABASE, WAREHOUSE_ROLE)
    dsn = postgres.dsn(_DATABASE, WAREHOUSE_ROLE)
    try:
        console.print(f"Filling a warehouse with {size:,} products and a year of history ...")
        migration_seconds = fill(dsn, postgres.dsn(_DATABASE, SUPERUSER), size)
        with running(dsn) as address:
            console.print("Views ...")
            views = {title: _view(address + path) for title, path in VIEWS.items()}
            console.print(_table(size, views))
            with serving(size // _LOADED_PART) as server:
                alone, read, milliseconds = _loads(server, dsn, folder, address, console)
        console.print("The scheduler's heartbeat ...")
        gaps = longest_gaps(postgres, dsn, folder, list(VIEWS.values()))
    finally:
        postgres.drop_database(_DATABASE)
    return Figures(
        size=size,
        migration_seconds=migration_seconds,
        views=views,
        load_alone_seconds=alone,
        load_read_seconds=read,
        read=len(milliseconds),
        read_p95_ms=_percentile_95(milliseconds),
        heartbeat_gaps_seconds=gaps,
    )


def _view(address: str) -> tuple[float, float]:
    with httpx.Client(trust_env=False, timeout=30) as client:
        for _ in range(2):
            client.get(address).raise_for_status()
        milliseconds = [_milliseconds(client, address) for _ in range(_REQUESTS)]
    return statistics.median(milliseconds), _percentile_95(milliseconds)


def _milliseconds(client: httpx.Client, address: str) -> float:
    started_at = time.perf_counter()
    client.get(address).raise_for_status()
    return 1000 * (time.perf_counter() - started_at)


def _loads(
    server: PageServer, dsn: str, folder: Path, address: str, console: Console
) -> tuple[float, float, list[float]]:
    """Return the median seconds of a load alone and while people read, and the milliseconds of each answer."""
    states = iter(["base", *["changed", "base"] * (_LOADS + 1)])

    def load() -> float:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
        state = next(states)
        console.print(f"Load: {state}")
        return measure("product_etl", server.base_url(state, 0), dsn, folder).wall_seconds

    load()
    alone, read = [], []
    milliseconds: list[float] = []
    for _ in range(_LOADS):
        # In turns, so that a slower disk or neighbour slows down both.
        alone.append(load())
        with people_reading(address, list(VIEWS.values())) as answered:
            read.append(load())
        milliseconds += answered
    return statistics.median(alone), statistics.median(read), milliseconds


def _percentile_95(milliseconds: list[float]) -> float:
    ranked = sorted(milliseconds)
    return ranked[math.ceil(0.95 * len(ranked)) - 1] if ranked else math.nan


def _table(size: int, views: dict[str, tuple[float, float]]) -> Table:
    table = Table(title=f"The page with {size:,} products, milliseconds of {_REQUESTS} answers")
    table.add_column("view")
    for column in ("median", "95 %", "goal"):
        table.add_column(column, justify="right")
    for title, (median, percentile) in views.items():
        table.add_row(title, f"{median:.0f}", f"{percentile:.0f}", "met" if percentile <= GOAL_MS else "missed")
    return table


def last_line(figures: Figures) -> str:
    """Return all figures in one line."""
    alone, read = figures.heartbeat_gaps_seconds
    slowest, (median, percentile) = max(figures.views.items(), key=lambda item: item[1][1])
    return (
        f"page: {figures.size} products: slowest view {slowest} {median:.0f} ms (95 % {percentile:.0f} ms), "
        f"{sum(high <= GOAL_MS for _, high in figures.views.values())} of {len(figures.views)} views within "
        f"{GOAL_MS} ms; a load with {READERS} readers takes {figures.load_ratio:.2f} times as long "
        f"({figures.load_alone_seconds:.1f} s, {figures.load_read_seconds:.1f} s; {figures.read} views read, 95 % "
        f"{figures.read_p95_ms:.0f} ms); longest time between two heartbeats of the scheduler {alone:.1f} s, "
        f"with readers {read:.1f} s; migration 0009 {figures.migration_seconds:.0f} s"
    )
