"""Fixtures of a real Airflow with a warehouse and a sandbox of two accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from shutil import copy
from types import MappingProxyType

import pytest

from include.ozon.configuration import load_settings
from include.ozon_local.airflow import PROGRAM
from include.ozon_local.connections import api_connection, postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from include.ozon_local.stack import COMPONENTS
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support import scratch
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import AirflowStack
from tests.support.changed_project import ChangedProject
from tests.support.pipeline import Pipeline

ACCOUNTS = ("main", "second")

MakeStack = Callable[..., AirflowStack]
StartStack = Callable[..., AirflowStack]
NOTHING: Mapping[str, str] = MappingProxyType({})
# A small catalogue has several pages.
SMALL_PAGES = {"OZON__API__PAGE_SIZE": "100", "OZON__API__DETAILS_BATCH_SIZE": "100"}
# The configuration accepts it: it is due every fourth year.
NEVER = "0 0 29 2 *"


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    return start_sandbox({"main": 300, "second": 120})


@pytest.fixture
def warehouse(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    return Pipeline(sandbox, warehouse_dsn)


@pytest.fixture
def loaded(warehouse: Pipeline) -> None:
    for account in ACCOUNTS:
        warehouse.load("before", account)


@pytest.fixture
def airflow(sandbox: SandboxProcess, warehouse_dsn: str, make_airflow_environment: MakeEnvironment) -> Airflow:
    return Airflow({**make_airflow_environment(warehouse_dsn, sandbox), **SMALL_PAGES})


@pytest.fixture
def project(sandbox: SandboxProcess, warehouse_dsn: str, make_airflow_environment: MakeEnvironment) -> ChangedProject:
    """A copy of the project for the test to change."""
    return ChangedProject(make_airflow_environment(warehouse_dsn, sandbox))


@pytest.fixture
def make_stack(
    postgres: EmbeddedPostgres, metadata_template: str, sandbox: SandboxProcess, warehouse_dsn: str
) -> Iterator[MakeStack]:
    """A function that returns Airflow's components on the test's metadata database, to be started by ``with``.

    ``make_stack("scheduler", ..., home=folder, program=airflow, **variables)``. No run of ``ozon_etl`` is scheduled.
    """
    database = "stack_metadata"
    postgres.create_database(database, AIRFLOW_ROLE, template=metadata_template)
    own_home = scratch.new_folder("stack")
    connections = dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items())

    def make(
        *components: str, home: Path = own_home, program: Path = PROGRAM, folder: Path = ROOT, **variables: str
    ) -> AirflowStack:
        ours = {
            **connections,
            WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn),
            "OZON_ENV": "testing",
            "OZON__SCHEDULE__ETL": NEVER,
            **variables,
        }
        dsn = postgres.dsn(database, AIRFLOW_ROLE)
        return AirflowStack(home, dsn, ours, components or tuple(COMPONENTS), program=program, folder=folder)

    yield make
    postgres.drop_database(database)


@pytest.fixture
def start_stack(make_stack: MakeStack) -> Iterator[StartStack]:
    """A function that starts Airflow with a scheduler and some DAGs, of which nothing is scheduled.

    ``start_stack("ozon_etl", variables={...}, other={"waiting": "<a DAG file's text>"})`` returns when they are parsed.
    """
    with ExitStack() as started:

        def start(
            *dag_ids: str, variables: Mapping[str, str] = NOTHING, other: Mapping[str, str] = NOTHING
        ) -> AirflowStack:
            home = scratch.new_folder("stack")
            (home / "dags").mkdir()
            for dag_id in dag_ids:
                copy(ROOT / "dags" / f"{dag_id}.py", home / "dags")
            for dag_id, text in other.items():
                (home / "dags" / f"{dag_id}.py").write_text(text)
            settings = {**SMALL_PAGES, "OZON__SCHEDULE__HEALTH": NEVER, **variables}
            stack = started.enter_context(make_stack("api-server", "scheduler", "dag-processor", home=home, **settings))
            stack.await_dags(*dag_ids, *other)
            stack.call("POST", "/api/v2/pools", name=load_settings().alerts.pool, slots=1)
            return stack

        yield start
