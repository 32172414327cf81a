"""Reading of an account's stock into staging: by type, by seller warehouse and by FBO warehouse.

Archived products are included.
"""

from __future__ import annotations

from functools import partial

from include.ozon.marketplace.answers import Page, StockItem
from include.ozon.pipeline import fbo_stocks
from include.ozon.pipeline.attempt import Attempt
from include.ozon.pipeline.reading import Reading, Stream
from include.ozon.pipeline.seller_stocks import SellerStocks
from include.ozon.warehouse.copy_text import writer_of
from include.ozon.warehouse.tables.stock import INVENTORY, TypedStock

_write = writer_of(INVENTORY.staged)

# Ozon may change whether ALL includes archived products.
_LISTS = ("ALL", "ARCHIVED")


class InventoryReading:
    """The reading phase of inventory_etl."""

    def __init__(self, attempt: Attempt, reading: Reading) -> None:
        self._attempt = attempt
        self._reading = reading
        self._client = reading.client
        self._settings = attempt.run.settings
        self._connection = attempt.connection
        self._staging = attempt.staging

    def read(self) -> None:
        for visibility in _LISTS:
            self._reading.start(self._stocks(visibility))
        seller_stocks = SellerStocks(self._attempt, self._reading)
        if self._settings.inventory.seller_warehouses:
            seller_stocks.start_warehouses()
        self._reading.drain()
        for visibility in _LISTS:
            self._reading.require_complete(visibility, self._settings.load.listing_shortfall_pct)
        seller_stocks.read()
        fbo_stocks.read(self._attempt, self._reading)

    def _stocks(self, visibility: str) -> Stream[StockItem]:
        return Stream(
            visibility,
            partial(self._client.stocks, visibility),
            partial(self._stage_stocks, visibility),
            is_counted=visibility == "ALL",
        )

    def _stage_stocks(self, visibility: str, page: Page[StockItem]) -> int:
        items = {item.product_id: item for item in page.items}
        has_stocks = [item.stocks is not None for item in items.values()]
        distinct_count, new_ids = self._staging.add_listed(visibility, list(items), "has_stocks", has_stocks)
        new_items = map(items.__getitem__, new_ids)
        stocks = (TypedStock(item, stock) for item in new_items for stock in item.stocks or ())
        self._staging.copy_lines("stock", _write(stocks))
        self._reading.progress.advance(len(new_ids))
        return len(page.items) - distinct_count
