"""A file system of its own for a warehouse, which can be filled up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.support import scratch
from tests.support.servers import data_folder

TABLESPACE = "small_disk"
_ROOMY_BYTES = 512 * 2**20


class SmallDisk:
    """A tablespace in memory; ``error`` says why this machine does not let us have one."""

    def __init__(self, superuser_dsn: str) -> None:
        self._folder = scratch.new_folder("small-disk")
        self.error = _mount(self._folder, f"size={_ROOMY_BYTES}")
        if self.error:
            return
        owner = data_folder(superuser_dsn).stat()
        os.chown(self._folder, owner.st_uid, owner.st_gid)
        with psycopg.connect(superuser_dsn, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE {TABLESPACE} LOCATION '{self._folder}'".encode())
            connection.execute(f"GRANT CREATE ON TABLESPACE {TABLESPACE} TO PUBLIC".encode())

    def leave_free(self, free_bytes: int | None) -> None:
        """Make it as large as what is used and ``free_bytes``; roomy again with None."""
        usage = os.statvfs(self._folder)
        used_bytes = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
        size = _ROOMY_BYTES if free_bytes is None else used_bytes + free_bytes
        if error := _mount(self._folder, f"remount,size={size}"):
            raise RuntimeError(error)

    @contextmanager
    def full_folder(self) -> Iterator[Path]:
        """Yield a folder in which no file can be written."""
        folder = scratch.new_folder("full")
        if error := _mount(folder, "size=4k"):
            raise RuntimeError(error)
        with suppress(OSError):
            (folder / "filling").write_bytes(bytes(2**16))
        try:
            yield folder
        finally:
            scratch.unmount_below(folder)


def _mount(folder: Path, options: str) -> str:
    """Mount a file system in memory; return the error, or an empty text."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    return done.stderr.strip()
