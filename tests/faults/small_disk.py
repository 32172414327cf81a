"""A file system of its own for a warehouse, which can be filled up."""

from __future__ import annotations

import os
import subprocess
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
        self.error = self._mount(f"size={_ROOMY_BYTES}")
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
        if error := self._mount(f"remount,size={size}"):
            raise RuntimeError(error)

    def _mount(self, options: str) -> str:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self._folder], capture_output=True, text=True, check=False
        )
        return done.stderr.strip()


def unmount_below(folder: Path) -> None:
    """Unmount all file systems below a folder, also those in use."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = Path(line.split()[1])
        if place.is_relative_to(folder):
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
