"""Staging tables, in which a component collects the answers until it has read everything.

Each account and component has its own tables, for example ``ozon_staging.main_product_listed``, so that a fresh start
drops tables instead of deleting a million rows. They are unlogged: they are fast to write, and a crash of PostgreSQL
only costs reading again. A dry run uses temporary tables and leaves no trace.

Every page of a list is committed together with its checkpoint, so a retry continues after the last complete page; it
requests the missing details by id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from include.ozon.marketplace.answers import RejectedItem
from include.ozon.warehouse.roles import become_loader
from include.ozon.warehouse.session import Connection
from include.ozon.warehouse.tables.column import Table

COMMON_TABLES: dict[str, LiteralString] = {
    # One row for each stream of pages, with its progress.
    "checkpoint": """
        stream text PRIMARY KEY,
        cursor text NOT NULL,
        pages integer NOT NULL,
        items bigint NOT NULL,
        repeated bigint NOT NULL,
        total_items bigint,
        is_complete boolean NOT NULL""",
    # An entry without an id is identified by its payload.
    "rejected": """
        n bigint GENERATED ALWAYS AS IDENTITY,
        reason text,
        payload jsonb,
        product_id bigint,
        identity text GENERATED ALWAYS AS (coalesce(product_id::text, md5(payload::text))) STORED UNIQUE""",
    # Rejected fields of loaded entries.
    "left_out": """
        n bigint GENERATED ALWAYS AS IDENTITY,
        reason text,
        payload jsonb,
        identity text GENERATED ALWAYS AS (md5(payload::text)) STORED UNIQUE""",
}


@dataclass(frozen=True)
class Checkpoint:
    """The progress of a stream of pages. ``items`` counts entries, including repeats."""

    stream: str
    cursor: str = ""
    pages: int = 0
    items: int = 0
    repeated: int = 0
    total_items: int | None = None
    is_complete: bool = False


class Staging:
    """The staging tables of one account's component."""

    _SCHEMA: ClassVar[str] = "ozon_staging"

    def __init__(
        self,
        connection: Connection,
        account: str,
        component: str,
        prefix: str,
        tables: Mapping[str, LiteralString],
        workflow_id: str,
        *,
        temporary: bool,
    ) -> None:
        self._connection = connection
        self._account = account
        self._component = component
        self._workflow_id = workflow_id
        self._definitions = {**COMMON_TABLES, **tables}
        self._schema = "pg_temp" if temporary else self._SCHEMA
        self._is_temporary = temporary
        self._tables = {name: sql.Identifier(self._schema, f"{account}_{prefix}_{name}") for name in self._definitions}
        self._names: dict[str, sql.Composable] = {
            **self._tables,
            "account": sql.Literal(account),
            "workflow_id": sql.Literal(workflow_id),
            "now": sql.SQL("now()"),
        }

    def execute(
        self, text: LiteralString, parameters: Sequence[object] | Mapping[str, object] = (), **names: sql.Composable
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute ``text`` after replacing ``{table}`` by the name of a staging table.

        ``{account}``, ``{workflow_id}`` and ``{now}`` are replaced too, and so are the other ``names``.
        """
        return self._connection.execute(self._query(text, **names), parameters or None)

    def date_changes(self, moment: datetime) -> None:
        """Let ``{now}`` be another moment than the transaction's beginning."""
        self._names["now"] = sql.Literal(moment)

    def write(self, steps: Iterable[tuple[Table, LiteralString]], **names: sql.Composable) -> Counter[str]:
        """Execute statements in order, each with the table that it writes; return the rows written by table."""
        written: Counter[str] = Counter()
        for table, statement in steps:
            written[table.name] += self.execute(statement, (), **names).rowcount
        return written

    def counts(self, text: LiteralString) -> dict[str, Any]:
        """Return the single row of a query whose columns are all counts, by column name."""
        row = self._connection.cursor(row_factory=dict_row).execute(self._query(text)).fetchone()
        return {name: int(count) for name, count in (row or {}).items()}

    def begin(self, resume_max_age_minutes: float) -> bool:
        """Resume from the staging of an earlier attempt of this workflow, or start with empty tables.

        Returns whether it resumes. Staging that was begun more than ``resume_max_age_minutes`` ago is not reused: the
        catalogue has changed since.
        """
        if not self._is_temporary and self.is_of_workflow(max_age_minutes=resume_max_age_minutes):
            return True
        self.recreate()
        return False

    def recreate(self) -> None:
        """Drop the tables and create empty ones, registered for this workflow."""
        persistence: LiteralString = "TEMPORARY" if self._is_temporary else "UNLOGGED"
        with self._connection.transaction():
            self._drop_tables()
            for name, definition in self._definitions.items():
                create = sql.SQL("CREATE {} TABLE {} ({})")
                self._connection.execute(create.format(sql.SQL(persistence), self._tables[name], sql.SQL(definition)))
            if not self._is_temporary:
                self._connection.execute(
                    """
                    INSERT INTO ozon_staging.loads (account, component, workflow_id, started_at)
                    VALUES (%s, %s, %s, now())
                    ON CONFLICT (account, component)
                    DO UPDATE SET workflow_id = excluded.workflow_id, started_at = excluded.started_at
                    """,
                    (self._account, self._component, self._workflow_id),
                )

    def drop(self) -> None:
        """Drop the tables; this load can no longer be resumed."""
        with self._connection.transaction():
            self._drop_tables()
            if not self._is_temporary:
                self._connection.execute(
                    "DELETE FROM ozon_staging.loads WHERE account = %s AND component = %s",
                    (self._account, self._component),
                )

    def is_of_workflow(self, *, max_age_minutes: float | None = None) -> bool:
        """Return whether the staging belongs to this workflow and was begun at most ``max_age_minutes`` ago."""
        row = self._connection.execute(
            """
            SELECT EXISTS (
                SELECT FROM ozon_staging.loads
                WHERE account = %s AND component = %s AND workflow_id = %s
                  AND started_at > coalesce(now() - make_interval(secs => %s), '-infinity')
            )
            """,
            (self._account, self._component, self._workflow_id, max_age_minutes and 60 * max_age_minutes),
        ).fetchone()
        return row == (True,)

    def checkpoint(self, stream: str) -> Checkpoint:
        """Return the progress of ``stream``; its beginning if it was not read."""
        row = self.execute(
            "SELECT stream, cursor, pages, items, repeated, total_items, is_complete "
            "FROM {checkpoint} WHERE stream = %s",
            (stream,),
        ).fetchone()
        return Checkpoint(*row) if row else Checkpoint(stream)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        self.execute(
            """
                INSERT INTO {checkpoint} (stream, cursor, pages, items, repeated, total_items, is_complete)
                VALUES (%s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (stream) DO UPDATE SET
                    cursor = excluded.cursor, pages = excluded.pages, items = excluded.items,
                    repeated = excluded.repeated, total_items = excluded.total_items,
                    is_complete = excluded.is_complete
                """,
            (
                checkpoint.stream,
                checkpoint.cursor,
                checkpoint.pages,
                checkpoint.items,
                checkpoint.repeated,
                checkpoint.total_items,
                checkpoint.is_complete,
            ),
        )

    def add_listed(
        self, visibility: str, product_ids: Sequence[int], column: LiteralString, values: Sequence[bool | None]
    ) -> tuple[int, list[int]]:
        """Add entries of the list ``visibility``, with their values of ``column``.

        Returns how many of them are new in that list, and the ids that no list had: lists may overlap.
        """
        rows = self.execute(
            """
                WITH added AS (
                    INSERT INTO {listed} (product_id, visibility, {column})
                    SELECT product_id, %s, flag FROM unnest(%s::bigint[], %s::boolean[]) AS page (product_id, flag)
                    ON CONFLICT DO NOTHING
                    RETURNING product_id
                )
                SELECT product_id, EXISTS (SELECT FROM {listed} l WHERE l.product_id = added.product_id) AS is_known
                FROM added
                """,
            (visibility, list(product_ids), list(values)),
            column=sql.Identifier(column),
        ).fetchall()
        return len(rows), [product_id for product_id, is_known in rows if not is_known]

    def copy_lines(self, table: str, lines: bytes) -> None:
        """Load lines of PostgreSQL's COPY text format; see ``copy_text``."""
        statement = sql.SQL("COPY {} FROM STDIN").format(self._tables[table])
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines)

    def reject(self, items: Sequence[RejectedItem]) -> None:
        """Keep rejected entries and fields; repeated ones are kept once."""
        entries = [(item.reason, item.payload, item.product_id) for item in items if item.kind == "entry"]
        fields = [(item.reason, item.payload) for item in items if item.kind == "field"]
        if entries:
            self._connection.cursor().executemany(
                self._query(
                    "INSERT INTO {rejected} (reason, payload, product_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
                ),
                entries,
            )
        if fields:
            self._connection.cursor().executemany(
                self._query("INSERT INTO {left_out} (reason, payload) VALUES (%s, %s) ON CONFLICT DO NOTHING"),
                fields,
            )

    def count(self, table: str) -> int:
        """Return the number of rows in a staging table."""
        row = self.execute("SELECT count(*) FROM {counted}", counted=self._tables[table]).fetchone()
        return int(row[0]) if row else 0

    def repeated_count(self) -> int:
        """Return the number of repeated entries of all streams."""
        row = self.execute("SELECT coalesce(sum(repeated), 0) FROM {checkpoint}").fetchone()
        return int(row[0]) if row else 0

    def _drop_tables(self) -> None:
        if not self._is_temporary:
            # Also for tables that the caller's transaction creates in their place.
            become_loader(self._connection)
        for name in self._definitions:
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self._tables[name]))

    def _query(self, text: LiteralString, **names: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(**self._names, **names)
