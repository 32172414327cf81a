"""The holder of an account's lock, by PostgreSQL's list of locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from include.ozon.errors import AlreadyRunningError
from include.ozon.warehouse.lock import account_lock, lock_holder
from include.ozon.warehouse.session import Connection
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres

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
