"""The filtered products as a file for a spreadsheet, in the order of the list.

It is read in portions by a session of its own, so that neither this process nor the views wait for a million rows.
UTF-8 with a byte order mark, commas, CRLF.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import LiteralString

from fastapi.concurrency import run_in_threadpool
from psycopg import ServerCursor
from psycopg.rows import class_row
from starlette.responses import StreamingResponse

from include.ozon.errors import RetriableError
from include.ozon.page.product_filters import Filters
from include.ozon.page.product_list import KEYS, Product
from include.ozon.page.product_search import Search
from include.ozon.page.sessions import READ_ONLY
from include.ozon.page.view import View
from include.ozon.reports.spreadsheet import cell, moment
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection, open_connection, translated_errors

MOST_AT_ONCE = 2
MOST_TIME = timedelta(minutes=10)
_ROWS = 2000

COLUMNS = (
    "account",
    "product_id",
    "offer_id",
    "sku",
    "name",
    "visibility",
    "since",
    "reasons",
    "units",
    "price",
    "old_price",
    "stock_value",
    "currency",
)

_LIMITS = {"statement_timeout": "300s", "idle_in_transaction_session_timeout": "120s", "work_mem": "32MB"}

_QUERY: LiteralString = """
SELECT p.account, p.product_id, p.offer_id, p.sku, p.name, p.price, p.old_price, p.currency_code, p.visibility,
       p.visibility_changed_at, p.hidden_reasons, s.available AS units
FROM ozon.products p
LEFT JOIN ozon.product_stock s USING (account, product_id)
WHERE p.account = ANY(%(accounts)s) AND p.removed_at IS NULL AND {conditions}
ORDER BY {key} {direction}, p.account {direction}, p.product_id {direction}
"""


class TooManyDownloadsError(RetriableError):
    """As many files are being downloaded as the warehouse may be asked for at once."""


_downloads = threading.BoundedSemaphore(MOST_AT_ONCE)


async def response(view: View, search: Search) -> StreamingResponse:
    """Return the file as a stream. Raises TooManyDownloadsError, and the errors of the warehouse before it begins."""
    rows = _portions(view, search)
    # The first portion is read before the answer begins, so that an error gets its own page.
    first = await run_in_threadpool(next, rows)
    return StreamingResponse(
        _stream(first, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(view)}"'},
    )


def _file_name(view: View) -> str:
    return f"ozon-products-{view.account or 'all'}-{view.settings.in_time_zone(view.now):%Y-%m-%d}.csv"


async def _stream(first: str, rows: Generator[str]) -> AsyncIterator[bytes]:
    try:
        yield b"\xef\xbb\xbf" + first.encode()
        while portion := await run_in_threadpool(next, rows, ""):
            yield portion.encode()
    finally:
        # Also if the visitor has gone.
        rows.close()


def _portions(view: View, search: Search) -> Generator[str]:
    """Yield the header, then the rows, some at a time."""
    if not _downloads.acquire(blocking=False):
        raise TooManyDownloadsError(
            f"{MOST_AT_ONCE} files are being downloaded already. Try again when one of them is complete."
        )
    try:
        deadline = time.monotonic() + MOST_TIME.total_seconds()
        with translated_errors():
            session = open_connection(view.parts.connect, "ozon_page_csv", READ_ONLY | _LIMITS)
            with closing(session) as connection, connection.transaction():
                require_head(connection)
                yield _lines([COLUMNS])
                for rows in _read(connection, view, search):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"a download took longer than {MOST_TIME}")
                    yield _lines([_row(row, view) for row in rows])
    finally:
        _downloads.release()


def _read(connection: Connection, view: View, search: Search) -> Iterator[list[Product]]:
    filters = Filters(connection, search, view.accounts, view.now)
    query: LiteralString = (
        _QUERY.replace("{conditions}", filters.conditions())
        .replace("{key}", KEYS[search.sort.column])
        .replace("{direction}", "DESC" if search.sort.is_descending else "ASC")
    )
    with ServerCursor(connection, "products", row_factory=class_row(Product)) as cursor:
        cursor.execute(query, filters.values)
        while rows := cursor.fetchmany(_ROWS):
            yield rows


def _row(product: Product, view: View) -> list[object]:
    values = (
        product.account,
        product.product_id,
        product.offer_id,
        product.sku,
        product.name,
        product.visibility,
        moment(product.visibility_changed_at, view.settings),
        "; ".join(product.hidden_reasons),
        product.units,
        product.price,
        product.old_price,
        product.worth,
        product.currency_code,
    )
    return [cell(value) for value in values]


def _lines(rows: Iterable[Sequence[object]]) -> str:
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n").writerows(rows)
    return target.getvalue()
