"""PostgreSQL servers of the tests: what a test does to one that the product never does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from include.ozon.warehouse.roles import Role
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support import scratch

PASSWORD = "of-this-test"


@contextmanager
def running_server(name: str, *, durable: bool = False) -> Iterator[EmbeddedPostgres]:
    """Yield a server of its own; a durable one may be killed, because it writes to the disk."""
    server = EmbeddedPostgres(scratch.new_folder(name), durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def superuser(server: EmbeddedPostgres, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.dsn(database, SUPERUSER), autocommit=True)


@contextmanager
def login(server: EmbeddedPostgres, dsn: str, name: str, role: Role | None = None) -> Iterator[str]:
    """Create a login that is a member of one role, or of none; yield the database's DSN for it."""
    database = dsn.rpartition("/")[2]
    member = sql.SQL("IN ROLE {}").format(role.identifier) if role else sql.SQL("")
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}")
    with superuser(server, database) as connection:
        connection.execute(create.format(sql.Identifier(name), PASSWORD, member))
    try:
        yield f"postgresql://{name}:{PASSWORD}@{server.address}/{database}"
    finally:
        with superuser(server, database) as connection:
            connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


def postmaster(dsn: str) -> psutil.Process:
    """Return the first process of the server on this machine."""
    with psycopg.connect(dsn) as connection:
        found = psutil.Process(connection.info.backend_pid).parent()
    assert found is not None
    return found


def kill(server: EmbeddedPostgres) -> None:
    """Kill all of the server's processes without a clean-up, like a power failure."""
    first = postmaster(server.dsn("postgres", SUPERUSER))
    processes = [first, *first.children(recursive=True)]
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
    assert not server.is_running()


def data_folder(superuser_dsn: str) -> Path:
    """Return the folder of a server's data, whose owner runs it."""
    with psycopg.connect(superuser_dsn) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return Path(str(folder))
