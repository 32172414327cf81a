from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ozon.warehouse import schema
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support.pipeline import Pipeline, changed
from tests.support.servers import running_server


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    """The sandbox's accounts and an empty warehouse."""
    return Pipeline(sandbox, warehouse_dsn)


@pytest.fixture
def with_fbo(pipeline: Pipeline) -> Pipeline:
    """The same, with FBO warehouses enabled."""
    pipeline.settings = changed(pipeline.settings, "inventory", ozon_warehouses=True)
    return pipeline


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that a test may kill."""
    with running_server("killed-postgres", durable=True) as server:
        yield server


@pytest.fixture
def on_own_server(sandbox: SandboxProcess, own_server: EmbeddedPostgres) -> Pipeline:
    own_server.create_database("warehouse", WAREHOUSE_ROLE)
    pipeline = Pipeline(sandbox, own_server.dsn("warehouse", WAREHOUSE_ROLE))
    schema.upgrade(pipeline.connect)
    return pipeline
