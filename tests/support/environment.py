"""Checks that this machine can run the tests: ``python -m tests.support.environment``.

Prints a line for each check. After the first failure, with instructions to fix it, the exit code is 1.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import socket
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from include.ozon.configuration import load_settings
from include.ozon.errors import ConfigurationError, FatalError, OzonError
from include.ozon.warehouse import schema
from include.ozon_local.home import LOOPBACK, ROOT
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres

# Each worker starts servers: PostgreSQL, sandboxes, a mail server, Airflow.
PORTS = 20
FREE_DISK_MB = 2_000
FREE_MEMORY_MB = 1_500
OLDEST_POSTGRES = 150_000


def python() -> str:
    """Check that Python is one of the versions in pyproject.toml."""
    found, wanted = sys.version.split()[0], SpecifierSet(_project()["project"]["requires-python"])
    if found not in wanted:
        raise FatalError(f"expected {wanted}, found {found}: run `make PYTHON=python3.12 venv`.")
    return found


def packages() -> str:
    """Check that the dependencies in pyproject.toml and its group dev are installed."""
    groups = _project()["dependency-groups"]
    named = [*_project()["project"]["dependencies"], *groups["dev"], *groups["local"]]
    wanted = [Requirement(each).name for each in named if isinstance(each, str)]
    if missing := [name for name in wanted if not _is_installed(name)]:
        raise FatalError(f"{', '.join(missing)} not installed: run `make venv`, and use .venv/bin/python.")
    return f"{len(wanted)} direct dependencies installed"


def configuration() -> str:
    """Check config/ozon.toml; the tests use its environment testing."""
    try:
        settings = load_settings(environment="testing", environ={})
    except ConfigurationError as error:
        raise FatalError(f"not valid, see `ozon config validate`: {error}") from error
    return f"valid; the environment testing has the accounts {', '.join(settings.accounts)}"


def database() -> str:
    """Check that the embedded PostgreSQL starts and its role has the permissions for a load."""
    folder = tempfile.mkdtemp(prefix="ozon-tests-check-")
    server = EmbeddedPostgres(Path(folder), durable=False)
    try:
        server.start()
        server.create_database("permissions", WAREHOUSE_ROLE)
        dsn = server.dsn("permissions", WAREHOUSE_ROLE)
        schema.upgrade(lambda: psycopg.connect(dsn))
        with closing(psycopg.connect(dsn)) as connection:
            connection.execute("CREATE TABLE ozon_staging.permission_check (id bigint)")
            with connection.cursor().copy("COPY ozon_staging.permission_check FROM STDIN") as rows:
                rows.write_row([1])
            connection.execute("SELECT pg_try_advisory_lock(1)")
            version = connection.info.server_version
    except psycopg.Error as error:
        raise FatalError(f"role {WAREHOUSE_ROLE} lacks permissions for a load: {str(error).strip()}") from error
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if version < OLDEST_POSTGRES:
        raise FatalError(f"PostgreSQL {version // 10_000} is too old; 15 or newer is needed.")
    return f"PostgreSQL {version // 10_000} starts; role {WAREHOUSE_ROLE} may migrate, COPY and lock"


def ports() -> str:
    """Check that servers can listen on the loopback address and accept connections."""
    listening = []
    try:
        for _ in range(PORTS):
            listening.append(socket.create_server((LOOPBACK, 0)))
        with socket.create_connection(listening[0].getsockname(), timeout=5):
            pass
    except OSError as error:
        raise FatalError(
            f"expected {PORTS} free ports on {LOOPBACK}, found {len(listening)}: {error.strerror or error}. Check that "
            "the loopback interface is up and ports are free (`ss -s`)."
        ) from error
    finally:
        for server in listening:
            server.close()
    return f"{PORTS} free on {LOOPBACK}"


def room() -> str:
    """Check the free disk space for databases and logs, and the free memory for servers."""
    folder = tempfile.gettempdir()
    disk_mb = shutil.disk_usage(folder).free // 2**20
    memory_mb = psutil.virtual_memory().available // 2**20
    if disk_mb < FREE_DISK_MB:
        raise FatalError(f"expected {FREE_DISK_MB} MB free in {folder}, found {disk_mb}: free space or set TMPDIR.")
    if memory_mb < FREE_MEMORY_MB:
        raise FatalError(f"expected {FREE_MEMORY_MB} MB of available memory, found {memory_mb}: end other programs.")
    return f"{disk_mb // 1024} GB of disk in {folder}, {memory_mb // 1024} GB of memory"


def programs() -> str:
    """Check that the programs that the end-to-end tests start are installed."""
    if missing := [name for name in ("git", "make") if shutil.which(name) is None]:
        raise FatalError(
            f"{', '.join(missing)} not found: on Debian and Ubuntu, `apt-get install {' '.join(missing)}`."
        )
    return "git and make are installed"


# Checks that start nothing come first: a later check may fail from the same cause.
CHECKS: Mapping[str, Callable[[], str]] = {
    check.__name__: check for check in (python, packages, configuration, programs, room, ports, database)
}


def main(*, quiet: bool = False) -> int:
    """Run the checks and print their results; stop at the first failure."""
    for name, check in CHECKS.items():
        try:
            found = check()
        except OzonError as error:
            print(f"FAILED  {name:14}{error}", file=sys.stderr)
            return 1
        if not quiet:
            print(f"ok      {name:14}{found}", flush=True)
    return 0


def _project() -> dict[str, dict[str, list[str]]]:
    project: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return project


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(quiet="--quiet" in sys.argv[1:]))
