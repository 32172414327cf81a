from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.ozon.monitoring.metrics import VisibilityMetrics, measure, save
from include.ozon.warehouse.session import open_session
from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.pipeline import Pipeline, changed, quick_settings


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


class Measured(Pipeline):
    """A pipeline whose accounts are measured, too."""

    def measure(
        self, account: str = "main", *, now: datetime | None = None, since: datetime | None = None, store: bool = False
    ) -> VisibilityMetrics:
        with open_session(self.connect, self.settings.warehouse, "test") as connection:
            metrics = measure(connection, account, now or datetime.now(tz=UTC), self.settings, since)
            if store:
                save(connection, metrics)
        return metrics


@pytest.fixture
def pipeline(shared_sandbox: SandboxProcess, warehouse_dsn: str) -> Iterator[Measured]:
    """The sandbox's accounts and an empty warehouse; daily sales come with Ozon's warehouses."""
    settings = changed(quick_settings(), "inventory", ozon_warehouses=True)
    yield Measured(shared_sandbox, warehouse_dsn, settings)
    shared_sandbox.clear_faults()
