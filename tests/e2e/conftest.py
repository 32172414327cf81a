"""Fixtures of a real Airflow with a warehouse and a sandbox of two accounts."""

from __future__ import annotations

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support.airflow_runs import Airflow
from tests.support.changed_project import ChangedProject
from tests.support.pipeline import Pipeline

ACCOUNTS = ("main", "second")


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
    """Airflow with small pages, so that a small catalogue has several."""
    environment = make_airflow_environment(warehouse_dsn, sandbox)
    return Airflow({**environment, "OZON__API__PAGE_SIZE": "100", "OZON__API__DETAILS_BATCH_SIZE": "100"})


@pytest.fixture
def project(sandbox: SandboxProcess, warehouse_dsn: str, make_airflow_environment: MakeEnvironment) -> ChangedProject:
    """A copy of the project for the test to change."""
    return ChangedProject(make_airflow_environment(warehouse_dsn, sandbox))
