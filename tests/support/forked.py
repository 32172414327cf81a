"""``ozon`` forked from a process that has already imported it, for the hundreds of calls of the tests.

It has its own arguments, environment, folder, streams and exit code; forking saves only the seconds of the imports.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from include.ozon_local.home import ROOT
from tests.support import scratch
from tests.support.process import Done

_processes = multiprocessing.get_context("forkserver")
# Airflow itself reads its configuration where it is imported, so only the packages that it imports are here.
_processes.set_forkserver_preload(
    [
        "include.ozon.cli",
        "aiosqlite",
        "cryptography.fernet",
        "fsspec",
        "httpx",
        "jinja2.nativetypes",
        "jsonschema",
        "libcst",
        "opentelemetry.sdk.metrics",
        "opentelemetry.sdk.trace",
        "pathspec",
        "pendulum",
        "psycopg2.extras",
        "pygments",
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.ext.asyncio",
        "sqlalchemy.orm",
        "sqlparse",
        "structlog.dev",
        "upath",
    ]
)


def ozon(*arguments: str, env: Mapping[str, str], cwd: Path = ROOT) -> Done:
    """Run ``ozon``; return its exit code and output. A failure does not raise."""
    folder = scratch.new_folder("forked")
    process = _processes.Process(target=_ozon, args=(arguments, dict(env), cwd, folder))
    process.start()
    process.join()
    stdout, stderr = ((folder / name).read_text() for name in ("stdout", "stderr"))
    return Done(arguments, process.exitcode or 0, stdout, stderr)


def _ozon(arguments: tuple[str, ...], env: dict[str, str], cwd: Path, folder: Path) -> None:
    from include.ozon import cli

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["ozon", *arguments]
    cli.main()
