"""The alerts in the warehouse: read, written, listed and acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import errors as pg
from psycopg.rows import dict_row

from include.ozon.errors import ConfigurationError
from include.ozon.monitoring.alerts.cases import incident_of, worst_level
from include.ozon.monitoring.alerts.model import Alert
from include.ozon.warehouse.session import Connection, translated_errors

logger = logging.getLogger("ozon.alerts")

_COLUMNS = """
    alert_id, rule, account, subject, level, opened_at, last_seen_at, last_sent_at, sent_count, sent_level,
    acknowledged_at, recovered_at, suppressed_by, is_event, pending_channels, value, threshold, message
"""

_OPEN = f"SELECT {_COLUMNS} FROM ozon.alerts WHERE recovered_at IS NULL ORDER BY opened_at DESC, alert_id"

_RECENT = f"""
SELECT {_COLUMNS} FROM ozon.alerts
WHERE recovered_at IS NULL OR recovered_at >= %(since)s
ORDER BY recovered_at IS NOT NULL, opened_at DESC, alert_id
"""

# Of those that have recovered: what belongs to an incident that lasts, or is still to be told.
_STATE = f"""
SELECT {_COLUMNS} FROM ozon.alerts
WHERE recovered_at IS NULL
   OR recovered_at >= LEAST(%(since)s, (SELECT min(opened_at) FROM ozon.alerts WHERE recovered_at IS NULL))
   OR pending_channels <> '{{}}'
ORDER BY recovered_at DESC NULLS FIRST
LIMIT 5000
"""

_VALUES = """
    level = %(level)s, opened_at = %(opened_at)s, last_seen_at = %(last_seen_at)s, last_sent_at = %(last_sent_at)s,
    sent_count = %(sent_count)s, sent_level = %(sent_level)s, acknowledged_at = %(acknowledged_at)s,
    recovered_at = %(recovered_at)s, suppressed_by = %(suppressed_by)s, pending_channels = %(pending_channels)s,
    value = %(value)s, threshold = %(threshold)s, message = %(message)s
"""

# What has recovered stays so, whoever else writes.
_CHANGE = f"""
UPDATE ozon.alerts SET {_VALUES}
WHERE alert_id = %(alert_id)s AND (recovered_at IS NULL OR %(recovered_at)s::timestamptz IS NOT NULL)
"""

_IS_KNOWN = "SELECT EXISTS (SELECT FROM ozon.alerts WHERE alert_id = %(alert_id)s)"

# Another sender may have opened the same one, where it did not wait for this one: its row becomes this alert.
_ADD = f"""
INSERT INTO ozon.alerts ({_COLUMNS})
VALUES (%(alert_id)s, %(rule)s, %(account)s, %(subject)s, %(level)s, %(opened_at)s, %(last_seen_at)s,
        %(last_sent_at)s, %(sent_count)s, %(sent_level)s, %(acknowledged_at)s, %(recovered_at)s, %(suppressed_by)s,
        %(is_event)s, %(pending_channels)s, %(value)s, %(threshold)s, %(message)s)
ON CONFLICT (rule, account, subject) WHERE recovered_at IS NULL DO UPDATE SET {_VALUES}
"""

_ACKNOWLEDGE = """
UPDATE ozon.alerts
SET acknowledged_at = %(now)s, sent_level = CASE WHEN last_sent_at IS NULL THEN sent_level ELSE %(level)s END
WHERE alert_id = ANY(%(alert_ids)s)
"""

_LOCK = "SELECT pg_advisory_lock(hashtextextended('ozon_alerts', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('ozon_alerts', 0))"
_WAIT = "SELECT set_config('lock_timeout', %s, true)"
_WAIT_SECONDS = 20


def open_alerts(connection: Connection) -> list[Alert]:
    """The newest first."""
    return _read(connection, _OPEN, {})


def recent_alerts(connection: Connection, since: datetime) -> list[Alert]:
    """The open ones, and behind them those that have recovered since."""
    return _read(connection, _RECENT, {"since": since})


def state(connection: Connection, since: datetime) -> list[Alert]:
    """What a decision needs: the open alerts, and of the others those that recovered ``since`` or matter still."""
    return _read(connection, _STATE, {"since": since})


def save(connection: Connection, alerts: Iterable[Alert]) -> None:
    """Write alerts that are new or have changed, all or none."""
    # Those that are closed first: one that has been opened anew has the same key.
    ordered = sorted(alerts, key=lambda alert: (alert.is_open, alert.opened_at))
    with translated_errors(), connection.transaction():
        for alert in ordered:
            values = _as_row(alert)
            changed = connection.execute(_CHANGE, values).rowcount
            if not changed and connection.execute(_IS_KNOWN, values).fetchone() == (False,):
                connection.execute(_ADD, values)


def acknowledge(connection: Connection, alert_id: str, now: datetime) -> Alert:
    """Silence the alert's incident until it changes: all open alerts of its group and account.

    Returns the alert. Raises ConfigurationError where no alert of that id is open.
    """
    found = {alert.alert_id: alert for alert in open_alerts(connection)}
    if alert_id not in found:
        ids = ", ".join(found) or "none"
        raise ConfigurationError(f"No open alert has the id {alert_id!r}. Open are: {ids}. `ozon alerts` shows them.")
    incident = [alert for alert in found.values() if incident_of(alert) == incident_of(found[alert_id])]
    # Whoever acknowledges has seen the level, also where no channel could tell it.
    level = worst_level([*(alert.level for alert in incident), *(alert.sent_level for alert in incident)])
    parameters = {"now": now, "level": level, "alert_ids": [alert.alert_id for alert in incident]}
    with translated_errors():
        connection.execute(_ACKNOWLEDGE, parameters)
    return next(alert for alert in open_alerts(connection) if alert.alert_id == alert_id)


@contextmanager
def one_sender(connection: Connection, wait_seconds: int = _WAIT_SECONDS) -> Iterator[None]:
    """Wait until no other sender is at work: a deadline's is in the triggerer, the others are tasks.

    One that hangs is not waited for longer than ``wait_seconds``: told twice is better than never.
    """
    is_mine = True
    with translated_errors():
        try:
            with connection.transaction():
                connection.execute(_WAIT, (f"{wait_seconds}s",))
                # The session's, which the transaction's end does not release.
                connection.execute(_LOCK)
        except pg.LockNotAvailable:
            is_mine = False
            logger.warning("Another sender of alerts has been at work for %s s; not waiting longer.", wait_seconds)
    try:
        yield
    finally:
        if is_mine:
            # A broken connection has released the lock by itself.
            with suppress(psycopg.Error):
                connection.execute(_UNLOCK)


def _read(connection: Connection, query: LiteralString, parameters: dict[str, Any]) -> list[Alert]:
    with translated_errors():
        rows = connection.cursor(row_factory=dict_row).execute(query, parameters).fetchall()
    return [Alert(**row | {"pending_channels": tuple(row["pending_channels"])}) for row in rows]


def _as_row(alert: Alert) -> dict[str, Any]:
    names = Alert.__dataclass_fields__
    return {name: getattr(alert, name) for name in names} | {"pending_channels": list(alert.pending_channels)}
