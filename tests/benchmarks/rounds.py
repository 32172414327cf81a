"""Rounds of loads: each contender in its own database, all of them taking turns."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psycopg

from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.benchmarks.measure import Sample, measure
from tests.benchmarks.page_server import PageServer

CASES = {"first": "base", "unchanged": "base", "changed": "changed"}
"""What is loaded, in this order, by the state of the catalogue that is served."""

CONTENDERS = ("product_etl", "floor", "dlt_merge", "pandas_to_sql")

_SMALL_SIZE = 10_000


@dataclass(frozen=True)
class Measurement:
    """A sample, and what it is one of."""

    contender: str
    size: int
    latency_ms: int
    case: str
    round: int
    sample: Sample


@dataclass(frozen=True)
class Plan:
    """What to measure of one catalogue at one latency."""

    size: int
    latency_ms: int
    cases: tuple[str, ...]
    contenders: tuple[str, ...]
    rounds: int

    def is_measured(self, contender: str, case: str) -> bool:
        """With a latency, those that wait for each page in turn take minutes, and always the same."""
        if self.latency_ms == 0 or self.size <= _SMALL_SIZE or contender == "product_etl":
            return True
        return contender == "floor" and case == "first"


def run(
    plan: Plan, server: PageServer, postgres: EmbeddedPostgres, folder: Path, tell: Callable[[str], None]
) -> Iterator[Measurement]:
    """All loads of a plan. Raises RuntimeError where one fails or contenders disagree about the result."""
    for number in range(plan.rounds):
        with _databases(plan.contenders, postgres, folder) as databases:
            for case, state in _sequence(plan.cases):
                order = [c for c in plan.contenders if plan.is_measured(c, case)]
                # Turn about, so that nobody always comes after the same other.
                for contender in reversed(order) if number % 2 else order:
                    tell(f"{plan.size} products, {plan.latency_ms} ms, round {number + 1}, {case}: {contender}")
                    database = databases[contender]
                    _flush(postgres)
                    sample = measure(contender, server.base_url(state, plan.latency_ms), database.dsn, database.folder)
                    if case in plan.cases:
                        yield Measurement(contender, plan.size, plan.latency_ms, case, number + 1, sample)
                _check_agreement({c: databases[c] for c in order}, is_first=case == "first")


def _sequence(cases: Sequence[str]) -> list[tuple[str, str]]:
    """Every case needs a first load before it."""
    return [(case, state) for case, state in CASES.items() if case in cases or case == "first"]


@dataclass(frozen=True)
class _Database:
    dsn: str
    folder: Path


@contextmanager
def _databases(contenders: Sequence[str], postgres: EmbeddedPostgres, folder: Path) -> Iterator[dict[str, _Database]]:
    """A fresh database, with its tables, and a fresh folder for each contender."""
    databases = {}
    try:
        for contender in contenders:
            postgres.create_database(contender, WAREHOUSE_ROLE)
            own_folder = folder / f"{contender}_{len(list(folder.iterdir()))}"
            own_folder.mkdir()
            databases[contender] = _Database(postgres.dsn(contender, WAREHOUSE_ROLE), own_folder)
            _module(contender).prepare(databases[contender].dsn)
        yield databases
    finally:
        for contender in contenders:
            postgres.drop_database(contender)


def _module(contender: str) -> ModuleType:
    return importlib.import_module(f"tests.benchmarks.contenders.{contender}")


def _flush(postgres: EmbeddedPostgres) -> None:
    """Have nobody pay for what the one before has left to write."""
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _check_agreement(databases: dict[str, _Database], *, is_first: bool) -> None:
    results = {}
    for contender, database in databases.items():
        module = _module(contender)
        if module.MERGES or is_first:
            results[contender] = _result(database.dsn, module.TABLE)
    if len(set(results.values())) > 1:
        raise RuntimeError(f"the loads do not have the same result (products, sum of prices, visible): {results}")


def _result(dsn: str, table: str) -> tuple[object, ...]:
    query = f"SELECT count(*), sum(price), count(*) FILTER (WHERE visibility = 'VISIBLE') FROM {table}"
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchone() or ()
