from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.pipeline import Pipeline


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SandboxProcess]:
    """One process for all tests; its catalogue moves on whenever a test says so."""
    with SandboxProcess(
        scratch.new_folder("sandbox"),
        {"main": 400, "second": 200},
        rate_limit_per_second=100_000,
        analytics_seconds_between_requests=0,
    ) as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """Without faults, and with all requests forgotten."""
    shared_sandbox.reset_counters()
    yield shared_sandbox
    shared_sandbox.clear_faults()


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    """The sandbox's accounts and an empty warehouse."""
    return Pipeline(sandbox, warehouse_dsn)
