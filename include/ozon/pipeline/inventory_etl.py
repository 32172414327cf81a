"""inventory_etl: the stock of one account, by type, by seller warehouse and by FBO warehouse.

It needs the products that product_etl of the same workflow has loaded.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from include.ozon.pipeline.component import Component
from include.ozon.pipeline.guards import Observation, observe_rejected
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.settings import GuardsSettings, Settings
from include.ozon.translation import N_
from include.ozon.warehouse.tables.column import definitions
from include.ozon.warehouse.tables.stock import INVENTORY

if TYPE_CHECKING:
    from include.ozon.pipeline.attempt import Attempt
    from include.ozon.pipeline.reading import Reading
    from include.ozon.warehouse.inventory_merge import StockDifferences

_STAGING: dict[str, LiteralString] = {
    "listed": "product_id bigint, visibility text, has_stocks boolean, PRIMARY KEY (product_id, visibility)",
    "stock": definitions(INVENTORY.staged),
    # unread_because: why this warehouse's stock could not be read; null if it was read.
    "warehouse": "warehouse_id bigint PRIMARY KEY, warehouse_name text, stock_type text, unread_because text",
    "seller_stock": "warehouse_id bigint, product_id bigint, sku bigint, present integer, reserved integer",
    # is_listed: the stocks by type contain this SKU.
    "fbo_sku": "sku bigint PRIMARY KEY, product_id bigint, is_listed boolean, asked_at timestamptz",
    # Products that the product list reports in FBO and whose stock no answer contains.
    "fbo_unknown": "product_id bigint PRIMARY KEY, was_asked boolean",
    "fbo_stock": """
        sku bigint, warehouse_id bigint, warehouse_name text, cluster_id bigint, present integer,
        average_daily_sales numeric, days_of_stock numeric,
        cluster_daily_sales numeric, cluster_days_of_stock numeric""",
}


def _methods(settings: Settings) -> tuple[str, ...]:
    from include.ozon.marketplace import methods as api

    paths = [api.STOCKS.path]
    if settings.inventory.seller_warehouses:
        paths += [api.WAREHOUSES.path, api.WAREHOUSE_STOCKS.path]
    if settings.inventory.ozon_warehouses:
        paths.append(api.FBO_STOCKS.path)
    return tuple(paths)


def _read(attempt: Attempt, reading: Reading) -> None:
    from include.ozon.pipeline.inventory_reading import InventoryReading

    InventoryReading(attempt, reading).read()


def _compare(attempt: Attempt) -> StockDifferences:
    from include.ozon.warehouse import inventory_merge

    has_seller_warehouses = attempt.run.settings.inventory.seller_warehouses
    return inventory_merge.compare(attempt.staging, has_seller_warehouses=has_seller_warehouses)


def _observe(guards: GuardsSettings, differences: StockDifferences) -> list[Observation]:
    """Return the guards' input; none for an account's first load, which has nothing to compare with."""
    before = differences.with_stock_before
    if not before:
        return []
    read = differences.staged + differences.rejected
    return [
        Observation(
            "empty_catalogue", guards.empty_catalogue, 0 if read else differences.removed, before,
            "rows of inventory with stock are on none of Ozon's lists",
        ),
        Observation(
            "vanished", guards.vanished, differences.removed, before, "rows of inventory with stock are gone from Ozon"
        ),
        *observe_rejected(guards, differences),
    ]  # fmt: skip


def _merge(attempt: Attempt, differences: StockDifferences) -> Counter[str]:
    from include.ozon.pipeline import fbo_stocks
    from include.ozon.warehouse import inventory_merge

    has_seller_warehouses = attempt.run.settings.inventory.seller_warehouses
    written = inventory_merge.merge(attempt.staging, differences, has_seller_warehouses=has_seller_warehouses)
    written.update(fbo_stocks.merge(attempt))
    return written


INVENTORY_ETL = Component(
    name="inventory_etl",
    title=N_("stock"),
    needs=(PRODUCT_ETL,),
    staging=_STAGING,
    rows_table="stock",
    methods=_methods,
    read=_read,
    compare=_compare,
    observe=_observe,
    merge=_merge,
)
