"""The rejected items of a workflow, grouped by reason, with a few examples of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row

from include.ozon.page.workflows import Workflow
from include.ozon.warehouse.session import Connection

READ_AT_MOST = 50_000
"""Items of an attempt are counted up to this number."""
EXAMPLES = 10
GROUPS = 30
_PAYLOAD_CHARACTERS = 4000

# A reason ends with what was found, which differs from entry to entry.
_GROUPS = """
WITH counted AS (
    SELECT component, kind, split_part(reason, ', found ', 1) AS reason, count(*) AS count,
           (array_agg(n ORDER BY n))[:%(examples)s] AS examples, attempt
    FROM (
        SELECT i.component, i.attempt, i.kind, i.reason, i.n
        FROM unnest(%(components)s::text[], %(attempts)s::int[]) AS last (component, attempt)
        CROSS JOIN LATERAL (
            SELECT * FROM ozon.rejected_items r
            WHERE r.workflow_id = %(workflow_id)s AND r.component = last.component AND r.attempt = last.attempt
            LIMIT %(limit)s
        ) i
    ) items
    GROUP BY 1, 2, 3, attempt
    ORDER BY count DESC, 1, 2, 3
    LIMIT %(groups)s
)
SELECT c.component, c.kind, c.reason, c.count, e.examples
FROM counted c
CROSS JOIN LATERAL (
    SELECT jsonb_agg(
        jsonb_build_object('reason', r.reason, 'payload', left(jsonb_pretty(r.payload), %(characters)s)) ORDER BY r.n
    ) AS examples
    FROM ozon.rejected_items r
    WHERE r.workflow_id = %(workflow_id)s AND r.component = c.component AND r.attempt = c.attempt
      AND r.n = ANY(c.examples)
) e
ORDER BY c.kind, c.count DESC, c.component, c.reason
"""


@dataclass(frozen=True)
class RejectedGroup:
    """Items with one reason; each example has its own whole ``reason`` and the ``payload``, formatted and cut."""

    component: str
    kind: str
    reason: str
    count: int
    examples: Sequence[dict[str, Any]]


def read_rejected(connection: Connection, workflow: Workflow) -> list[RejectedGroup]:
    """Return what the last attempt of each component rejected: entries first, the most frequent reason first."""
    last = workflow.last_attempts.values()
    values = {
        "workflow_id": workflow.workflow_id,
        "components": [attempt.component for attempt in last],
        "attempts": [attempt.attempt for attempt in last],
        "limit": READ_AT_MOST,
        "examples": EXAMPLES,
        "groups": GROUPS,
        "characters": _PAYLOAD_CHARACTERS,
    }
    return connection.cursor(row_factory=class_row(RejectedGroup)).execute(_GROUPS, values).fetchall()
