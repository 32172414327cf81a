"""Removal of staging tables that no load uses."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import sql

from include.ozon.errors import AlreadyRunningError
from include.ozon.maintenance.steps import Outcome
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.settings import Settings
from include.ozon.warehouse.lock import LockTakenError, account_lock, is_locked
from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.staging import COMMON_TABLES
from include.ozon.words import count_of, size

_TABLES = """
SELECT c.relname, pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'ozon_staging' AND c.relkind = 'r' AND c.relname <> 'loads'
ORDER BY c.relname
"""

_LOADS = "SELECT account, component, workflow_id, started_at FROM ozon_staging.loads"

_FORGET = "DELETE FROM ozon_staging.loads WHERE account = %s AND component = %s"

_NAMES = {
    component.name: re.compile(rf"(.+)_{component.prefix}_(?:{'|'.join((*COMMON_TABLES, *component.staging))})")
    for component in COMPONENTS
}


class _Owner(NamedTuple):
    account: str
    component: str


def drop_leftovers(connection: Connection, settings: Settings, now: datetime, *, dry_run: bool) -> Outcome:
    """Drop staging tables that are too old to be resumed by a retry, and those without a recorded load.

    The latter are left by a crash of PostgreSQL, which empties the unlogged table of loads. Busy accounts are skipped.
    An account is locked for milliseconds while its tables are dropped, as at the end of every run.
    """
    details = []
    freed = dropped = 0
    tables = _tables(connection)
    for owner in sorted({*tables, *_loads(connection)}):
        reason = _reason(connection, owner, settings, now)
        if not reason:
            continue
        name = f"{owner.component} of account {owner.account}"
        if is_locked(connection, owner.account) or not (dry_run or _drop(connection, owner, settings, now)):
            details.append(f"{name}: the account is being loaded, not dropped")
            continue
        found = tables.get(owner, {})
        freed += sum(found.values())
        dropped += len(found)
        verb = "would be dropped" if dry_run else "dropped"
        details.append(f"{name}: {count_of(len(found), 'table')} ({size(sum(found.values()))}) {verb}, {reason}")
    verb = "would be dropped" if dry_run else "dropped"
    message = f"{count_of(dropped, 'table')} {verb}" if dropped else ""
    return Outcome("staging", dry_run=dry_run, bytes=freed, message=message, details=details)


def longest_use(settings: Settings) -> timedelta:
    """Return the age after which no attempt resumes staged data: the longest age to resume, and all retries' waits."""
    waits = timedelta(seconds=sum(settings.retry.longest_waits_seconds()))
    return timedelta(minutes=settings.load.resume_max_age_minutes) + waits


def _reason(connection: Connection, owner: _Owner, settings: Settings, now: datetime) -> str:
    """Return why the staging can be dropped; empty if it cannot."""
    load = _loads(connection).get(owner)
    if load is None:
        return "no load is recorded for it"
    workflow_id, started_at = load
    return f"left by {workflow_id}" if now - started_at > longest_use(settings) else ""


def _drop(connection: Connection, owner: _Owner, settings: Settings, now: datetime) -> bool:
    """Drop the tables if the reason still holds under the account's lock; return False if the account is busy."""
    try:
        with account_lock(connection, owner.account), connection.transaction():
            if _reason(connection, owner, settings, now):
                for table in _tables(connection).get(owner, {}):
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("ozon_staging", table)))
                connection.execute(_FORGET, owner)
    except (AlreadyRunningError, LockTakenError):
        return False
    return True


def _tables(connection: Connection) -> dict[_Owner, dict[str, int]]:
    """Return the sizes of the staging tables by owner. Tables with other names are ignored."""
    found: dict[_Owner, dict[str, int]] = {}
    for table, byte_count in connection.execute(_TABLES):
        for component, names in _NAMES.items():
            if match := names.fullmatch(table):
                found.setdefault(_Owner(match[1], component), {})[table] = byte_count
    return found


def _loads(connection: Connection) -> dict[_Owner, tuple[str, datetime]]:
    return {
        _Owner(account, component): (workflow_id, started_at)
        for account, component, workflow_id, started_at in connection.execute(_LOADS)
    }
