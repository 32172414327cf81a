"""The folder for everything that a test session starts, and the end of all of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from include.ozon_local import processes

_VARIABLE = "OZON_TESTS_SCRATCH"


def create() -> None:
    """Make the folder; workers of pytest-xdist find it by the environment.

    Not below pytest's own temporary folder, which each session closes to the user that runs PostgreSQL.
    """
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="ozon-tests-")


def new_folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=os.environ[_VARIABLE]))


def remove() -> None:
    """End whatever still runs in the folder, and delete it."""
    folder = Path(os.environ.pop(_VARIABLE))
    processes.end(running_in(folder), grace_seconds=10)
    shutil.rmtree(folder, ignore_errors=True)


def running_in(folder: Path) -> list[psutil.Process]:
    """Airflow and runs by their marker; PostgreSQL and the sandbox by the folder in their command."""
    return [*processes.marked(lambda home: home.is_relative_to(folder)), *_with_command_naming(folder)]


def _with_command_naming(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if process.pid != os.getpid() and any(word.startswith(f"{folder}/") for word in words):
                yield process
