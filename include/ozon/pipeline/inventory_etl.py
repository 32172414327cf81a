"""inventory_etl: the stock of one account, by type, by the seller's warehouses and by Ozon's own.

Runs after this workflow's product_etl, which the database has to confirm. Archived products are read too.
"""

from __future__ import annotations

import logging
from functools import partial

from include.ozon.marketplace.answers import Page, StockItem
from include.ozon.pipeline import fbo_stocks
from include.ozon.pipeline.component import Attempt, run_component
from include.ozon.pipeline.guards import Observation, check_attempt
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.reading import Reading, Stream, open_reading
from include.ozon.pipeline.records import require_product_etl
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.seller_stocks import SellerStocks
from include.ozon.settings import GuardsSettings
from include.ozon.warehouse.copy_text import text
from include.ozon.warehouse.inventory_merge import InventoryMerge, StockDifferences
from include.ozon.warehouse.staging import INVENTORY_TABLES

logger = logging.getLogger("ozon.inventory_etl")

# Whether archived products are in ALL too is Ozon's to change.
_LISTS = ("ALL", "ARCHIVED")


def run_inventory_etl(run: Run) -> ComponentNumbers:
    """Load one account's stock, or with ``dry_run`` find out what a load would change.

    Raises what ``run_component`` raises, the client's errors, DependencyError and GuardStoppedError.
    """
    return run_component(run, "inventory_etl", INVENTORY_TABLES, _load)


def _load(attempt: Attempt) -> None:
    if not attempt.run.dry_run:
        require_product_etl(attempt.connection, attempt.run)
    with open_reading(attempt, logger) as reading:
        _InventoryReading(attempt, reading).read()
    _merge(attempt)


class _InventoryReading:
    """Fills the staging tables."""

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
        fbo_stocks.read(self._attempt, self._client)

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
        lines = [
            f"{item.product_id}\t{text(item.offer_id or '')}\t{text(stock.type.strip().lower())}\t{stock.sku or 0}\t"
            f"{stock.present}\t{stock.reserved}\n"
            for item in map(items.__getitem__, new_ids)
            for stock in item.stocks or ()
        ]
        self._staging.copy_lines("stock", "".join(lines).encode())
        self._reading.progress.advance(len(new_ids))
        return len(page.items) - distinct_count


def _merge(attempt: Attempt) -> None:
    run = attempt.run
    inventory = run.settings.inventory
    merge = InventoryMerge(
        attempt.connection,
        attempt.staging,
        run.account,
        run.workflow_id,
        has_seller_warehouses=inventory.seller_warehouses,
    )
    with attempt.connection.transaction():
        differences = merge.compare()
        _take_numbers(attempt, differences)
        check_attempt(attempt, _observations(run.settings.guards, differences))
        if not run.dry_run:
            merge.merge()
            fbo_stocks.merge(attempt)
        attempt.close()


def _take_numbers(attempt: Attempt, differences: StockDifferences) -> None:
    numbers = attempt.numbers
    numbers.take_rows(
        staged=differences.staged,
        inserted=differences.inserted,
        updated=differences.updated,
        removed=differences.gone,
        rejected=differences.rejected,
    )
    numbers.rows_repeated += attempt.staging.repeated_count()
    if differences.seller_warehouses:
        numbers.details["seller_warehouses"] = differences.seller_warehouses


def _observations(guards: GuardsSettings, seen: StockDifferences) -> list[Observation]:
    """What the guards look at. An account's first load sets off none of them: there is nothing to compare with."""
    before = seen.with_stock_before
    if not before:
        return []
    read = seen.staged + seen.rejected
    return [
        Observation(
            "empty_catalogue", guards.empty_catalogue, 0 if read else seen.gone, before,
            "rows of inventory with stock are on none of Ozon's lists",
        ),
        Observation(
            "vanished", guards.vanished, seen.gone, before, "rows of inventory with stock are gone from Ozon"
        ),
        Observation("rejected", guards.rejected, seen.rejected, read, "stocks read were rejected by validation"),
    ]  # fmt: skip
