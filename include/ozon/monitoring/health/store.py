"""The results of health checks in ``ozon.health_checks``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from psycopg.rows import class_row

from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.warehouse.session import Connection

# DISTINCT ON: a duplicate check of one area must not prevent all others from being stored.
_SAVE = """
INSERT INTO ozon.health_checks
    (measured_at, area, "check", account, status, value, threshold, message, duration_seconds)
SELECT DISTINCT ON (area, "check", account)
    %(measured_at)s, area, "check", account, status, value, threshold, message, duration_seconds
FROM unnest(
    %(areas)s::text[], %(checks)s::text[], %(accounts)s::text[], %(statuses)s::text[], %(values)s::float8[],
    %(thresholds)s::float8[], %(messages)s::text[], %(durations)s::float8[]
) AS found (area, "check", account, status, value, threshold, message, duration_seconds)
ON CONFLICT (measured_at, area, "check", account) DO UPDATE SET
    status = EXCLUDED.status,
    value = EXCLUDED.value,
    threshold = EXCLUDED.threshold,
    message = EXCLUDED.message,
    duration_seconds = EXCLUDED.duration_seconds
"""

_LATEST = "SELECT measured_at FROM ozon.health_checks ORDER BY measured_at DESC LIMIT 1"

_RESULTS = """
SELECT area, "check", account, status, value, threshold, message, duration_seconds
FROM ozon.health_checks
WHERE measured_at = %s
ORDER BY area, "check", account NULLS FIRST
"""


def save(connection: Connection, measured_at: datetime, results: Sequence[CheckResult]) -> None:
    """Store the results of one health check; results of the same moment are replaced."""
    connection.execute(
        _SAVE,
        {
            "measured_at": measured_at,
            "areas": [result.area for result in results],
            "checks": [result.check for result in results],
            "accounts": [result.account for result in results],
            "statuses": [str(result.status) for result in results],
            # A whole number can be an int here, for example after JSON.
            "values": [None if result.value is None else float(result.value) for result in results],
            "thresholds": [None if result.threshold is None else float(result.threshold) for result in results],
            # An error's message can contain the character 0; PostgreSQL's text cannot.
            "messages": [result.message.replace("\0", " ") for result in results],
            "durations": [float(result.duration_seconds) for result in results],
        },
    )


def latest(connection: Connection) -> tuple[datetime, list[CheckResult]] | None:
    """Return the moment and the results of the last health check; None if none is stored."""
    row = connection.execute(_LATEST).fetchone()
    if row is None:
        return None
    rows = connection.cursor(row_factory=class_row(CheckResult)).execute(_RESULTS, (row[0],)).fetchall()
    return row[0], [replace(result, status=Status(result.status)) for result in rows]
