"""Runs of the Makefile's targets, as a person would, with a state folder of the test's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from include.ozon_local.processes import tied
from tests.support import process


def make(
    target: str, home: Path, *options: str, timeout_seconds: float = 240, variables: Mapping[str, str] | None = None
) -> process.Done:
    env = environment(home) | (variables or {})
    return process.run(*command(target, *options), env=env, timeout_seconds=timeout_seconds)


def command(target: str, *options: str) -> list[str]:
    # The tests run in `.venv`: make must not rebuild it.
    return tied(["make", "--silent", "--old-file=venv", target, *options])


def environment(home: Path) -> dict[str, str]:
    """Return the terminal's environment without the variables of `make test` and `eval "$(make -s env)"`."""
    without = ("MAKE", "MFLAGS", "AIRFLOW", "OZON", "ARGS", "PYTEST")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(without)}
    return {**clean, "OZON_LOCAL_HOME": str(home), "PYTHON": sys.executable}
