"""Many accounts on four processes, as four Celery workers load them: wall time against the work, memory, readers.

Everything runs on this machine: the loads, PostgreSQL, and the sandboxes that answer in Ozon's place. A reader counts
and sums the products of one account after the other meanwhile, and fails if he waits for a lock.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from include.ozon.configuration import load_settings
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.settings import Settings
from include.ozon.settings.accounts import AccountSettings
from include.ozon.warehouse import schema
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.benchmarks.measure import seconds_of
from tests.benchmarks.monitoring import checked
from tests.support.servers import postmaster

CASE = "accounts"
PROCESSES = 4
GOAL = 1.2

_DATABASE = "accounts"
# Of the accounts, each with a sandbox: one alone would answer on one core.
_PARTS = 2
_READING_SECONDS = 0.05
# PostgreSQL's smallest: a statement that waits longer for a lock fails.
_LOCK_TIMEOUT = "1ms"

_RESULT = """
SELECT max(peak_memory_mb), count(*), pg_database_size(current_database()) / 1e6
FROM ozon.etl_component_executions WHERE status = 'success'
"""
_READ = "SELECT count(*), sum(price) FROM ozon.products WHERE account = %s AND removed_at IS NULL"


@dataclass(frozen=True)
class Plan:
    """The number of accounts, and the products of each."""

    accounts: int
    products: int


FULL = Plan(50, 20_000)
QUICK = Plan(6, 2_000)


@dataclass(frozen=True)
class Order:
    """One account's workflow, for another process."""

    account: str
    dag_run_id: str
    base_url: str
    client_id: str
    api_key: str
    dsn: str


@dataclass(frozen=True)
class Round:
    """The loads of all accounts once: wall seconds, and CPU seconds of each part."""

    title: str
    wall_seconds: float
    cpu_seconds: Mapping[str, float]
    others_cpu_seconds: float
    """Of all other processes of this machine."""
    reads: int
    longest_read_seconds: float
    blocked_reads: int

    @property
    def ideal_seconds(self) -> float:
        """The work divided by the cores, without what other processes took of them."""
        cores = os.cpu_count() or 1
        return sum(self.cpu_seconds.values()) / (cores - self.others_cpu_seconds / self.wall_seconds)

    @property
    def ratio(self) -> float:
        return self.wall_seconds / self.ideal_seconds


@dataclass(frozen=True)
class Figures:
    """The rounds, the largest memory of a load, and what all accounts are for monitoring and disk."""

    plan: Plan
    rounds: list[Round]
    peak_memory_mb: float
    health_seconds: float
    database_mb: float


def run(plan: Plan, postgres: EmbeddedPostgres, folder: Path, console: Console) -> Figures:
    """Load all accounts into a fresh database twice, and print a table."""
    postgres.create_database(_DATABASE, WAREHOUSE_ROLE)
    dsn = postgres.dsn(_DATABASE, WAREHOUSE_ROLE)
    schema.upgrade(lambda: psycopg.connect(dsn))
    names = [f"account{number}" for number in range(plan.accounts)]
    with ExitStack() as stack:
        sandboxes = [
            stack.enter_context(
                SandboxProcess(folder / f"sandbox{part}", dict.fromkeys(names[part::_PARTS], plan.products))
            )
            for part in range(_PARTS)
        ]
        pool = stack.enter_context(ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")))
        list(pool.map(_warm_up, range(PROCESSES)))
        rounds = []
        for title in ("first", "six hours later"):
            console.print(f"{plan.accounts} accounts of {plan.products:,} products, {title} ...")
            rounds.append(_measured(title, names, sandboxes, pool, dsn))
            for sandbox in sandboxes:
                sandbox.tick()
    health_seconds = seconds_of(lambda: checked(_settings(names), dsn, datetime.now(UTC)))
    with psycopg.connect(dsn) as connection:
        peak, loads, megabytes = connection.execute(_RESULT).fetchone() or (0, 0, 0)
    postgres.drop_database(_DATABASE)
    if loads != plan.accounts * len(COMPONENTS) * len(rounds):
        raise RuntimeError(f"{loads} components succeeded, expected those of {plan.accounts} accounts, twice")
    figures = Figures(plan, rounds, peak, health_seconds, megabytes)
    console.print(_table(figures))
    return figures


def _measured(
    title: str, names: Sequence[str], sandboxes: Sequence[SandboxProcess], pool: ProcessPoolExecutor, dsn: str
) -> Round:
    orders = []
    for number, name in enumerate(names):
        sandbox = sandboxes[number % _PARTS]
        keys = sandbox.accounts[name]
        orders.append(Order(name, title, sandbox.base_url, keys.client_id, keys.api_key, dsn))
    parts = {"PostgreSQL": [postmaster(dsn)], "Ozon's answers": [psutil.Process(each.pid) for each in sandboxes]}
    before = {part: sum(map(_tree_cpu_seconds, processes)) for part, processes in parts.items()}
    busy_before = _busy_seconds()
    started_at = time.perf_counter()
    reader = _Reader(dsn)
    with reader.reading(names):
        cpu_seconds = {"loads": sum(pool.map(load, orders))}
    wall_seconds = time.perf_counter() - started_at
    for part, processes in parts.items():
        cpu_seconds[part] = sum(map(_tree_cpu_seconds, processes)) - before[part]
    others = _busy_seconds() - busy_before - sum(cpu_seconds.values())
    return Round(
        title=title,
        wall_seconds=wall_seconds,
        cpu_seconds=cpu_seconds,
        others_cpu_seconds=max(0.0, others),
        reads=reader.reads,
        longest_read_seconds=reader.longest_seconds,
        blocked_reads=reader.blocked,
    )


def load(order: Order) -> float:
    """Load one account, as the tasks of its DAG run do; return the CPU seconds of this process."""
    used_before = time.process_time()
    credentials = Credentials(order.base_url, order.client_id, order.api_key, source=f"ozon_api_{order.account}")
    settings = load_settings(environment="production", environ={})
    workflow = Run(
        account=order.account,
        dag_run_id=order.dag_run_id,
        trigger="scheduled",
        settings=settings,
        connect=lambda: psycopg.connect(order.dsn),
        open_client=lambda stop: SellerClient(credentials, settings.api, stop=stop),
    )
    for component in COMPONENTS:
        run_component(component, workflow)
    end_workflow(workflow)
    return time.process_time() - used_before


def _settings(names: Sequence[str]) -> Settings:
    settings = load_settings(environment="production", environ={})
    return settings.model_copy(update={"accounts": dict.fromkeys(names, AccountSettings(title="One of many"))})


def _warm_up(_: int) -> None:
    """Import what a load needs; a worker's processes have done so long before."""
    from include.ozon.pipeline import inventory_reading, product_reading
    from include.ozon.warehouse import inventory_merge, product_merge

    modules = (inventory_reading, product_reading, inventory_merge, product_merge)
    time.sleep(len(modules) / 4)  # so that each process gets one of these calls


class _Reader:
    """Somebody who reads one account after the other, with the time of the longest query."""

    def __init__(self, dsn: str) -> None:
        self.reads = 0
        self.blocked = 0
        self.longest_seconds = 0.0
        self._dsn = dsn
        self._end = threading.Event()

    @contextmanager
    def reading(self, accounts: Sequence[str]) -> Iterator[None]:
        thread = threading.Thread(target=self._read, args=(accounts,))
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _read(self, accounts: Sequence[str]) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'".encode())
            for account in itertools.cycle(accounts):
                if self._end.wait(_READING_SECONDS):
                    return
                started_at = time.perf_counter()
                try:
                    connection.execute(_READ, (account,))
                except psycopg.errors.LockNotAvailable:
                    self.blocked += 1
                self.reads += 1
                self.longest_seconds = max(self.longest_seconds, time.perf_counter() - started_at)


def _tree_cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of all its children, ended ones included."""
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            total += sum(child.cpu_times()[:4])
    return total


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _table(figures: Figures) -> Table:
    table = Table(
        title=f"{figures.plan.accounts} accounts of {figures.plan.products:,} products on {PROCESSES} processes"
    )
    for column in ("loads", *figures.rounds[0].cpu_seconds, "others", "work / cores", "wall", f"ratio, goal {GOAL}"):
        table.add_column(column, justify="left" if column == "loads" else "right")
    for measured in figures.rounds:
        seconds = (*measured.cpu_seconds.values(), measured.others_cpu_seconds, measured.ideal_seconds)
        table.add_row(
            measured.title,
            *(f"{value:.1f} s" for value in (*seconds, measured.wall_seconds)),
            f"{measured.ratio:.2f}",
        )
    return table


def last_line(figures: Figures) -> str:
    """Return all figures in one line."""
    rounds = ", ".join(f"{each.title} {each.wall_seconds:.0f} s ({each.ratio:.2f} x work)" for each in figures.rounds)
    reads = sum(each.reads for each in figures.rounds)
    blocked = sum(each.blocked_reads for each in figures.rounds)
    longest_ms = 1000 * max(each.longest_read_seconds for each in figures.rounds)
    return (
        f"accounts: {figures.plan.accounts} of {figures.plan.products} products on {PROCESSES} processes: {rounds}; "
        f"largest memory of a load {figures.peak_memory_mb:.0f} MB; {reads} reads, {blocked} waited for a lock for "
        f"more than {_LOCK_TIMEOUT}, the longest took {longest_ms:.0f} ms; health check "
        f"{figures.health_seconds:.1f} s; database {figures.database_mb:.0f} MB"
    )
