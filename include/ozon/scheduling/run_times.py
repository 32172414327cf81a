"""How long the last runs took, as the warehouse's records say."""

from __future__ import annotations

from typing import LiteralString

from include.ozon.warehouse.session import Connection

RECENT_RUNS = 20

# Of a whole DAG run: its accounts are loaded at the same time or one after the other.
_LOADS: LiteralString = """
SELECT max(seconds) FROM (
    SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
    FROM ozon.etl_workflow_executions
    WHERE status IN ('success', 'failed') AND finished_at IS NOT NULL
    GROUP BY dag_run_id
    ORDER BY min(started_at) DESC LIMIT %s
) AS runs
"""

# One after the other, as `ozon health` measures them.
_HEALTH_CHECKS: LiteralString = """
SELECT max(seconds) FROM (
    SELECT sum(duration_seconds) AS seconds
    FROM ozon.health_checks
    GROUP BY measured_at
    ORDER BY measured_at DESC LIMIT %s
) AS checks
"""


def longest_recent_runs(connection: Connection) -> dict[str, float]:
    """Seconds of the longest of the last runs, by the name of their schedule; those that never ran are left out."""
    found = {}
    for name, query in (("etl", _LOADS), ("health", _HEALTH_CHECKS)):
        row = connection.execute(query, (RECENT_RUNS,)).fetchone()
        if row and row[0] is not None:
            found[name] = float(row[0])
    return found
