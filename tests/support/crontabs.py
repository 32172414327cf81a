"""The real ``crontab`` program, for a user of the test's own: nobody's crontab on this machine is touched."""

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
    """A system user without a home, and a folder with a ``crontab`` for PATH that is the real one for this user."""

    __test__ = False

    def __init__(self) -> None:
        self.name = f"ozoncron{os.getpid()}"
        self.bin = scratch.new_folder("cron-bin")
        subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/sh", self.name], check=True)
        wrapper = self.bin / "crontab"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PROGRAM))} -u {self.name} "$@"\n')
        wrapper.chmod(0o755)
        # So that nothing else of the terminal's PATH is found, such as another test's crontab.
        self.path = f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"

    def close(self) -> None:
        self.forget()
        subprocess.run(["userdel", self.name], check=True, capture_output=True)

    def forget(self) -> None:
        (SPOOL / self.name).unlink(missing_ok=True)

    def crontab(self) -> bytes | None:
        """The bytes in the spool, which `crontab -l` shows only nearly; None where the user has none."""
        file = SPOOL / self.name
        if not file.exists():
            return None
        header, content = file.read_bytes().split(b"\n", 3)[:3], file.read_bytes().split(b"\n", 3)[-1]
        return content if header[0].startswith(b"# DO NOT EDIT") else file.read_bytes()

    def write(self, content: bytes) -> None:
        """By the program, which checks it."""
        subprocess.run([str(self.bin / "crontab"), "-"], input=content, check=True)

    def write_unchecked(self, content: bytes) -> None:
        """As an editor of the spool's file could."""
        file = SPOOL / self.name
        file.write_bytes(content)
        file.chmod(0o600)
        shutil.chown(file, self.name, "crontab")


def reason_to_skip() -> str | None:
    """Install cron where it is missing and this may be done; otherwise why these tests cannot run."""
    if os.geteuid() != 0:
        return "needs root, to make a user of its own for the real crontab program"
    if not debian.has(PROGRAM, "cron"):
        return "this machine has no crontab program, and apt-get cannot install Debian's cron"
    return None
