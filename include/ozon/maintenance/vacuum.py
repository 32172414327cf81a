"""VACUUM and ANALYZE of the tables that need it by PostgreSQL's own counts."""

from __future__ import annotations

from typing import LiteralString, NamedTuple, Self

from psycopg import sql
from psycopg.errors import Diagnostic

from include.ozon.maintenance.steps import Outcome
from include.ozon.warehouse.session import Connection
from include.ozon.words import size

# A table needs VACUUM with at least this number and this share of dead rows.
_MIN_DEAD_ROWS = 1000
_DEAD_PCT = 5
# Statistics are misleading after changes to this share of the rows.
_CHANGED_PCT = 10
# The planner reads a smaller table completely, with or without statistics.
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

# The warning of SKIP_LOCKED; any other one is about a missing permission.
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
        """Copy a notice: psycopg's own object is empty after the statement."""
        return cls(notice.sqlstate or "", notice.message_primary or "")


def vacuum_where_needed(connection: Connection, *, dry_run: bool) -> Outcome:
    """VACUUM tables with many dead rows, ANALYZE those with many changed rows or without statistics.

    Neither blocks readers or loads; a locked table is skipped. ``connection`` is in autocommit mode. ``rows`` counts
    dead rows, ``bytes`` the space returned to the file system; the table reuses the rest.
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
        returned = _run(connection, table, action)
        if warnings:
            texts = "; ".join(warning.text for warning in warnings)
            details.append(f"ozon.{table.name}: skipped by PostgreSQL: {texts}")
            refused += [table.name] if any(warning.sqlstate != _LOCKED for warning in warnings) else []
            continue
        rows += dead
        freed += returned
        details.append(f"ozon.{table.name}: {action}, {why}" + (f", freed {size(returned)}" if returned else ""))
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
    """Return the command that a table needs, and why; empty if it needs none."""
    if table.needs_vacuum:
        return "VACUUM (ANALYZE, SKIP_LOCKED)", f"{table.dead_rows} dead rows of {table.live_rows + table.dead_rows}"
    if table.was_never_analyzed:
        return "ANALYZE (SKIP_LOCKED)", "it was never analyzed"
    if table.is_changed:
        return "ANALYZE (SKIP_LOCKED)", "many rows have changed since the last time"
    return "", ""


def _run(connection: Connection, table: _Table, action: LiteralString) -> int:
    """Run the command and return the bytes that the file system got back."""
    name = sql.Identifier("ozon", table.name)
    before = _size(connection, name)
    connection.execute(sql.SQL("{} {}").format(sql.SQL(action), name))
    return max(0, before - _size(connection, name))


def _size(connection: Connection, name: sql.Identifier) -> int:
    row = connection.execute(_SIZE, (name.as_string(connection),)).fetchone()
    return int(row[0]) if row else 0
