from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.monitoring.metrics.store import save
from include.ozon.warehouse.session import open_session
from include.ozon_sandbox.process import SandboxProcess
from tests.support.pipeline import Pipeline, changed, quick_settings


class Measured(Pipeline):
    """A pipeline that can also measure its accounts."""

    def measure(
        self, account: str = "main", *, now: datetime | None = None, since: datetime | None = None, store: bool = False
    ) -> VisibilityMetrics:
        with open_session(self.connect, self.settings.warehouse, "test") as connection:
            metrics = measure(connection, account, now or datetime.now(tz=UTC), self.settings, since)
            if store:
                save(connection, metrics)
        return metrics


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Measured:
    """The sandbox's accounts and an empty warehouse; daily sales come with Ozon's warehouses."""
    settings = changed(quick_settings(), "inventory", ozon_warehouses=True)
    return Measured(sandbox, warehouse_dsn, settings)
