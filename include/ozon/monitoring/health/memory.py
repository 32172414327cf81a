"""Memory in use: the machine's, or a control group's (a container's) if its limit is lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil


@dataclass(frozen=True)
class Memory:
    """A memory and its use; ``whose`` names it in a sentence."""

    used_bytes: int
    total_bytes: int
    whose: str

    @property
    def used_pct(self) -> float:
        return 100 * self.used_bytes / self.total_bytes


@dataclass(frozen=True)
class _Files:
    """The folder and file names of one version of control groups; ``inactive`` is the part that can be freed."""

    folder: str
    limit: str
    usage: str
    inactive: str


_V2 = _Files("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
_V1 = _Files("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def fullest_memory(root: Path = Path("/")) -> Memory:
    """Return the fullest of the machine's memory and this process's smaller groups; ``root`` is for tests."""
    machine = psutil.virtual_memory()
    whole = Memory(machine.total - machine.available, machine.total, "this machine's memory")
    groups = [group for group in _groups(root) if group.total_bytes < whole.total_bytes]
    return max([whole, *groups], key=lambda memory: memory.used_pct)


def _groups(root: Path) -> Iterator[Memory]:
    """Yield the memory of the process's control groups, from its own to the outermost visible one."""
    for files, group in _memberships(root):
        for place in (group, *group.parents):
            folder = root / files.folder / place.relative_to("/")
            # A missing file: this version is not in use, or the group is the root, or outside the container. Not a
            # number ("max"): no limit.
            with suppress(OSError, ValueError):
                limit = int((folder / files.limit).read_text())
                used = int((folder / files.usage).read_text())
                yield Memory(used - _inactive_bytes(folder, files), limit, "this container's memory")


def _memberships(root: Path) -> Iterator[tuple[_Files, PurePosixPath]]:
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                yield _V2, PurePosixPath(group)
            elif "memory" in controllers.split(","):
                yield _V1, PurePosixPath(group)


def _inactive_bytes(folder: Path, files: _Files) -> int:
    """Return the size of inactive cached files: they count as used, but are freed when memory is needed."""
    for line in (folder / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == files.inactive:
            return int(value)
    return 0
