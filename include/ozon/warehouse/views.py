"""The views of the schema ``ozon_bi``, for BI tools and dbt.

Their SQL is in the migrations: a new column needs one line here and a migration with ``CREATE OR REPLACE VIEW``, which
keeps the privileges. A column that a view takes over from a table has the table's comment.
"""

from __future__ import annotations

from typing import LiteralString

from include.ozon.warehouse.tables import monitoring, products, records, stock
from include.ozon.warehouse.tables.column import ACCOUNT, PRODUCT_ID, Column, Table

SCHEMA: LiteralString = "ozon_bi"


def _of(table: Table, *names: str) -> tuple[Column, ...]:
    return tuple(table[name] for name in names)


def _view(name: LiteralString, comment: str, *columns: Column, key: tuple[LiteralString, ...] = ()) -> Table:
    return Table(name, comment, columns, key, schema=SCHEMA)


_PRODUCT = (ACCOUNT, PRODUCT_ID, *_of(products.PRODUCTS, "offer_id", "name"))
_FORMER_PRODUCT = (
    *_PRODUCT[:2],
    Column("offer_id", "text", "The seller's own article, as it is now."),
    Column("name", "text", "The title, as it is now."),
)
_VISIBILITY = Column("visibility", "text", "The product's visibility now, as in `products`.")
_CURRENCY = Column("currency_code", "text", "The currency of price and value. Never add money of two currencies.")
_AVAILABLE = Column("available", "bigint", "Pieces that can be sold: present - reserved, at least 0.")
_REASONS = "Ozon's reasons why customers cannot see it, separated by semicolons; "
_IS_CURRENT = Column("is_current", "boolean", "Whether the period has not ended.")

PRODUCTS = _view(
    "products",
    "One row for each product that Ozon lists now, with its visibility, price and stock. Removed products are left "
    "out.",
    ACCOUNT,
    *_of(products.PRODUCTS, "product_id", "offer_id", "sku", "name", "visibility"),
    Column("is_visible", "boolean", "Whether `visibility` is VISIBLE."),
    products.PRODUCTS["visibility_changed_at"],
    Column(
        "days_hidden",
        "integer",
        "Full days since `visibility_changed_at`. Null while it is visible, and for an archived product.",
    ),
    Column("hidden_reasons", "text", f"{_REASONS}empty where Ozon sends none. The view `hidden_reasons` splits them."),
    *_of(products.PRODUCTS, "ozon_status", "status_name", "price", "old_price", "currency_code"),
    Column(
        "stock_present",
        "bigint",
        "Pieces in stock of all types, including reserved ones. Null where the stock is unknown.",
    ),
    Column("stock_reserved", "bigint", "Pieces reserved for orders. Null where the stock is unknown."),
    Column(
        "stock_available",
        "bigint",
        "Pieces that can be sold; an impossible stock below 0 counts as 0. Null where the stock is unknown.",
    ),
    Column(
        "stock_value",
        "numeric",
        "`stock_available` at the current price, in `currency_code`. Null where one of them is unknown.",
    ),
    Column(
        "average_daily_sales",
        "numeric",
        "Average daily sales in pieces over 28 days in all FBO clusters. Null where it is unknown, and without the "
        "setting `inventory.ozon_warehouses`.",
    ),
    *_of(products.PRODUCTS, "ozon_created_at", "ozon_updated_at", "first_seen_at", "changed_at"),
    key=("account", "product_id"),
)

HIDDEN_REASONS = _view(
    "hidden_reasons",
    "One row for each reason of each product that customers cannot see, without archived ones. A product without a "
    "reason has no row, one with several has several.",
    *_PRODUCT,
    _VISIBILITY,
    products.PRODUCTS["visibility_changed_at"],
    Column("reason", "text", "One of Ozon's reasons."),
)

STOCK = _view(
    "stock",
    "One row for each listed product, stock type and SKU, as it is now, including zeros. A product without a row has "
    "unknown stock.",
    *_PRODUCT,
    _VISIBILITY,
    *_of(stock.INVENTORY, "stock_type", "sku", "present", "reserved"),
    _AVAILABLE,
    products.PRODUCTS["price"],
    _CURRENCY,
    Column("value", "numeric", "`available` at the current price, in `currency_code`. Null without a price."),
    stock.INVENTORY["changed_at"],
    key=("account", "product_id", "stock_type", "sku"),
)

STOCK_BY_WAREHOUSE = _view(
    "stock_by_warehouse",
    "One row for each listed product in each warehouse, as it is now. FBO warehouses are read in turn: `fetched_at` "
    "shows the age of a row, and sums may differ from `stock`.",
    *_PRODUCT,
    _VISIBILITY,
    *_of(stock.INVENTORY_BY_WAREHOUSE, "stock_type", "warehouse_id", "warehouse_name", "present", "reserved"),
    _AVAILABLE,
    *_of(stock.INVENTORY_BY_WAREHOUSE, "average_daily_sales", "days_of_stock", "fetched_at"),
    key=("account", "product_id", "warehouse_id", "stock_type"),
)

STOCK_HISTORY = _view(
    "stock_history",
    "One row for each change of a stock, including its first appearance. It begins `maintenance.history_days` ago.",
    *_FORMER_PRODUCT,
    *_of(stock.INVENTORY_HISTORY, "stock_type", "sku", "changed_at", "previous_present", "present"),
    Column("difference", "bigint", "`present` minus `previous_present`. Null for the first row of a stock."),
    *_of(stock.INVENTORY_HISTORY, "previous_reserved", "reserved"),
    Column("available", "bigint", "Pieces that could be sold after the change: present - reserved, at least 0."),
    key=("account", "product_id", "stock_type", "sku", "changed_at"),
)

PRICE_HISTORY = _view(
    "price_history",
    "One row for each period in which a product had one price. It begins `maintenance.history_days` ago, and includes "
    "removed products.",
    *_FORMER_PRODUCT,
    *_of(products.PRODUCT_PRICE_HISTORY, "valid_from", "valid_to"),
    _IS_CURRENT,
    *_of(products.PRODUCT_PRICE_HISTORY, "price", "old_price", "currency_code", "previous_price"),
    Column(
        "change_pct",
        "numeric",
        "The change of the price in per cent. Null where it did not change, and where the price before is unknown, 0 "
        "or in another currency.",
    ),
    key=("account", "product_id", "valid_from"),
)

VISIBILITY_HISTORY = _view(
    "visibility_history",
    "One row for each period in which a product had one visibility. The time of a removal is a gap. It begins "
    "`maintenance.history_days` ago, and includes removed products.",
    *_FORMER_PRODUCT,
    *_of(products.PRODUCT_VISIBILITY_HISTORY, "valid_from", "valid_to"),
    _IS_CURRENT,
    Column("visibility", "text", "The visibility in the period, as in `products`."),
    products.PRODUCT_VISIBILITY_HISTORY["previous_visibility"],
    Column("hidden_reasons", "text", f"{_REASONS}those of the beginning of the period."),
    Column("visibility_now", "text", "The visibility now, or REMOVED: Ozon no longer lists the product."),
    Column("hidden_reasons_now", "text", f"{_REASONS}those of now."),
    key=("account", "product_id", "valid_from"),
)

VISIBILITY_METRICS = _view(
    "visibility_metrics",
    "One row for each measurement of an account: after each load and once a day. No number includes removed products.",
    *(
        column
        for column in monitoring.VISIBILITY_METRICS.columns
        if column.name not in ("workflow_id", "quality_parts", "impact")
    ),
    key=("account", "measured_at"),
)

VISIBILITY_MONEY = _view(
    "visibility_money",
    "One row for each currency of each measurement of an account: the money in stock that customers cannot see, and "
    "the estimated sales that are lost. Never add money of two currencies.",
    *_of(monitoring.VISIBILITY_METRICS, "account", "measured_at"),
    Column("currency_code", "text", "The currency of the row; empty where Ozon sent none."),
    Column("hidden_products", "bigint", "Products in stock that customers cannot see, without archived ones."),
    Column("hidden_pieces", "bigint", "Their available pieces."),
    Column("hidden_value", "numeric", "These pieces at the current price."),
    Column("lost_per_day_hidden", "numeric", "Their average daily sales at the current price, as far as known."),
    Column("lost_per_day_without_stock", "numeric", "The same for visible products without stock."),
    Column("lost_per_day", "numeric", "The sum of both losses."),
    key=("account", "measured_at", "currency_code"),
)

LOADS = _view(
    "loads",
    "One row for each attempt of a component, also for each retry. A failed one has changed nothing.",
    *_of(records.ETL_COMPONENT_EXECUTIONS, "account", "component", "workflow_id", "attempt"),
    *_of(records.ETL_WORKFLOW_EXECUTIONS, "trigger", "environment"),
    *_of(records.ETL_COMPONENT_EXECUTIONS, "status", "started_at", "finished_at", "duration_seconds"),
    *_of(
        records.ETL_COMPONENT_EXECUTIONS, "rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_removed"
    ),
    *_of(records.ETL_COMPONENT_EXECUTIONS, "rows_rejected", "api_requests", "api_retries", "api_rate_limited"),
    *_of(records.ETL_COMPONENT_EXECUTIONS, "api_wait_seconds", "error"),
    key=("workflow_id", "component", "attempt"),
)

REJECTED_ITEMS = _view(
    "rejected_items",
    "One row for each entry from Ozon that could not be loaded, and for each field that an entry was loaded without.",
    *_of(records.REJECTED_ITEMS, "account", "component", "workflow_id", "attempt", "n"),
    Column("load_started_at", "timestamptz", "When the attempt that found it began."),
    Column("load_finished_at", "timestamptz", "When that attempt ended. Null while it runs."),
    records.REJECTED_ITEMS["kind"],
    Column("field", "text", "The field that was wrong."),
    records.REJECTED_ITEMS["reason"],
    key=("workflow_id", "component", "attempt", "n"),
)

FRESHNESS = _view(
    "freshness",
    "One row for each account and component: its last successful load. Use it for the age of the data: an unchanged "
    "product or stock is not written, and keeps its `changed_at`.",
    *_of(records.ETL_COMPONENT_EXECUTIONS, "account", "component"),
    Column("loaded_at", "timestamptz", "When the last successful load ended."),
    Column("age_hours", "numeric", "Hours since then."),
    records.ETL_COMPONENT_EXECUTIONS["rows_read"],
    Column("rows_changed", "bigint", "Rows that this load inserted, updated or removed."),
    Column("failed_since", "bigint", "Attempts that failed since then."),
    key=("account", "component"),
)

INCIDENTS = _view(
    "incidents",
    "One row for each incident: alerts with one cause, for an account or for all. Open ones have `is_open`.",
    monitoring.INCIDENTS["incident_id"],
    Column("rule_group", "text", monitoring.INCIDENTS["group"].comment),
    *_of(monitoring.INCIDENTS, "account", "level"),
    Column("is_open", "boolean", "Whether it is not resolved."),
    *_of(monitoring.INCIDENTS, "opened_at", "resolved_at"),
    Column("open_hours", "numeric", "Hours from its opening to its resolution, or until now."),
    *_of(monitoring.INCIDENTS, "acknowledged_at", "acknowledged_by", "note"),
    Column(
        "messages",
        "text",
        "The messages of its alerts, a line each; while it is open only those that fire. Null if there are none.",
    ),
    key=("incident_id",),
)

VIEWS = (
    PRODUCTS,
    HIDDEN_REASONS,
    STOCK,
    STOCK_BY_WAREHOUSE,
    STOCK_HISTORY,
    PRICE_HISTORY,
    VISIBILITY_HISTORY,
    VISIBILITY_METRICS,
    VISIBILITY_MONEY,
    LOADS,
    REJECTED_ITEMS,
    FRESHNESS,
    INCIDENTS,
)
"""In the order of docs/bi.md."""
