"""``python -m tests.docker``: starts an engine, builds the images and runs the tests; the last line has the figures.

If no engine is available it prints the reason, and checks docker-compose.yaml against the compose schema instead.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from include.ozon_local.home import LocalHome
from tests.docker import compose_schema, figures
from tests.docker.engine import NoEngineError, running_engine
from tests.docker.images import provide_images, remove_images

_FILE_ALONE = "tests/unit/ozon_local/test_docker_compose_file.py"


class Counts:
    """Counts of passed, failed and skipped tests."""

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.nodeid] = report.outcome

    def __str__(self) -> str:
        outcomes = list(self._outcomes.values())
        return ", ".join(
            f"{outcomes.count(kind)} {kind}" for kind in ("passed", "failed", "skipped") if kind in outcomes
        )


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started_at = time.monotonic()
    state = LocalHome.from_environment().path / "test-docker"
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        os.environ[figures.VARIABLE] = str(file)
        try:
            with running_engine(state) as engine_is_ours:
                stand_ins = provide_images(state, engine_is_ours)
                engine = f"{len(stand_ins)} stand-in images after {time.monotonic() - started_at:.0f} s"
                print(f"The engine is ready: {engine}", flush=True)
                try:
                    code = pytest.main(["tests/docker", "-m", "docker", "-v", *arguments], plugins=[counts])
                finally:
                    if not engine_is_ours:
                        remove_images(stand_ins)
        except NoEngineError as error:
            engine = f"no engine ({error}): docker-compose.yaml was only checked against the compose schema"
            print(engine, flush=True)
            code = compose_schema.main(state) or pytest.main([_FILE_ALONE, *arguments], plugins=[counts])
        noted = figures.noted(file)
    print(f"test-docker: {'; '.join([str(counts), engine, *noted, f'{time.monotonic() - started_at:.0f} s in all'])}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
