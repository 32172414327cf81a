"""VACUUM and ANALYZE where PostgreSQL's own counts say that they are due: after a night's deletions they are."""

from __future__ import annotations

from typing import LiteralString, NamedTuple, Self

from psycopg import sql
from psycopg.errors import Diagnostic

from include.ozon.maintenance.steps import Outcome
from include.ozon.warehouse.session import Connection
from include.ozon.words import size

# Fewer dead rows are not worth reading a table for; of more, this share.
_MIN_DEAD_ROWS = 1000
_DEAD_PCT = 5
# Statistics that so many rows were changed after mislead the planner.
_CHANGED_PCT = 10
# A smaller table is read whole, whatever the planner knows of it.
_MIN_BYTES = 65_536

_USAGE = """
SELECT s.relname, s.n_live_tup, s.n_dead_tup,
       s.n_dead_tup >= %(min_dead)s AND 100 * s.n_dead_tup >= %(dead_pct)s * (s.n_live_tup + s.n_dead_tup),
       coalesce(s.last_analyze, s.last_autoanalyze) IS NULL AND pg_relation_size(s.relid) >= %(min_bytes)s,
       s.n_mod_since_analyze >= %(min_dead)s AND 100 * s.n_mod_since_analyze >= %(changed_pct)s * s.n_live_tup
FROM pg_stat_user_tables s
WHERE s.schemaname = 'ozon'
ORDER BY s.relname
"""

_SIZE = "SELECT pg_total_relation_size(%s::regclass)"

# What SKIP_LOCKED warns with; any other warning is about a lack of permission.
_LOCKED = "55P03"


class _Table(NamedTuple):
    name: str
    live_rows: int
    dead_rows: int
    needs_vacuum: bool
    was_never_analyzed: bool
    is_changed: bool


class _Warning(NamedTuple):
    sqlstate: str
    text: str

    @classmethod
    def of(cls, notice: Diagnostic) -> Self:
        """Read at once: psycopg's own object is empty when the statement has ended."""
        return cls(notice.sqlstate or "", notice.message_primary or "")


def vacuum_where_needed(connection: Connection, *, dry_run: bool) -> Outcome:
    """VACUUM tables with many dead rows, ANALYZE those with new contents or without statistics.

    Neither keeps readers or loads waiting; a table that something else has locked is skipped. ``connection`` is in
    autocommit mode. The ``rows`` are dead ones, the ``bytes`` what the file system got back; the rest of the room is
    used again by the table itself.
    """
    values = {
        "min_dead": _MIN_DEAD_ROWS,
        "dead_pct": _DEAD_PCT,
        "changed_pct": _CHANGED_PCT,
        "min_bytes": _MIN_BYTES,
    }
    warnings: list[_Warning] = []
    connection.add_notice_handler(lambda notice: warnings.append(_Warning.of(notice)))
    details = []
    refused = []
    rows = freed = 0
    for table in [_Table(*row) for row in connection.execute(_USAGE, values).fetchall()]:
        action, why = _due(table)
        if not action:
            continue
        dead = table.dead_rows if table.needs_vacuum else 0
        if dry_run:
            rows += dead
            details.append(f"ozon.{table.name}: {action} is due, {why}")
            continue
        warnings.clear()
        got_back = _run(connection, table, action)
        if warnings:
            said = "; ".join(warning.text for warning in warnings)
            details.append(f"ozon.{table.name}: left alone, PostgreSQL says: {said}")
            refused += [table.name] if any(warning.sqlstate != _LOCKED for warning in warnings) else []
            continue
        rows += dead
        freed += got_back
        details.append(f"ozon.{table.name}: {action}, {why}" + (f", {size(got_back)} given back" if got_back else ""))
    message = ""
    if refused:
        message = (
            f"PostgreSQL refuses to vacuum {', '.join(refused)}. The role of connection ozon_warehouse must own the "
            "tables of the schema ozon."
        )
    return Outcome(
        "vacuum",
        "failed" if refused else "done",
        dry_run,
        rows=rows,
        bytes=freed,
        message=message,
        details=details,
    )


def _due(table: _Table) -> tuple[LiteralString, str]:
    """What has to be done with a table, and why; nothing where PostgreSQL's counts do not ask for it."""
    if table.needs_vacuum:
        return "VACUUM (ANALYZE, SKIP_LOCKED)", f"{table.dead_rows} dead rows of {table.live_rows + table.dead_rows}"
    if table.was_never_analyzed:
        return "ANALYZE (SKIP_LOCKED)", "it never was analyzed"
    if table.is_changed:
        return "ANALYZE (SKIP_LOCKED)", "many rows have changed since the last time"
    return "", ""


def _run(connection: Connection, table: _Table, action: LiteralString) -> int:
    """Returns how many bytes the file system got back."""
    name = sql.Identifier("ozon", table.name)
    before = _size(connection, name)
    connection.execute(sql.SQL("{} {}").format(sql.SQL(action), name))
    return max(0, before - _size(connection, name))


def _size(connection: Connection, name: sql.Identifier) -> int:
    row = connection.execute(_SIZE, (name.as_string(connection),)).fetchone()
    return int(row[0]) if row else 0
