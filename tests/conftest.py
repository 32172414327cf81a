"""Shared fixtures: an embedded PostgreSQL for each worker, fresh databases, sandboxes, Airflow's environment.

No process outlives pytest: servers end with the worker that started them, and the session's end cleans up its folder.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from xdist.scheduler import LoadGroupScheduling

from include.ozon.marketplace import pacer
from include.ozon.warehouse import schema
from include.ozon_local.airflow import airflow_environment, migrate
from include.ozon_local.connections import api_connection, postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION, proxy_exceptions
from include.ozon_local.postgres import AIRFLOW_ROLE, INSTALLED, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_local.processes import child_environment
from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.sandboxes import Sandboxes
from tests.support.servers import running_server

StartSandbox = Callable[..., SandboxProcess]
MakeEnvironment = Callable[..., dict[str, str]]

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    # Here, because pytest asks only the conftest of its first folder for options.
    parser.addoption("--pictures", action="store_true", help="only take the pictures of README from `make demo`")


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        _remove_terminal_settings()
        scratch.create()
        os.environ.update(proxy_exceptions(os.environ))
        # Importing Airflow creates AIRFLOW_HOME, which must not be the user's own.
        os.environ["AIRFLOW_HOME"] = str(scratch.new_folder("airflow"))
        # `make test` passes SIGTERM on; like Ctrl-C, it ends the session with its clean-up.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config):
        scratch.remove()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each test with its tier, which is its folder's name."""
    item.add_marker(item.path.relative_to(Path(__file__).parent).parts[0])


class _OneWorkerForMake(LoadGroupScheduling):  # type: ignore[misc]
    """Runs all tests of the Makefile's targets in one worker: they share folders, ports and a demonstration.

    The mark xdist_group has no effect: xdist 3.8 adds the group to a test's id in a way that pytest 9.2 ignores.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "make" if nodeid.startswith("tests/e2e/test_make_") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _OneWorkerForMake:
    return _OneWorkerForMake(config, log)


def _remove_terminal_settings() -> None:
    """Remove the terminal's connections and settings, for example those of `make env`."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW", "OZON")) and name != INSTALLED]:
        del os.environ[name]


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The worker's running server."""
    with running_server("postgres") as server:
        yield server


@pytest.fixture(scope="session")
def warehouse_template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated, empty warehouse to copy."""
    name = "warehouse_template"
    postgres.create_database(name, WAREHOUSE_ROLE)
    schema.upgrade(lambda: psycopg.connect(postgres.dsn(name, WAREHOUSE_ROLE)))
    return name


@pytest.fixture
def empty_database_dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database without the warehouse's schema."""
    name = f"empty_{next(_numbers)}"
    postgres.create_database(name, WAREHOUSE_ROLE)
    yield postgres.dsn(name, WAREHOUSE_ROLE)
    postgres.drop_database(name)


@pytest.fixture
def warehouse_dsn(postgres: EmbeddedPostgres, warehouse_template: str) -> Iterator[str]:
    """The test's own migrated, empty warehouse."""
    name = f"warehouse_{next(_numbers)}"
    postgres.create_database(name, WAREHOUSE_ROLE, template=warehouse_template)
    yield postgres.dsn(name, WAREHOUSE_ROLE)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """The worker's sandboxes."""
    sandboxes = Sandboxes()
    yield sandboxes
    sandboxes.stop()


@pytest.fixture
def start_sandbox(sandboxes: Sandboxes) -> Iterator[StartSandbox]:
    """A function that returns a fresh sandbox: ``start_sandbox({"main": 200}, seed=1, faults=[...])``."""
    with ExitStack() as borrowed:

        def start(accounts: Mapping[str, Any] | None = None, **options: Any) -> SandboxProcess:
            return borrowed.enter_context(sandboxes.borrow(accounts or {"main": 200}, **options))

        yield start


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    """A sandbox with two accounts and no rate limits."""
    return start_sandbox(
        {"main": 400, "second": 200}, rate_limit_per_second=100_000, analytics_seconds_between_requests=0
    )


@pytest.fixture(autouse=True)
def own_pacers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own pacers: a rate limit in one test must not slow down the next."""
    monkeypatch.setattr(pacer, "_shared", {})


@pytest.fixture(scope="session")
def metadata_template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated Airflow metadata database to copy."""
    name = "metadata_template"
    postgres.create_database(name, AIRFLOW_ROLE)
    dsn = postgres.dsn(name, AIRFLOW_ROLE)
    migrate(dsn, os.environ | airflow_environment(scratch.new_folder("airflow"), dsn))
    return name


@pytest.fixture
def make_airflow_environment(postgres: EmbeddedPostgres, metadata_template: str) -> Iterator[MakeEnvironment]:
    """A function that returns a real Airflow's environment, with its own home and metadata database."""
    databases: list[str] = []

    def make(warehouse_dsn: str, sandbox: SandboxProcess) -> dict[str, str]:
        databases.append(f"metadata_{next(_numbers)}")
        postgres.create_database(databases[-1], AIRFLOW_ROLE, template=metadata_template)
        home = scratch.new_folder("airflow")
        return {
            **child_environment(home),
            **airflow_environment(home, postgres.dsn(databases[-1], AIRFLOW_ROLE)),
            **dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items()),
            WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn),
            "OZON_WAREHOUSE_DSN": warehouse_dsn,
            "OZON_ENV": "testing",
        }

    yield make
    for name in databases:
        postgres.drop_database(name)
