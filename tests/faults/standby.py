"""A streaming standby of the server, to fail over to."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg

from include.ozon_local.home import LOOPBACK, free_port
from include.ozon_local.postgres import programs_folder
from tests.support import scratch
from tests.support.airflow_stack import until
from tests.support.servers import data_folder

_READY_SECONDS = 30
_TABLESPACES = """
SELECT spcname::text, pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) <> ''
"""


class Standby:
    """A copy of the server at ``superuser_dsn``, which waits for each commit to arrive here."""

    def __init__(self, superuser_dsn: str) -> None:
        self._primary = superuser_dsn
        with psycopg.connect(superuser_dsn, autocommit=True) as connection:
            tablespaces = connection.execute(_TABLESPACES).fetchall()
        self._primary_data = data_folder(superuser_dsn)
        self._owner = self._primary_data.stat()
        folder = scratch.new_folder("standby")
        os.chown(folder, self._owner.st_uid, self._owner.st_gid)
        self._data = folder / "data"
        self.port = free_port(0, ())
        mapping = [f"--tablespace-mapping={place}={folder / name}" for name, place in tablespaces]
        backup = ("pg_basebackup", "--checkpoint=fast", "--write-recovery-conf", "--dbname", superuser_dsn)
        self._run(*backup, "--pgdata", self._data, *mapping)
        self._server = self._start()
        self._wait_for("SELECT pg_is_in_recovery()")
        with psycopg.connect(superuser_dsn, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Make it the primary, and wait until it writes."""
        self._run("pg_ctl", "promote", "--pgdata", self._data)
        self._wait_for("SELECT NOT pg_is_in_recovery()")

    def stop(self) -> None:
        """End it; the old primary, which is down, will not wait for it any more."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait()
        (self._primary_data / "postgresql.auto.conf").write_text("")

    def _start(self) -> subprocess.Popen[bytes]:
        settings = (f"port={self.port}", f"listen_addresses={LOOPBACK}", "unix_socket_directories=")
        options = [word for setting in settings for word in ("-c", setting)]
        command = [programs_folder() / "postgres", "-D", self._data, *options, "-c", "max_connections=200"]
        log = (self._data.parent / "log").open("wb")
        return subprocess.Popen(command, stdout=log, stderr=log, **self._as_owner())  # type: ignore[call-overload,no-any-return]

    def _wait_for(self, query: LiteralString) -> None:
        place = urlsplit(self._primary)
        dsn = place._replace(netloc=f"{place.username}:{place.password}@{LOOPBACK}:{self.port}").geturl()

        def answers() -> bool:
            with suppress(psycopg.OperationalError), psycopg.connect(dsn, autocommit=True) as connection:
                return connection.execute(query).fetchone() == (True,)
            return False

        until(answers, f"{query} is true; its log is {self._data.parent / 'log'}", _READY_SECONDS)

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [programs_folder() / program, *arguments], capture_output=True, text=True, check=False, **self._as_owner()
        )  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def _as_owner(self) -> dict[str, object]:
        if os.getuid() == self._owner.st_uid:
            return {"cwd": self._data.parent}
        ids = {"user": self._owner.st_uid, "group": self._owner.st_gid, "extra_groups": []}
        return {"cwd": self._data.parent, "env": {"PATH": os.defpath, "LC_ALL": "C"}, **ids}
