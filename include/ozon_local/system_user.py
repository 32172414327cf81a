"""PostgreSQL refuses to run as root: as root it runs as a system user of its own.

That user has to reach the program and the data, which may lie below a home folder closed to others.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from include.ozon.errors import FatalError

NAME = "pgserver"


def prepare(programs: Sequence[Path], data_folder: Path) -> str | None:
    """Make the folders usable by the user that runs PostgreSQL; its name, or None for "as we are"."""
    if os.geteuid() != 0:
        return None
    user = _user()
    for folder in (*programs, data_folder):
        _let_through(folder)
    for folder in programs:
        _let_read(folder)
    os.chown(data_folder, user.pw_uid, user.pw_gid)
    return NAME


def _user() -> pwd.struct_passwd:
    for _ in range(20):
        with suppress(KeyError):
            return pwd.getpwnam(NAME)
        added = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],
            check=False,
            capture_output=True,
            text=True,
        )
        if added.returncode:
            # Perhaps another process adds a user at this moment: useradd does not wait for its lock.
            time.sleep(0.25)
    raise FatalError(f"The system user {NAME}, as which root runs PostgreSQL, cannot be added: {added.stderr}")


def _let_through(folder: Path) -> None:
    """Let others pass through the folders above, which does not let them see what is in there."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """What a strict umask may have taken from the installed files."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)
