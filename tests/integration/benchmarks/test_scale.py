"""The measurements of `make bench-scale` at a tiny size: they run, and they do what docs/scale.md says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.benchmarks import accounts, year

pytestmark = pytest.mark.long

SIZE = 500


@pytest.fixture
def console() -> Console:
    return Console(quiet=True)


@pytest.fixture
def simulated(postgres: EmbeddedPostgres, console: Console) -> Iterator[tuple[year.Figures, psycopg.Connection]]:
    figures = year.run(year.Plan(SIZE, weeks=3, requests=1), postgres, console)
    with psycopg.connect(postgres.dsn("year", SUPERUSER)) as connection:
        yield figures, connection
    for database in ("year", "week"):
        postgres.drop_database(database)


def test_a_year_has_the_changes_and_records_of_four_loads_a_day(
    simulated: tuple[year.Figures, psycopg.Connection],
) -> None:
    figures, warehouse = simulated

    def row(query: str) -> tuple[object, ...]:
        return warehouse.execute(query.encode()).fetchone() or ()

    loads = 1 + 3 * 28
    assert figures.loads == loads
    assert row("SELECT count(*) FROM ozon.etl_workflow_executions WHERE status = 'success'") == (loads,)
    assert row("SELECT count(*) FROM ozon.visibility_metrics") == (loads,)
    assert row("SELECT count(DISTINCT measured_at) FROM ozon.health_checks") == (24 * (loads - 1) + 24,)
    assert row("SELECT max(changed_at) - min(changed_at) FROM ozon.inventory_history")[0] > timedelta(days=20)
    changes = {
        "product_price_history": 0.01 * SIZE,
        "product_visibility_history": 0.002 * SIZE,
        "inventory_history": 0.05 * 2 * SIZE,
    }
    for table, expected in changes.items():
        first = 2 * SIZE if table == "inventory_history" else SIZE
        (count,) = row(f"SELECT count(*) FROM ozon.{table}")
        assert isinstance(count, int)
        assert 0.7 < (count - first) / (expected * (loads - 1)) < 1.3, table
    assert set(figures.first) == set(figures.last) >= {"product_etl", "inventory_etl", "metrics", "health check"}
    for samples in (figures.first, figures.last):
        assert min(itertools.chain(*samples.values())) > 0
    assert f"year: {SIZE} products, {loads} loads" in year.last_line(figures)


def test_accounts_are_loaded_twice_and_nobody_waits(
    postgres: EmbeddedPostgres, console: Console, tmp_path: Path
) -> None:
    figures = accounts.run(accounts.Plan(3, 300), postgres, tmp_path, console)

    for measured in figures.rounds:
        assert measured.reads > 0
        assert measured.blocked_reads == 0
        assert all(seconds > 0 for seconds in measured.cpu_seconds.values())
        assert measured.ratio > 0
    assert "accounts: 3 of 300 products" in accounts.last_line(figures)
