"""The target `make lock`: resolve pyproject.toml into requirements.lock, and export the others for servers and dbt."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from include.ozon_local.home import ROOT

_COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
    # One resolution for every supported Python; the oldest one limits the versions.
    *("--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header"),
)


def lock(options: Sequence[str]) -> int:
    """Resolve with as few changes as possible; the option ``--upgrade`` takes the newest versions."""
    for arguments in (
        ["pyproject.toml", "--group", "dev", "--output-file", "requirements.lock", *options],
        ["pyproject.toml", "--constraints", "requirements.lock", "--output-file", "requirements.txt"],
        # Not in the lock, because only containers use it.
        [
            *("pyproject.toml", "--group", "docker", "--constraints", "requirements.txt"),
            *("--output-file", "docker/requirements.txt", *options),
        ],
        # The group alone, without the project.
        ["--group", "dbt", "--output-file", "dbt/requirements.txt", *options],
    ):
        done = subprocess.run([*_COMPILE, *arguments], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0
