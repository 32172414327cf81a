"""Stock as it is now, its history, and what is known of Ozon's own warehouses."""

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
    """A product's stock of one type, with the entry that it stands in."""

    item: StockItem
    stock: TypeStock


# A product can list one SKU of a type in several lots, which are added up.
INVENTORY = Table(
    "inventory",
    "One row for each stock of a product by type and SKU, as it is now, zeros and archived products included. A "
    "load writes only what differs; a stock that Ozon no longer lists goes to zero and stays. That a product has no "
    "row means that its stock is not known, which is not the same as none.",
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
            "Pieces that are there, the reserved ones included.",
            lambda row: row.stock.present,
            merged="sum(s.present)",
        ),
        Column(
            "reserved",
            "bigint",
            "Pieces of these that are in orders.",
            lambda row: row.stock.reserved,
            merged="sum(s.reserved)",
        ),
        _AVAILABLE,
        Column("changed_at", "timestamptz", "When a load last changed the row."),
        CHANGED_BY,
    ),
    key=("account", "product_id", "stock_type", "sku"),
)

INVENTORY_BY_WAREHOUSE = Table(
    "inventory_by_warehouse",
    "One row for each product in each warehouse, as it is now. The seller's own warehouses are read by each load, "
    "and rows written where they differ. Ozon's (fbo) can be asked for slowly only, so that one load may refresh a "
    "part of them: `fetched_at` tells how old a row is. Sums differ from `inventory` for that reason. A stock that "
    "is no longer there goes to zero.",
    (
        ACCOUNT,
        PRODUCT_ID,
        Column(
            "warehouse_id",
            "bigint",
            "Ozon's id of the warehouse; 0 for FBO stock of which Ozon names only the cluster.",
        ),
        Column("stock_type", "text", "fbo (Ozon's warehouse), fbs or rfbs (the seller's)."),
        Column("warehouse_name", "text", "The warehouse's name; empty where Ozon sends none."),
        Column("present", "bigint", "Pieces that are there; in Ozon's warehouses those that can be sold."),
        Column("reserved", "bigint", "Pieces of these that are in orders; always 0 in Ozon's warehouses."),
        _AVAILABLE,
        Column(
            "average_daily_sales",
            "numeric",
            "fbo: pieces sold a day on average over 28 days in the warehouse's cluster, so that warehouses of one "
            "cluster repeat it. Null in the seller's warehouses and where Ozon does not say. Of a whole SKU: in "
            "`fbo_stock_requests`.",
        ),
        Column(
            "days_of_stock",
            "numeric",
            "fbo: for how many days Ozon expects the stock to last in the warehouse's cluster, so that warehouses "
            "of one cluster repeat it. Null in the seller's warehouses and where Ozon does not say. Of a whole SKU: "
            "in `fbo_stock_requests`.",
        ),
        Column("fetched_at", "timestamptz", "fbo: when Ozon was asked. Else: when a load last changed the row."),
    ),
)

INVENTORY_HISTORY = Table(
    "inventory_history",
    "One row for each change of a stock in `inventory`, the first sight of it included. Rows are never changed; "
    "those of a stock that has newer ones are deleted `maintenance.history_days` later.",
    (
        ACCOUNT,
        PRODUCT_ID,
        _STOCK_TYPE,
        _SKU,
        Column("changed_at", "timestamptz", "The moment of the load that noticed the change."),
        Column("present", "bigint", "Pieces that were there from then on, the reserved ones included."),
        Column("reserved", "bigint", "Pieces of these that were in orders."),
        _AVAILABLE,
        Column("previous_present", "bigint", "`present` before the change. Null at the first sight of the stock."),
        Column("previous_reserved", "bigint", "`reserved` before the change. Null at the first sight of the stock."),
        Column("workflow_id", "text", "The workflow that wrote the row."),
    ),
)

FBO_STOCK_REQUESTS = Table(
    "fbo_stock_requests",
    "One row for each SKU whose stock in Ozon's warehouses was asked for, with how it sells. The longest unasked is "
    "asked for first.",
    (
        ACCOUNT,
        Column("sku", "bigint", "Ozon's id of what customers buy."),
        Column("asked_at", "timestamptz", "When it was last asked for."),
        Column("product_id", "bigint", "The product that the SKU belongs to. Null until it is asked for again."),
        Column(
            "average_daily_sales",
            "numeric",
            "Pieces of the SKU sold a day on average over 28 days, in all clusters. Null where Ozon does not say, "
            "or no longer.",
        ),
        Column(
            "days_of_stock",
            "numeric",
            "For how many days Ozon expects the SKU's stock in all its warehouses to last. Null where Ozon does not "
            "say, or no longer.",
        ),
    ),
)
