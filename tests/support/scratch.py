"""The temporary folder of a test session, and the clean-up of files and processes in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from include.ozon_local import processes

_VARIABLE = "OZON_TESTS_SCRATCH"
_PREFIX = "ozon-tests-"
# A test's database has hundreds of files; on some disks creating a file takes a hundred times as long as in memory.
_IN_MEMORY = Path("/dev/shm")
_ROOMY_BYTES = 4 * 2**30


def create() -> None:
    """Create the folder, in memory if there is enough; workers of pytest-xdist find it by an environment variable.

    Not below pytest's temporary folder: the user that runs PostgreSQL cannot read that.
    """
    _sweep()
    parent = _IN_MEMORY if "TMPDIR" not in os.environ and _is_roomy(_IN_MEMORY) else None
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)


def folder() -> Path:
    """Return the session's folder."""
    return Path(os.environ[_VARIABLE])


def new_folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder()))


def remove() -> None:
    """End the processes that still run in the folder, and delete it."""
    ours = folder()
    processes.end(running_in(ours), grace_seconds=10)
    _delete(ours)
    del os.environ[_VARIABLE]


def running_in(folder: Path) -> list[psutil.Process]:
    """Return Airflow and runs, found by their marker, and PostgreSQL and sandboxes, found by their command line."""
    return [*processes.marked(lambda home: home.is_relative_to(folder)), *_with_command_naming(folder)]


def _is_roomy(folder: Path) -> bool:
    """Return whether a file system in memory has enough room, leaves enough memory, and can execute programs."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    room = found.f_bavail * found.f_frsize
    return (
        room >= _ROOMY_BYTES
        and psutil.virtual_memory().available >= 2 * _ROOMY_BYTES
        and not found.f_flag & os.ST_NOEXEC
        and os.access(folder, os.W_OK)
    )


def _sweep() -> None:
    """Delete the folders of killed sessions in memory; otherwise they stay until the next reboot."""
    for folder in _IN_MEMORY.glob(f"{_PREFIX}*-*"):
        session = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if session.isdecimal() and not psutil.pid_exists(int(session)):
            _delete(folder)


def _delete(folder: Path) -> None:
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def unmount_below(folder: Path) -> None:
    """Unmount all file systems in a folder, also those in use; where a test may mount, there is ``/proc``."""
    with suppress(OSError):
        places = [Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines()]
        for place in places:
            if place.is_relative_to(folder):
                subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def _with_command_naming(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if process.pid != os.getpid() and any(word.startswith(f"{folder}/") for word in words):
                yield process
