"""A real PgBouncer in front of a test's warehouse."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from include.ozon_local.connections import postgres_connection
from include.ozon_local.home import LOOPBACK, free_port
from include.ozon_local.processes import tied
from tests.support import debian, scratch

PROGRAM = Path("/usr/sbin/pgbouncer")
_USER = "nobody"
_SECONDS = 20


def reason_to_skip() -> str | None:
    """Install PgBouncer if it is missing and the tests may install it; otherwise return why the tests cannot run."""
    if not debian.has(PROGRAM, "pgbouncer"):
        return "this machine has no PgBouncer, and apt-get cannot install Debian's"
    return None


@contextmanager
def pooler(dsn: str, mode: str) -> Iterator[str]:
    """Yield Airflow's connection to a database through a pooler in this mode."""
    url = urlsplit(dsn)
    folder = scratch.new_folder("pgbouncer")
    port = free_port(0, ())
    (folder / "users").write_text(f'"{url.username}" "{url.password}"\n')
    settings = {
        "listen_addr": LOOPBACK,
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "plain",
        "auth_file": folder / "users",
        "pool_mode": mode,
    }
    database = f"{url.path[1:]} = host={url.hostname} port={url.port}"
    lines = ["[databases]", database, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())]
    file = folder / "pgbouncer.ini"
    file.write_text("\n".join(lines) + "\n")
    # PgBouncer refuses to run as root.
    user = ["--user", _USER] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, _USER)
        shutil.chown(folder / "users", _USER)
    command = tied([str(PROGRAM), "--quiet", *user, str(file)])
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server)
        yield postgres_connection(f"postgresql://{url.username}:{url.password}@{LOOPBACK}:{port}{url.path}")
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            assert server.poll() is None, "PgBouncer did not start"
            assert time.monotonic() < give_up_at, f"PgBouncer does not listen after {_SECONDS} seconds"
            time.sleep(0.05)
        else:
            return
