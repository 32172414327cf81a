"""``python -m tests.docker``: the stack of docker-compose.yaml for real, or, without an engine, its file by the schema.

An engine is installed where that can be done, images that cannot be pulled are stood in for, and both are gone
afterwards; what they were made of is kept below the state folder for the next time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from include.ozon_local.home import ROOT, LocalHome
from tests.docker import compose_schema
from tests.docker.engine import NoEngineError, running_engine
from tests.docker.images import provide_images, remove_images


def main(options: Sequence[str]) -> int:
    state = LocalHome.from_environment().path / "test-docker"
    try:
        with running_engine(state) as is_ours:
            stand_ins = provide_images(state, is_ours)
            try:
                return _run_tests(options)
            finally:
                if not is_ours:
                    remove_images(stand_ins)
    except NoEngineError as error:
        print(f"The stack is not started: {error}. docker-compose.yaml is checked against compose's schema instead.")
        return compose_schema.main(state)


def _run_tests(options: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-m", "docker", "-n", "0", "tests/docker", *options]
    return subprocess.run(command, cwd=ROOT, env=os.environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
