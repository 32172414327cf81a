"""The account's lock: one component loads one account at a time.

A session lock of PostgreSQL, held on the very connection that stages and merges. If that connection breaks,
the lock is gone, but so is any chance to commit: a second run cannot interleave with a half-dead first one.
It needs a session of its own: PgBouncer in session mode, or a direct connection (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from include.ozon.errors import AlreadyRunningError
from include.ozon.warehouse.session import Connection

_KEY = "hashtextextended('ozon_etl/' || %(account)s, 0)"

_TAKE = f"SELECT pg_try_advisory_lock({_KEY})"
_RELEASE = f"SELECT pg_advisory_unlock({_KEY})"

# PostgreSQL shows a 64-bit advisory lock as two halves of 32 bits.
_HOLDER = f"""
SELECT a.application_name, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
FROM pg_locks l
JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory'
  AND l.granted
  AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY}
"""

_RUNNING = """
SELECT workflow_id, component, attempt, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
FROM ozon.etl_component_executions
WHERE account = %(account)s AND status = 'running'
ORDER BY started_at DESC
LIMIT 1
"""


@contextmanager
def account_lock(connection: Connection, account: str) -> Iterator[None]:
    """Hold the account's lock; raises AlreadyRunningError, naming who holds it and since when."""
    parameters = {"account": account}
    row = connection.execute(_TAKE, parameters).fetchone()
    if row != (True,):
        raise AlreadyRunningError(_describe_holder(connection, account))
    try:
        yield
    finally:
        # A broken connection has released the lock by itself.
        with suppress(psycopg.Error):
            connection.execute(_RELEASE, parameters)


def is_locked(connection: Connection, account: str) -> bool:
    """Whether any session holds the account's lock."""
    return connection.execute(_HOLDER, {"account": account}).fetchone() is not None


def _describe_holder(connection: Connection, account: str) -> str:
    running = connection.execute(_RUNNING, {"account": account}).fetchone()
    if running is not None:
        workflow_id, component, attempt, since = running
        return (
            f"Account {account} is already running since {since} UTC, by workflow {workflow_id} "
            f"({component}, attempt {attempt}). This run steps aside; start it again when that one has ended."
        )
    holder = connection.execute(_HOLDER, {"account": account}).fetchone()
    name, since = holder or ("another session, which has just ended", "a moment ago")
    return (
        f"Account {account} is already running since {since} UTC, by {name}. "
        "This run steps aside; start it again when that one has ended."
    )
