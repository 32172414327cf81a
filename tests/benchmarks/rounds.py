"""Rounds of loads: contenders take turns, each in its own database."""

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
"""The cases in the order of the loads, each with the state of the served catalogue."""

CONTENDERS = ("product_etl", "floor", "dlt_merge", "pandas_to_sql")

_SMALL_SIZE = 10_000


@dataclass(frozen=True)
class Measurement:
    """A sample with its contender, size, latency, case and round."""

    contender: str
    size: int
    latency_ms: int
    case: str
    round: int
    sample: Sample


@dataclass(frozen=True)
class Plan:
    """The measurements of one catalogue at one latency."""

    size: int
    latency_ms: int
    cases: tuple[str, ...]
    contenders: tuple[str, ...]
    rounds: int

    def is_measured(self, contender: str, case: str) -> bool:
        """Return whether to measure the load: with a latency, contenders that download page by page take minutes."""
        if self.latency_ms == 0 or self.size <= _SMALL_SIZE or contender == "product_etl":
            return True
        return contender == "floor" and case == "first"


def run(
    plan: Plan, server: PageServer, postgres: EmbeddedPostgres, folder: Path, report: Callable[[str], None]
) -> Iterator[Measurement]:
    """Run all loads of a plan. Raises RuntimeError if one fails or the contenders' results differ."""
    for number in range(plan.rounds):
        with _databases(plan.contenders, postgres, folder) as databases:
            for case, state in _sequence(plan.cases):
                order = [c for c in plan.contenders if plan.is_measured(c, case)]
                # Alternate the order, so that a contender does not always follow the same one.
                for contender in reversed(order) if number % 2 else order:
                    report(f"{plan.size} products, {plan.latency_ms} ms, round {number + 1}, {case}: {contender}")
                    database = databases[contender]
                    _flush(postgres)
                    sample = measure(contender, server.base_url(state, plan.latency_ms), database.dsn, database.folder)
                    if case in plan.cases:
                        yield Measurement(contender, plan.size, plan.latency_ms, case, number + 1, sample)
                _check_agreement({c: databases[c] for c in order}, is_first=case == "first")


def _sequence(cases: Sequence[str]) -> list[tuple[str, str]]:
    """Return the cases with their states, beginning with the first load that every case needs."""
    return [(case, state) for case, state in CASES.items() if case in cases or case == "first"]


@dataclass(frozen=True)
class _Database:
    dsn: str
    folder: Path


@contextmanager
def _databases(contenders: Sequence[str], postgres: EmbeddedPostgres, folder: Path) -> Iterator[dict[str, _Database]]:
    """Yield a fresh database with tables and a fresh folder for each contender."""
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
    """Write all pending data, so that a load does not wait for the writes of the previous one."""
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
