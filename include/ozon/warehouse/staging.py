"""Staging: where a component collects what it reads until all of it is there.

Each account and component has tables of its own, such as ``ozon_staging.main_product_listed``, so that starting
anew drops tables instead of deleting a million rows. They are unlogged: losing them in a crash of PostgreSQL costs
a new reading, and writing them costs hardly more than memory. A dry run stages in temporary tables and leaves no
trace.

Every page is committed together with its checkpoint, so a retry goes on behind the last complete page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, LiteralString

from psycopg import sql

from include.ozon.marketplace.answers import RejectedItem
from include.ozon.warehouse.session import Connection

_COMMON_TABLES: dict[str, LiteralString] = {
    # One row for each stream of pages: how far it was read.
    "checkpoint": """
        stream text PRIMARY KEY,
        cursor text NOT NULL,
        pages integer NOT NULL,
        items bigint NOT NULL,
        repeated bigint NOT NULL,
        total_items bigint,
        is_complete boolean NOT NULL""",
    # An entry without an id is known again by its payload.
    "rejected": """
        n bigint GENERATED ALWAYS AS IDENTITY,
        reason text,
        payload jsonb,
        product_id bigint,
        identity text GENERATED ALWAYS AS (coalesce(product_id::text, md5(payload::text))) STORED UNIQUE""",
}

PRODUCT_TABLES: dict[str, LiteralString] = {
    "listed": "product_id bigint PRIMARY KEY",
    "visible": "product_id bigint PRIMARY KEY",
    "product": """
        product_id bigint, offer_id text, sku bigint, name text, price numeric, old_price numeric,
        currency_code text, status_visibility text, ozon_status text, status_name text,
        hidden_reasons text[], is_archived boolean, has_price boolean, has_stock boolean,
        ozon_created_at timestamptz, ozon_updated_at timestamptz""",
}

INVENTORY_TABLES: dict[str, LiteralString] = {
    "listed": "product_id bigint PRIMARY KEY",
    "stock": "product_id bigint, offer_id text, stock_type text, sku bigint, present integer, reserved integer",
    "warehouse": "warehouse_id bigint PRIMARY KEY, warehouse_name text, stock_type text",
    "seller_stock": "warehouse_id bigint, product_id bigint, sku bigint, present integer, reserved integer",
    "fbo_asked": "sku bigint PRIMARY KEY, asked_at timestamptz",
    "fbo_stock": """
        warehouse_id bigint, sku bigint, warehouse_name text, present integer,
        average_daily_sales numeric, days_of_stock numeric""",
}


@dataclass(frozen=True)
class Checkpoint:
    """How far a stream of pages was read. ``items`` counts entries, repeats included."""

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
        tables: dict[str, LiteralString],
        *,
        temporary: bool,
    ) -> None:
        self._connection = connection
        self._account = account
        self._component = component
        self.specific_tables = tables
        self._definitions = {**_COMMON_TABLES, **tables}
        self._schema = "pg_temp" if temporary else self._SCHEMA
        self._is_temporary = temporary
        # With an account's 40 characters the longest name has PostgreSQL's 63.
        prefix = f"{account}_{component.removesuffix('_etl')}_"
        self.tables = {name: sql.Identifier(self._schema, prefix + name) for name in self._definitions}

    def query(self, text: LiteralString, **names: sql.Composable) -> sql.Composed:
        """``text`` with ``{table}`` replaced by the name of this staging's table."""
        return sql.SQL(text).format(**self.tables, **names)

    def begin(self, workflow_id: str, resume_max_age_minutes: float) -> bool:
        """Take up what an earlier attempt of this workflow left, or start with empty tables.

        Returns whether something was taken up. Pages older than ``resume_max_age_minutes`` are not: the
        catalogue has moved on since.
        """
        if not self._is_temporary and self.belongs_to(workflow_id, max_age_minutes=resume_max_age_minutes):
            return True
        self.start_anew(workflow_id)
        return False

    def start_anew(self, workflow_id: str) -> None:
        """Drop whatever is staged and create empty tables, stamped with the workflow that fills them."""
        persistence: LiteralString = "TEMPORARY" if self._is_temporary else "UNLOGGED"
        with self._connection.transaction():
            self._drop_tables()
            for name, definition in self._definitions.items():
                create = sql.SQL("CREATE {} TABLE {} ({})")
                self._connection.execute(create.format(sql.SQL(persistence), self.tables[name], sql.SQL(definition)))
            if not self._is_temporary:
                self._connection.execute(
                    """
                    INSERT INTO ozon_staging.loads (account, component, workflow_id, started_at)
                    VALUES (%s, %s, %s, now())
                    ON CONFLICT (account, component)
                    DO UPDATE SET workflow_id = excluded.workflow_id, started_at = excluded.started_at
                    """,
                    (self._account, self._component, workflow_id),
                )

    def drop(self) -> None:
        """Remove the tables; nothing of this load can be resumed any more."""
        with self._connection.transaction():
            self._drop_tables()
            if not self._is_temporary:
                self._connection.execute(
                    "DELETE FROM ozon_staging.loads WHERE account = %s AND component = %s",
                    (self._account, self._component),
                )

    def belongs_to(self, workflow_id: str, *, max_age_minutes: float | None = None) -> bool:
        """Whether something is staged for this workflow, and begun at most ``max_age_minutes`` ago."""
        row = self._connection.execute(
            """
            SELECT EXISTS (
                SELECT FROM ozon_staging.loads
                WHERE account = %s AND component = %s AND workflow_id = %s
                  AND started_at > coalesce(now() - make_interval(secs => %s), '-infinity')
            )
            """,
            (self._account, self._component, workflow_id, max_age_minutes and 60 * max_age_minutes),
        ).fetchone()
        return row == (True,)

    def checkpoint(self, stream: str) -> Checkpoint:
        """How far ``stream`` was read; its beginning if it was not."""
        row = self._connection.execute(
            self.query(
                "SELECT stream, cursor, pages, items, repeated, total_items, is_complete "
                "FROM {checkpoint} WHERE stream = %s"
            ),
            (stream,),
        ).fetchone()
        return Checkpoint(*row) if row else Checkpoint(stream)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._connection.execute(
            self.query(
                """
                INSERT INTO {checkpoint} (stream, cursor, pages, items, repeated, total_items, is_complete)
                VALUES (%s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (stream) DO UPDATE SET
                    cursor = excluded.cursor, pages = excluded.pages, items = excluded.items,
                    repeated = excluded.repeated, total_items = excluded.total_items,
                    is_complete = excluded.is_complete
                """
            ),
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

    def add_ids(self, table: str, product_ids: Sequence[int]) -> list[int]:
        """Add ids to a table of ids; returns those that were not in it yet."""
        rows = self._connection.execute(
            sql.SQL("INSERT INTO {} SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING RETURNING product_id").format(
                self.tables[table]
            ),
            (list(product_ids),),
        )
        return [product_id for (product_id,) in rows]

    def copy_lines(self, table: str, lines: bytes) -> None:
        """Load lines of PostgreSQL's COPY text format; see ``copy_text``."""
        statement = sql.SQL("COPY {} FROM STDIN").format(self.tables[table])
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines)

    def reject(self, items: Sequence[RejectedItem]) -> None:
        """Keep entries that cannot be loaded; an entry that comes again is kept once."""
        if items:
            self._connection.cursor().executemany(
                self.query(
                    "INSERT INTO {rejected} (reason, payload, product_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
                ),
                [(item.reason, item.payload, item.product_id) for item in items],
            )

    def count(self, table: str) -> int:
        """The number of rows in a staging table."""
        row = self._connection.execute(sql.SQL("SELECT count(*) FROM {}").format(self.tables[table])).fetchone()
        return int(row[0]) if row else 0

    def repeated_count(self) -> int:
        """How many entries came more than once, over all streams."""
        row = self._connection.execute(self.query("SELECT coalesce(sum(repeated), 0) FROM {checkpoint}")).fetchone()
        return int(row[0]) if row else 0

    def _drop_tables(self) -> None:
        for name in self._definitions:
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self.tables[name]))
