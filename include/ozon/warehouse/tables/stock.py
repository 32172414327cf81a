"""Stock as it is now, its history, and the requests for FBO stock."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from include.ozon.marketplace.answers import StockItem, TypeStock
from include.ozon.warehouse.tables.column import ACCOUNT, CHANGED_BY, PRODUCT_ID, Column, Table

_STOCK_TYPE = Column(
    "stock_type", "text", "Who keeps the goods and delivers: fbo (Ozon), fbs, rfbs (the seller), fbp (a partner)."
)
_SKU = Column("sku", "bigint", "Ozon's id of what customers buy; 0 where Ozon sends none.")
_AVAILABLE = Column(
    "available",
    "bigint",
    "present - reserved. Below 0 only where Ozon reports an impossible stock; reports count that as 0. Never null.",
)


class TypedStock(NamedTuple):
    """A product's stock of one type, with the entry that contains it."""

    item: StockItem
    stock: TypeStock


# A product can list one SKU of a type several times; the amounts are added.
INVENTORY = Table(
    "inventory",
    "One row for each product, stock type and SKU, as it is now, including zeros and archived products. A load writes "
    "only the differences; a stock that Ozon no longer lists becomes zero and stays. If a product has no row, its "
    "stock is unknown, which is not the same as zero.",
    (
        ACCOUNT,
        replace(PRODUCT_ID, source=lambda row: row.item.product_id),
        replace(_STOCK_TYPE, source=lambda row: row.stock.type.strip().lower()),
        replace(_SKU, source=lambda row: row.stock.sku or 0),
        Column(
            "offer_id",
            "text",
            "The seller's own article.",
            lambda row: row.item.offer_id or "",
            merged="min(s.offer_id)",
        ),
        Column(
            "present",
            "bigint",
            "Pieces in stock, including reserved ones.",
            lambda row: row.stock.present,
            merged="sum(s.present)",
        ),
        Column(
            "reserved",
            "bigint",
            "Pieces reserved for orders.",
            lambda row: row.stock.reserved,
            merged="sum(s.reserved)",
        ),
        _AVAILABLE,
        Column("changed_at", "timestamptz", "When a load last changed the row."),
        CHANGED_BY,
    ),
    key=("account", "product_id", "stock_type", "sku"),
)

PRODUCT_STOCK = Table(
    "product_stock",
    "One row for each listed product with its available pieces at the last measurement, for the page's filters and "
    "order.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column("visibility", "text", "As in `products` then."),
        Column(
            "available",
            "bigint",
            "The sum of `inventory.available`, negative ones as 0. Null while the product has no row there: unknown.",
        ),
    ),
)

INVENTORY_BY_WAREHOUSE = Table(
    "inventory_by_warehouse",
    "One row for each product in each warehouse, as it is now. Each load reads the seller warehouses and writes the "
    "differences. FBO warehouses can only be read slowly, so that one load may refresh only a part of them: "
    "`fetched_at` shows the age of a row, and sums may differ from `inventory`. A stock that is no longer listed "
    "becomes zero.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column(
            "warehouse_id",
            "bigint",
            "Ozon's id of the warehouse; 0 for FBO stock for which Ozon names only the cluster.",
        ),
        Column("stock_type", "text", "fbo (FBO warehouse), fbs or rfbs (seller warehouse)."),
        Column("warehouse_name", "text", "The warehouse's name; empty where Ozon sends none."),
        Column("present", "bigint", "Pieces in stock; in FBO warehouses only those that can be sold."),
        Column("reserved", "bigint", "Pieces reserved for orders; always 0 in FBO warehouses."),
        _AVAILABLE,
        Column(
            "average_daily_sales",
            "numeric",
            "fbo: average daily sales in pieces over 28 days in the warehouse's cluster, repeated for each warehouse "
            "of the cluster. Null in seller warehouses and where Ozon sends none. The value of the whole SKU is in "
            "`fbo_stock_requests`.",
        ),
        Column(
            "days_of_stock",
            "numeric",
            "fbo: the days until the stock of the warehouse's cluster is sold out, as Ozon expects, repeated for each "
            "warehouse of the cluster. Null in seller warehouses and where Ozon sends none. The value of the whole "
            "SKU is in `fbo_stock_requests`.",
        ),
        Column(
            "fetched_at",
            "timestamptz",
            "fbo: when the stock was requested. Otherwise: when a load last changed the row.",
        ),
    ),
)

INVENTORY_HISTORY = Table(
    "inventory_history",
    "One row for each change of a stock in `inventory`, including its first appearance. Rows are never changed; all "
    "but the newest of a stock are deleted after `maintenance.history_days`.",
    (
        ACCOUNT,
        PRODUCT_ID,
        _STOCK_TYPE,
        _SKU,
        Column("changed_at", "timestamptz", "The moment of the load that found the change."),
        Column("present", "bigint", "Pieces in stock after the change, including reserved ones."),
        Column("reserved", "bigint", "Pieces reserved for orders after the change."),
        _AVAILABLE,
        Column("previous_present", "bigint", "`present` before the change. Null for the first row of a stock."),
        Column("previous_reserved", "bigint", "`reserved` before the change. Null for the first row of a stock."),
        Column("workflow_id", "text", "The workflow that wrote the row."),
    ),
)

FBO_STOCK_REQUESTS = Table(
    "fbo_stock_requests",
    "One row for each SKU whose stock in FBO warehouses was requested, with its sales. The SKU with the oldest request "
    "is requested first.",
    (
        ACCOUNT,
        Column("sku", "bigint", "Ozon's id of what customers buy."),
        Column("asked_at", "timestamptz", "When it was last requested."),
        Column("product_id", "bigint", "The product of the SKU. Null until the next request."),
        Column(
            "average_daily_sales",
            "numeric",
            "Average daily sales of the SKU in pieces over 28 days, in all clusters. Null where Ozon sends none.",
        ),
        Column(
            "days_of_stock",
            "numeric",
            "The days until the SKU's stock in all FBO warehouses is sold out, as Ozon expects. Null where Ozon sends "
            "none.",
        ),
    ),
)
