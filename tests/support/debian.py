"""Debian's packages, for tests that need a real program."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

_APT_STATE = Path("/var/lib/apt")


def has(program: Path, package: str) -> bool:
    """Whether the program is there; its package is installed where it is missing and this may be done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return program.exists()
    folder = os.open(_APT_STATE, os.O_RDONLY)
    try:
        # Workers ask at the same moment: apt-get fails where another one runs, and a program is there before all of its
        # package is.
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not program.exists():
            for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
                subprocess.run(["apt-get", "--quiet", "--quiet", *command], check=False, capture_output=True)
    finally:
        os.close(folder)
    return program.exists()
