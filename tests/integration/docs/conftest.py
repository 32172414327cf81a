from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.support import scratch
from tests.support.pipeline import Pipeline


@pytest.fixture
def pipeline(warehouse_dsn: str) -> Iterator[Pipeline]:
    """An account of a sandbox of the test's own, and an empty warehouse."""
    with SandboxProcess(scratch.new_folder("sandbox"), {"main": 400}, rate_limit_per_second=100_000) as sandbox:
        yield Pipeline(sandbox, warehouse_dsn)
