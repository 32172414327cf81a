"""The account's lock: one component loads one account at a time.

It is a session lock of PostgreSQL, on the same connection that stages and merges. If that connection breaks, the lock
is released, but the run can no longer commit either: a second run cannot interleave with a half-dead first one.
It needs its own session: PgBouncer in session mode, or a direct connection (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from include.ozon.errors import AlreadyRunningError, OzonError, WarehouseUnavailableError
from include.ozon.warehouse.session import Connection
from include.ozon.words import one_line

_KEY = "hashtextextended('ozon_etl/' || %(account)s, 0)"

_TAKE = f"SELECT pg_try_advisory_lock({_KEY})"
_RELEASE = f"SELECT pg_advisory_unlock({_KEY})"

# PostgreSQL shows a 64-bit advisory lock as two halves of 32 bits.
_HOLDER = f"""
SELECT pid, a.application_name, a.backend_start, a.usename, has_table_privilege(a.usesysid, 'ozon.products', 'INSERT')
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


class LockTakenError(WarehouseUnavailableError):
    """A session that cannot be a load holds an account's lock."""


@contextmanager
def account_lock(connection: Connection, account: str) -> Iterator[None]:
    """Hold the account's lock.

    Raises AlreadyRunningError, which names the holder and its start, or LockTakenError if the holder may not load.
    """
    parameters = {"account": account}
    row = connection.execute(_TAKE, parameters).fetchone()
    if row != (True,):
        raise _refusal(connection, account)
    try:
        yield
    finally:
        # A broken connection has released the lock already.
        with suppress(psycopg.Error):
            connection.execute(_RELEASE, parameters)


@dataclass(frozen=True)
class LockHolder:
    """The session that holds an account's lock; a load takes the lock right after connecting.

    ``connected_at`` is None if PostgreSQL hides it: other roles' sessions need pg_read_all_stats.
    """

    pid: int
    application: str
    connected_at: datetime | None
    role: str
    is_ours: bool
    """False if its role may not load: PostgreSQL lets every role take such a lock."""


def lock_holder(connection: Connection, account: str) -> LockHolder | None:
    """Return the holder of the account's lock, if any."""
    row = connection.execute(_HOLDER, {"account": account}).fetchone()
    return LockHolder(*row) if row else None


def is_locked(connection: Connection, account: str) -> bool:
    """Return whether any session holds the account's lock."""
    return lock_holder(connection, account) is not None


def _refusal(connection: Connection, account: str) -> OzonError:
    holder = lock_holder(connection, account)
    # Before the records: a killed run leaves one that is running.
    if holder and not holder.is_ours:
        return LockTakenError(
            f"Session {holder.pid} of role {holder.role} ({one_line(holder.application) or 'no name'}) holds the lock "
            f"of account {account}, but may not load. Find out what it does, "
            f"or end it with `SELECT pg_terminate_backend({holder.pid})`."
        )
    running = connection.execute(_RUNNING, {"account": account}).fetchone()
    if running is not None:
        workflow_id, component, attempt, since = running
        return AlreadyRunningError(
            f"Account {account} is already running since {since} UTC, by workflow {workflow_id} "
            f"({component}, attempt {attempt}). This run is skipped; start it again when that one has ended."
        )
    name = holder.application if holder else "another session, which has just ended"
    since = ""
    if holder and holder.connected_at:
        since = f" since {holder.connected_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return AlreadyRunningError(
        f"Account {account} is already running{since}, by {name}. "
        "This run is skipped; start it again when that one has ended."
    )
