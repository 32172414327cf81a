"""The system user of PostgreSQL when this program runs as root, as which PostgreSQL refuses to run.

The user needs access to the programs and the data, which may be below a home folder that is closed to others.
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
    """Give PostgreSQL's user access to the folders and return its name; None if it runs as the current user."""
    if os.geteuid() != 0:
        return None
    user = _user()
    for folder in (*programs, data_folder):
        _allow_traversal(folder)
    for folder in programs:
        _allow_reading(folder)
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
            # Another process may be adding a user at this moment: useradd does not wait for its lock.
            time.sleep(0.25)
    raise FatalError(f"The system user {NAME}, as which root runs PostgreSQL, cannot be added: {added.stderr}")


def _allow_traversal(folder: Path) -> None:
    """Allow others to traverse the folders above, but not to list them."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _allow_reading(folder: Path) -> None:
    """Restore the read permissions that a strict umask may have removed from the installed files."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)
