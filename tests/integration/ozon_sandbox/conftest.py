from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ozon_sandbox.process import SandboxProcess


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One process for all tests that neither move the catalogue on nor look at limits."""
    with SandboxProcess(
        tmp_path_factory.mktemp("sandbox"),
        {"main": 600, "second": 40},
        rate_limit_per_second=100_000,
        analytics_seconds_between_requests=0,
    ) as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    yield shared_sandbox
    shared_sandbox.clear_faults()
