"""The real ``crontab`` program for a user that the test creates: no other crontab on this machine changes."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.support import debian, scratch

PROGRAM = Path("/usr/bin/crontab")
SPOOL = Path("/var/spool/cron/crontabs")


class TestUser:
    """A system user without a home, and a folder for PATH whose ``crontab`` runs the real one for this user."""

    __test__ = False

    def __init__(self) -> None:
        self.name = f"ozoncron{os.getpid()}"
        self.bin = scratch.new_folder("cron-bin")
        subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/sh", self.name], check=True)
        wrapper = self.bin / "crontab"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PROGRAM))} -u {self.name} "$@"\n')
        wrapper.chmod(0o755)
        # Not the terminal's PATH: it may contain another test's crontab.
        self.path = f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"

    def close(self) -> None:
        self.forget()
        subprocess.run(["userdel", self.name], check=True, capture_output=True)

    def forget(self) -> None:
        (SPOOL / self.name).unlink(missing_ok=True)

    def crontab(self) -> bytes | None:
        """Return the bytes of the spool file, which `crontab -l` does not show exactly; None without a crontab."""
        file = SPOOL / self.name
        if not file.exists():
            return None
        header, content = file.read_bytes().split(b"\n", 3)[:3], file.read_bytes().split(b"\n", 3)[-1]
        return content if header[0].startswith(b"# DO NOT EDIT") else file.read_bytes()

    def write(self, content: bytes) -> None:
        """Write the crontab by the program, which checks it."""
        subprocess.run([str(self.bin / "crontab"), "-"], input=content, check=True)

    def write_unchecked(self, content: bytes) -> None:
        """Write the spool file directly."""
        file = SPOOL / self.name
        file.write_bytes(content)
        file.chmod(0o600)
        shutil.chown(file, self.name, "crontab")


def reason_to_skip() -> str | None:
    """Install cron if it is missing and the tests may install it; otherwise return why the tests cannot run."""
    if os.geteuid() != 0:
        return "needs root, to make a user of its own for the real crontab program"
    if not debian.has(PROGRAM, "cron"):
        return "this machine has no crontab program, and apt-get cannot install Debian's cron"
    return None
