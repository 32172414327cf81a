"""Incidents in the warehouse, with their alerts and notifications: read, written, acknowledged."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import dict_row

from include.ozon.errors import ConfigurationError
from include.ozon.monitoring.alerts.model import Alert, Incident, Kind, Notification, worst_level
from include.ozon.warehouse.session import Connection, translated_errors

logger = logging.getLogger("ozon.alerts")

# The unresolved ones first, the newest first.
_INCIDENTS: LiteralString = """
SELECT * FROM ozon.incidents i
WHERE {}
ORDER BY resolved_at IS NOT NULL, opened_at DESC, incident_id
LIMIT 5000
"""
_RECENT = "resolved_at IS NULL OR resolved_at >= %(since)s"
# Also those whose resolution a channel has missed, however long ago.
_TO_DECIDE: LiteralString = f"""
{_RECENT} OR EXISTS (
    SELECT FROM ozon.notifications n
    WHERE n.incident_id = i.incident_id AND n.kind = 'resolved' AND n.delivered_at IS NULL
)
"""
_ALERTS = "SELECT * FROM ozon.alerts WHERE incident_id = ANY(%(ids)s) ORDER BY opened_at, alert_id"
_NOTIFICATIONS = """
SELECT * FROM ozon.notifications WHERE incident_id = ANY(%(ids)s) ORDER BY created_at, channel
"""

# What is resolved stays so, whoever else writes.
_CHANGE: LiteralString = """
UPDATE ozon.incidents SET ({columns}) = ROW ({values})
WHERE incident_id = %(incident_id)s AND (resolved_at IS NULL OR %(resolved_at)s::timestamptz IS NOT NULL)
RETURNING incident_id
"""
_IS_KNOWN = "SELECT EXISTS (SELECT FROM ozon.incidents WHERE incident_id = %(incident_id)s)"
# Another run may have opened the same one, if it did not wait for this one: its row becomes this incident.
_ADD: LiteralString = """
INSERT INTO ozon.incidents ({columns}) VALUES ({values})
ON CONFLICT ("group", account) WHERE resolved_at IS NULL DO UPDATE SET level = EXCLUDED.level
RETURNING incident_id
"""
_PUT_ALERT: LiteralString = """
INSERT INTO ozon.alerts ({columns}) VALUES ({values})
ON CONFLICT (alert_id) DO UPDATE SET ({columns}) = ROW ({values})
"""
# A run that did not wait for this one may have opened the same alert.
_DROP_TWIN = """
DELETE FROM ozon.alerts
WHERE rule = %(rule)s AND account IS NOT DISTINCT FROM %(account)s AND subject = %(subject)s
  AND resolved_at IS NULL AND %(resolved_at)s::timestamptz IS NULL AND alert_id <> %(alert_id)s
"""
# Fired and was resolved again since the warehouse was last written: the decision remembers only the last one of a key.
_END_FORMER = """
UPDATE ozon.alerts SET resolved_at = greatest(last_seen_at, %(opened_at)s)
WHERE incident_id = %(incident_id)s AND resolved_at IS NULL AND alert_id <> ALL(%(kept)s)
  AND rule = %(rule)s AND account IS NOT DISTINCT FROM %(account)s AND subject = %(subject)s
"""
_DROP_REPLACED = """
DELETE FROM ozon.notifications
WHERE incident_id = %(incident_id)s AND delivered_at IS NULL AND notification_id <> ALL(%(kept)s)
"""
_PUT_NOTIFICATION: LiteralString = """
INSERT INTO ozon.notifications ({columns}) VALUES ({values})
ON CONFLICT (notification_id) DO UPDATE SET ({columns}) = ROW ({values})
"""

_ACKNOWLEDGE = """
UPDATE ozon.incidents
SET acknowledged_at = %(now)s, acknowledged_by = %(by)s, note = %(note)s, notified_level = %(notified_level)s
WHERE incident_id = %(incident_id)s
"""

_LOCK = "SELECT pg_advisory_lock(hashtextextended('ozon_alerts', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('ozon_alerts', 0))"
_WAIT = "SELECT set_config('lock_timeout', %s, true)"
_WAIT_SECONDS = 20


def incidents_to_decide(connection: Connection, since: datetime) -> list[Incident]:
    """Return what `decide` needs, each incident with the latest notification of each channel."""
    found = _read(connection, _TO_DECIDE, {"since": since})
    return [replace(incident, notifications=tuple(incident.by_channel.values())) for incident in found]


def recent_incidents(connection: Connection, since: datetime) -> list[Incident]:
    """Return the unresolved incidents, then those resolved since, the newest first, with all notifications."""
    return _read(connection, _RECENT, {"since": since})


def one_incident(connection: Connection, incident_id: str) -> Incident:
    """Return the incident with all notifications. Raises ConfigurationError if there is none of that id."""
    found = _read(connection, "incident_id = %(incident_id)s", {"incident_id": incident_id})
    if not found:
        raise ConfigurationError(f"Expected the id of an incident, found {incident_id!r}. `ozon alerts` lists them.")
    return found[0]


def save(connection: Connection, incidents: Iterable[Incident]) -> None:
    """Write incidents that are new or have changed, all or none."""
    # Resolved ones first: one that opens anew has the same key.
    ordered = sorted(incidents, key=lambda incident: (incident.resolved_at is None, incident.opened_at))
    with translated_errors(), connection.transaction():
        for incident in ordered:
            _save(connection, incident)


def acknowledge(connection: Connection, incident_id: str, by: str, note: str | None, now: datetime) -> Incident:
    """Stop the repeats of an incident until it gets worse; return it.

    Raises ConfigurationError if no unresolved incident has that id.
    """
    with one_run(connection), translated_errors():
        incident = one_incident(connection, incident_id)
        if incident.resolved_at:
            raise ConfigurationError(
                f"Expected an unresolved incident, found {incident_id}, which is resolved. `ozon alerts` lists them."
            )
        # Whoever acknowledges has seen the level, even if no channel could deliver it.
        level = worst_level([incident.level, incident.notified_level]) if incident.notified_at else None
        values = {"incident_id": incident_id, "now": now, "by": by, "note": note, "notified_level": level}
        connection.execute(_ACKNOWLEDGE, values)
        return one_incident(connection, incident_id)


@contextmanager
def one_run(connection: Connection, wait_seconds: int = _WAIT_SECONDS) -> Iterator[None]:
    """Wait until no other run of the alerting is at work: a deadline's is in the triggerer, the others are tasks.

    Wait no longer than ``wait_seconds``: a message that comes twice is better than none.
    """
    is_mine = True
    with translated_errors():
        try:
            with connection.transaction():
                connection.execute(_WAIT, (f"{wait_seconds}s",))
                # The session's lock, which the transaction's end does not release.
                connection.execute(_LOCK)
        except pg.LockNotAvailable:
            is_mine = False
            logger.warning("Another sender of alerts has been at work for %s s; not waiting longer.", wait_seconds)
    try:
        yield
    finally:
        if is_mine:
            # A broken connection has released the lock already.
            with suppress(psycopg.Error):
                connection.execute(_UNLOCK)


def _read(connection: Connection, condition: LiteralString, parameters: dict[str, Any]) -> list[Incident]:
    with translated_errors():
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(sql.SQL(_INCIDENTS).format(sql.SQL(condition)), parameters).fetchall()
        ids = {"ids": [row["incident_id"] for row in rows]}
        alerts: defaultdict[str, list[Alert]] = defaultdict(list)
        for row in cursor.execute(_ALERTS, ids):
            alerts[row.pop("incident_id")].append(Alert(**row))
        notifications: defaultdict[str, list[Notification]] = defaultdict(list)
        for row in cursor.execute(_NOTIFICATIONS, ids):
            notifications[row.pop("incident_id")].append(Notification(**row | {"kind": Kind(row["kind"])}))
    return [
        Incident(
            **row, alerts=tuple(alerts[row["incident_id"]]), notifications=tuple(notifications[row["incident_id"]])
        )
        for row in rows
    ]


def _save(connection: Connection, incident: Incident) -> None:
    values = _row(incident)
    saved = connection.execute(_statement(_CHANGE, values), values).fetchone()
    if saved is None:
        if connection.execute(_IS_KNOWN, values).fetchone() == (True,):
            return
        saved = connection.execute(_statement(_ADD, values), values).fetchone()
    incident_id = {"incident_id": saved[0] if saved else incident.incident_id}
    kept = [alert.alert_id for alert in incident.alerts]
    for alert in sorted(incident.alerts, key=lambda alert: alert.is_firing):
        values = _row(alert) | incident_id
        connection.execute(_DROP_TWIN, values)
        if not alert.is_firing:
            connection.execute(_END_FORMER, values | {"kept": kept})
        connection.execute(_statement(_PUT_ALERT, values), values)
    kept = [each.notification_id for each in incident.notifications]
    connection.execute(_DROP_REPLACED, incident_id | {"kept": kept})
    for each in incident.notifications:
        values = _row(each) | incident_id
        connection.execute(_statement(_PUT_NOTIFICATION, values), values)


def _row(record: Incident | Alert | Notification) -> dict[str, Any]:
    """Return the row of a record: its fields are the table's columns."""
    names = [field.name for field in fields(record) if field.name not in {"alerts", "notifications"}]
    return {name: getattr(record, name) for name in names}


def _statement(statement: LiteralString, values: dict[str, Any]) -> sql.Composed:
    return sql.SQL(statement).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, values)), values=sql.SQL(", ").join(map(sql.Placeholder, values))
    )
