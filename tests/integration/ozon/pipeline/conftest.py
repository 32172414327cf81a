from __future__ import annotations

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.support.pipeline import Pipeline


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    """The sandbox's accounts and an empty warehouse."""
    return Pipeline(sandbox, warehouse_dsn)
