"""Stock in seller warehouses: the list of warehouses and each one's stock.

A warehouse that cannot be read does not stop the others: it keeps its last stock, and a warning names it. Disabled
warehouses are not requested, since Ozon may refuse that.
"""

from __future__ import annotations

import logging
from functools import partial

from include.ozon.errors import BadDataError, MarketplaceUnavailableError, NotFoundError, OzonError, RetriableError
from include.ozon.marketplace.answers import Page, Warehouse, WarehouseStock
from include.ozon.marketplace.faults import InvalidRequestError
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.pipeline.attempt import Attempt
from include.ozon.pipeline.reading import Reading, Stream

logger = logging.getLogger("ozon.inventory_etl")

_DISABLED = "disabled"
# Errors that may concern one warehouse only; a refused key or too many requests concern all of them.
_ONE_WAREHOUSES_ERRORS = (BadDataError, InvalidRequestError, MarketplaceUnavailableError, NotFoundError)

_START_AGAIN = (
    "DELETE FROM {checkpoint} WHERE stream LIKE 'warehouse %'",
    "UPDATE {warehouse} SET unread_because = NULL WHERE unread_because <> 'disabled'",
    "DELETE FROM {seller_stock}",
)

_ADD_WAREHOUSE = "INSERT INTO {warehouse} VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
_LEAVE_UNREAD = "UPDATE {warehouse} SET unread_because = %s WHERE warehouse_id = %s"

_UNREAD = """
SELECT w.warehouse_id, w.warehouse_name, w.unread_because, count(k.product_id),
       to_char(max(k.fetched_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
FROM {warehouse} w
LEFT JOIN ozon.inventory_by_warehouse k ON k.account = {account} AND k.warehouse_id = w.warehouse_id
WHERE w.unread_because <> %(disabled)s
GROUP BY w.warehouse_id
ORDER BY w.warehouse_id
"""


class SellerStocks:
    """The reading of the staging tables ``warehouse`` and ``seller_stock``."""

    def __init__(self, attempt: Attempt, reading: Reading) -> None:
        self._attempt = attempt
        self._reading = reading
        self._connection = attempt.connection
        self._staging = attempt.staging
        self._errors: dict[int, OzonError] = {}
        self._read_pages: set[int] = set()

    def start_warehouses(self) -> None:
        """Start reading the list of warehouses."""
        stream = Stream("warehouses", self._reading.client.warehouses, self._stage_warehouses, is_counted=False)
        self._reading.start(stream)

    def read(self) -> None:
        """Read the stock of each listed warehouse, and warn about those that could not be read."""
        rows = self._staging.execute(
            "SELECT warehouse_id FROM {warehouse} WHERE unread_because IS NULL ORDER BY 1"
        ).fetchall()
        for (warehouse_id,) in rows:
            self._reading.start(
                Stream(
                    f"warehouse {warehouse_id}",
                    partial(self._fetch, warehouse_id),
                    partial(self._stage_stocks, warehouse_id),
                    is_counted=False,
                )
            )
        self._reading.drain()
        if rows and len(self._errors) == len(rows):
            self._raise_temporary()
        self._warn_of_unread()

    def _stage_warehouses(self, page: Page[Warehouse]) -> int:
        repeated = 0
        for warehouse in page.items:
            is_disabled = (warehouse.status or "").strip().lower() == _DISABLED
            added = self._staging.execute(
                _ADD_WAREHOUSE,
                (
                    warehouse.warehouse_id,
                    warehouse.name or "",
                    "rfbs" if warehouse.is_rfbs else "fbs",
                    _DISABLED if is_disabled else None,
                ),
            )
            repeated += 1 - added.rowcount
        return repeated

    def _fetch(self, warehouse_id: int, cursor: str, trail: CursorTrail) -> Page[WarehouseStock]:
        try:
            return self._reading.client.warehouse_stocks(warehouse_id, cursor, trail)
        except _ONE_WAREHOUSES_ERRORS as error:
            self._errors[warehouse_id] = error
            return Page([], [], 0, None, None)

    def _stage_stocks(self, warehouse_id: int, page: Page[WarehouseStock]) -> int:
        if error := self._errors.get(warehouse_id):
            # In the checkpoint's transaction, so that an attempt which resumes knows it too.
            self._staging.execute(_LEAVE_UNREAD, (str(error), warehouse_id))
        lines = [
            f"{warehouse_id}\t{stock.product_id}\t{stock.sku or 0}\t{stock.present}\t{stock.reserved}\n"
            for stock in page.items
        ]
        self._staging.copy_lines("seller_stock", "".join(lines).encode())
        # The merge handles single repeated entries; a repeated page may be a sign of an endless list.
        read_page = hash((warehouse_id, frozenset((stock.product_id, stock.sku) for stock in page.items)))
        is_repeated = read_page in self._read_pages
        self._read_pages.add(read_page)
        return len(page.items) if is_repeated else 0

    def _raise_temporary(self) -> None:
        """Raise a temporary error and let the next attempt start again: all warehouses failed, so none is at fault."""
        for error in self._errors.values():
            if isinstance(error, RetriableError):
                with self._connection.transaction():
                    for statement in _START_AGAIN:
                        self._staging.execute(statement)
                raise error

    def _warn_of_unread(self) -> None:
        unread = self._staging.execute(_UNREAD, {"disabled": _DISABLED})
        for warehouse_id, name, error, kept_count, newest in unread:
            kept = f"its {kept_count} stocks, last changed {newest} UTC, are kept" if kept_count else "none are known"
            self._attempt.warn(f"Cannot read the stock of seller warehouse {warehouse_id} ({name}); {kept}. {error}")
