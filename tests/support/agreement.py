"""Comparison of a warehouse with the sandbox's products and stocks, row by row and column by column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.pipeline import Pipeline, Row

_SAME_NAMED = (
    "offer_id",
    "name",
    "currency_code",
    "visibility",
    "is_archived",
    "has_price",
    "has_stock",
    "status_name",
)


def assert_agreement(pipeline: Pipeline, account: str = "main") -> None:
    """Assert that the warehouse contains exactly the account's products and stocks."""
    truth = pipeline.truth(account)
    assert warehouse_products(pipeline, account) == {product_id: true_product(row) for product_id, row in truth.items()}
    assert warehouse_stocks(pipeline, account) == true_stocks(truth)
    assert seller_stocks(pipeline, account) == true_seller_stocks(truth)


def true_product(row: Row) -> Row:
    reasons = row["hidden_reasons"]
    return {name: row[name] for name in _SAME_NAMED} | {
        "sku": row["sku"] or None,
        "price": row["price"] and Decimal(row["price"]),
        "old_price": row["old_price"] and Decimal(row["old_price"]),
        "ozon_status": row["status"],
        "hidden_reasons": reasons,
    }


def warehouse_products(pipeline: Pipeline, account: str) -> dict[int, Row]:
    """Return the products that are not removed, with the sandbox's column names."""
    rows = pipeline.rows("SELECT * FROM ozon.products WHERE account = %s AND removed_at IS NULL", account)
    columns = (*_SAME_NAMED, "sku", "price", "old_price", "ozon_status")
    return {
        row["product_id"]: {name: row[name] for name in columns} | {"hidden_reasons": _availability_reasons(row)}
        for row in rows
    }


def _availability_reasons(row: Row) -> list[str]:
    """Return the reasons without the error text, which the warehouse appends and the sandbox's truth omits."""
    reasons: list[str] = row["hidden_reasons"]
    if row["visibility"] == "DECLINED":
        assert len(reasons) > 1, f"product {row['product_id']} is declined, but its error text is missing"
        return reasons[:-1]
    return reasons


def true_stocks(truth: dict[int, Row]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        (product_id, stock["type"], stock["sku"]): (row["offer_id"], stock["present"], stock["reserved"])
        for product_id, row in truth.items()
        for stock in row["stocks"]
    }


def warehouse_stocks(pipeline: Pipeline, account: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the stocks that Ozon lists; assert that all other stocks are zero."""
    listed = true_stocks(pipeline.truth(account))
    found = {
        (row["product_id"], row["stock_type"], row["sku"]): row
        for row in pipeline.rows("SELECT * FROM ozon.inventory WHERE account = %s", account)
    }
    assert all(row["available"] == row["present"] - row["reserved"] for row in found.values())
    assert {(row["present"], row["reserved"]) for key, row in found.items() if key not in listed} <= {(0, 0)}
    return {key: (row["offer_id"], row["present"], row["reserved"]) for key, row in found.items() if key in listed}


def true_seller_stocks(truth: dict[int, Row]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        (product_id, stock["warehouse_id"], "rfbs" if stock["is_rfbs"] else "fbs"): (
            stock["warehouse_name"],
            stock["present"],
            stock["reserved"],
        )
        for product_id, row in truth.items()
        for stock in row["warehouse_stocks"]
    }


def seller_stocks(pipeline: Pipeline, account: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    listed = true_seller_stocks(pipeline.truth(account))
    found = {
        (row["product_id"], row["warehouse_id"], row["stock_type"]): (
            row["warehouse_name"],
            row["present"],
            row["reserved"],
        )
        for row in pipeline.rows(
            "SELECT * FROM ozon.inventory_by_warehouse WHERE account = %s AND stock_type <> 'fbo'", account
        )
    }
    assert {stock[1:] for key, stock in found.items() if key not in listed} <= {(0, 0)}
    return {key: stock for key, stock in found.items() if key in listed}


def true_fbo_stocks(truth: dict[int, Row]) -> dict[int, int]:
    """Return the pieces that can be ordered from Ozon's warehouses, by product, without products that have none."""
    return {
        product_id: stock["present"] - stock["reserved"]
        for product_id, row in truth.items()
        for stock in row["stocks"]
        if stock["type"] == "fbo" and stock["present"] > stock["reserved"]
    }


def fbo_stocks(pipeline: Pipeline, account: str = "main") -> dict[int, int]:
    """Return the same, as the sum over the FBO warehouses of ``inventory_by_warehouse``."""
    rows = pipeline.rows(
        "SELECT product_id, sum(present)::bigint AS present FROM ozon.inventory_by_warehouse "
        "WHERE account = %s AND stock_type = 'fbo' AND present > 0 GROUP BY product_id",
        account,
    )
    return {row["product_id"]: row["present"] for row in rows}
