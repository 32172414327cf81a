"""The holder of an account's lock, by PostgreSQL's list of locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import AlreadyRunningError
from include.ozon.warehouse.lock import LockTakenError, account_lock, lock_holder
from include.ozon.warehouse.session import Connection
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support.load_process import kill
from tests.support.pipeline import Pipeline

Connect = Callable[[], Connection]
_TAKE = "SELECT pg_advisory_lock(hashtextextended('ozon_etl/main', 0))"


@pytest.fixture
def connect(warehouse_dsn: str) -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(psycopg.connect(warehouse_dsn, autocommit=True))


def test_the_holder_is_the_session_that_has_the_accounts_lock(connect: Connect) -> None:
    observer, session = connect(), connect()
    with account_lock(session, "main"):
        holder = lock_holder(observer, "main")
        assert holder is not None
        assert holder.pid == session.info.backend_pid
        assert lock_holder(observer, "second") is None

    assert lock_holder(observer, "main") is None


def test_other_advisory_locks_are_not_the_accounts(connect: Connect, postgres: EmbeddedPostgres) -> None:
    observer, session = connect(), connect()
    session.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(1, 2)")
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as other_database:
        other_database.execute(_TAKE)

        assert lock_holder(observer, "main") is None


def test_a_lock_that_is_taken_is_an_error_with_its_holder(connect: Connect) -> None:
    first, second = connect(), connect()
    with account_lock(first, "main"), pytest.raises(AlreadyRunningError), account_lock(second, "main"):
        pass


@pytest.fixture
def reader(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of a role that may connect, and read at most."""
    parts = urlsplit(warehouse_dsn)
    superuser = parts._replace(netloc=urlsplit(postgres.dsn("postgres", SUPERUSER)).netloc).geturl()
    with psycopg.connect(superuser, autocommit=True) as admin:
        admin.execute("CREATE ROLE curious LOGIN PASSWORD 'a-password'")
        address = parts._replace(netloc=f"curious:a-password@{parts.hostname}:{parts.port}").geturl()
        try:
            admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO curious").format(sql.Identifier(admin.info.dbname)))
            with psycopg.connect(address, autocommit=True, application_name="a curious psql") as session:
                yield session
        finally:
            admin.execute("DROP OWNED BY curious")
            admin.execute("DROP ROLE curious")


@pytest.mark.faults
def test_a_reader_that_takes_the_lock_fails_the_load_by_name(
    reader: psycopg.Connection[Any], sandbox: SandboxProcess, warehouse_dsn: str
) -> None:
    pipeline = Pipeline(sandbox, warehouse_dsn)
    reader.execute(_TAKE)

    with pytest.raises(LockTakenError, match=r"role curious \(a curious psql\) holds the lock of account main"):
        pipeline.products()

    (record,) = pipeline.rows("SELECT status, error FROM ozon.etl_component_executions")
    assert record["status"] == "failed"
    assert f"pg_terminate_backend({reader.info.backend_pid})" in record["error"]
    reader.close()
    pipeline.products()


def test_a_readers_lock_is_not_taken_for_a_killed_run(
    reader: psycopg.Connection[Any], sandbox: SandboxProcess, warehouse_dsn: str
) -> None:
    pipeline = Pipeline(sandbox, warehouse_dsn)
    kill(pipeline)
    reader.execute(_TAKE)

    with pytest.raises(LockTakenError, match="role curious"):
        pipeline.products()
