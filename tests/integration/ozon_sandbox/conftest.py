from __future__ import annotations

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    """A sandbox without limits."""
    return start_sandbox(
        {"main": 600, "second": 40}, rate_limit_per_second=100_000, analytics_seconds_between_requests=0
    )
