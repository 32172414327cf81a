"""Debian's packages, for tests that need a real program."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

_APT_STATE = Path("/var/lib/apt")


def has(program: Path, *packages: str) -> bool:
    """Install the packages if the program is missing and apt-get is allowed; return whether the program exists."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return program.exists()
    folder = os.open(_APT_STATE, os.O_RDONLY)
    try:
        # Workers call this at the same time: apt-get fails while another one runs, and a program exists before its
        # package is completely installed.
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not program.exists():
            for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
                subprocess.run(["apt-get", "--quiet", "--quiet", *command], check=False, capture_output=True)
    finally:
        os.close(folder)
    return program.exists()
