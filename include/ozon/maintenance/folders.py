"""Deletion of files below a folder, safe from links, mounts and races.

Every folder is opened by its name in its open parent, without following links, and a file is deleted by its name in its
open folder. No path is resolved twice, so a folder that is replaced by a link meanwhile does no harm.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

Parts = tuple[str, ...]
"""A file's path below the folder: ``("dag_id=ozon_etl", "run_id=...", "attempt=1.log")``."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# A younger empty folder may be one that a task has just created.
_YOUNG_FOLDER = timedelta(days=1)

# Logs are six folders deep; every level needs an open descriptor.
_MOST_LEVELS = 32


@dataclass
class Sweep:
    """A deletion with its counts, in a dry run of what it would delete; ``byte_count`` is the freed disk space."""

    now: datetime
    dry_run: bool
    takes_empty_folders: bool = True
    """True to delete folders that were empty before; False if an earlier sweep has counted them."""
    file_count: int = 0
    folder_count: int = 0
    byte_count: int = 0
    problems: list[str] = field(default_factory=list)
    """A sentence for each file or folder that could not be read or deleted."""

    def run(
        self,
        root: Path,
        enters: Callable[[str], bool],
        is_due: Callable[[Parts, os.stat_result], bool],
    ) -> None:
        """Delete the regular files below ``root`` that are due, and the folders that are empty afterwards.

        ``enters`` returns whether to enter a folder directly below ``root``. ``root`` may be a link, since a person has
        configured it; links below it are neither followed nor deleted. Entries that vanish meanwhile are ignored. A
        folder on another file system is not entered, nor, on Linux, another mount of the same one.

        Raise FileNotFoundError if ``root`` does not exist, and OSError if it cannot be read.
        """
        descriptor = os.open(root.resolve(strict=True), _OPEN_FOLDER)
        try:
            _Walk(self, enters, is_due, os.fstat(descriptor).st_dev, _mount(descriptor)).folder(descriptor, ())
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class _Walk:
    sweep: Sweep
    enters: Callable[[str], bool]
    is_due: Callable[[Parts, os.stat_result], bool]
    device: int
    mount: str

    def folder(self, descriptor: int, place: Parts) -> bool:
        """Sweep an open folder, and return whether it counts as empty afterwards."""
        names = os.listdir(descriptor)
        if not names:
            return self.sweep.takes_empty_folders
        staying = len(names)
        for name in names:
            path = (*place, name)
            try:
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    staying -= self._is_folder_gone(descriptor, path, found)
                elif stat.S_ISREG(found.st_mode):
                    staying -= self._is_file_gone(descriptor, path, found)
            except FileNotFoundError:
                staying -= 1
            except OSError as error:
                self.sweep.problems.append(f"{'/'.join(path)}: {error.strerror}")
        return not staying

    def _is_file_gone(self, parent: int, path: Parts, found: os.stat_result) -> bool:
        if not self.is_due(path, found):
            return False
        if not self.sweep.dry_run:
            os.unlink(path[-1], dir_fd=parent)
        self.sweep.file_count += 1
        # A file with another hard link frees no space.
        self.sweep.byte_count += found.st_blocks * 512 if found.st_nlink == 1 else 0
        return True

    def _is_folder_gone(self, parent: int, path: Parts, found: os.stat_result) -> bool:
        if len(path) > _MOST_LEVELS or found.st_dev != self.device or (len(path) == 1 and not self.enters(path[0])):
            return False
        descriptor = os.open(path[-1], _OPEN_FOLDER, dir_fd=parent)
        try:
            if _mount(descriptor) != self.mount:
                return False
            is_empty = self.folder(descriptor, path)
        finally:
            os.close(descriptor)
        if not is_empty or found.st_mtime > (self.sweep.now - _YOUNG_FOLDER).timestamp():
            return False
        if not self.sweep.dry_run:
            # A file may have been created in it just now.
            with suppress(OSError):
                os.rmdir(path[-1], dir_fd=parent)
                self.sweep.folder_count += 1
                return True
            return False
        self.sweep.folder_count += 1
        return True


def _mount(descriptor: int) -> str:
    """Return the number of the mount that an open folder is in; "" without Linux's ``/proc``.

    A bind mount has the device of its source, but a number of its own.
    """
    try:
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    except FileNotFoundError:
        return ""
    return next((line for line in lines if line.startswith("mnt_id:")), "")
