"""``ozon`` forked from a process that has already imported it, for tests that run it hundreds of times.

It has its own arguments, environment, streams and exit code; forking saves only the two seconds of the import.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from include.ozon_local.home import ROOT
from tests.support import scratch

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["include.ozon.cli"])


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    folder = scratch.new_folder("forked")
    process = _processes.Process(target=_ozon, args=(arguments, environment, folder))
    process.start()
    process.join()
    stdout, stderr = ((folder / name).read_text() for name in ("stdout", "stderr"))
    return subprocess.CompletedProcess(arguments, process.exitcode or 0, stdout, stderr)


def _ozon(arguments: list[str], environment: dict[str, str], folder: Path) -> None:
    from include.ozon import cli

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["ozon", *arguments]
    cli.main()
