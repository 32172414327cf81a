"""Counts and sums over all products of an account, computed by PostgreSQL in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import LiteralString

from psycopg.rows import class_row

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import Counts, CurrencyImpact, Reason
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.warehouse.session import Connection

STOCK: LiteralString = """
stock AS (
    SELECT product_id, sum(greatest(available, 0))::bigint AS units,
           bool_or(present < 0 OR reserved < 0 OR reserved > present) AS is_impossible
    FROM ozon.inventory
    WHERE account = %(account)s
    GROUP BY product_id
), sales AS (
    SELECT product_id, sum(average_daily_sales) AS daily_sales
    FROM ozon.fbo_stock_requests
    WHERE account = %(account)s AND average_daily_sales > 0
    GROUP BY product_id
)
"""
"""Available pieces and daily sales of each product: the basis of all numbers about stock."""

OUT_OF_SIGHT = "p.visibility NOT IN ('VISIBLE', 'ARCHIVED')"

_CELLS: LiteralString = (
    "WITH "
    + STOCK
    + """
SELECT
    p.visibility,
    CASE WHEN p.price > 0 THEN p.currency_code ELSE '' END AS currency,
    count(*) AS products,
    count(*) FILTER (WHERE p.name <> '') AS named,
    count(*) FILTER (WHERE p.price > 0) AS priced,
    count(*) FILTER (WHERE cardinality(p.hidden_reasons) > 0) AS with_reason,
    count(*) FILTER (WHERE p.sku > 0) AS with_sku,
    count(*) FILTER (WHERE p.sku > 0 AND s.product_id IS NOT NULL) AS with_sku_and_inventory,
    count(s.product_id) AS with_inventory,
    count(*) FILTER (WHERE s.is_impossible) AS impossible,
    count(*) FILTER (WHERE s.units > 0) AS in_stock,
    count(*) FILTER (WHERE s.units = 0) AS without_stock,
    coalesce(sum(s.units), 0)::bigint AS units,
    coalesce(sum(s.units * p.price), 0) AS money,
    count(*) FILTER (WHERE s.units > 0 AND p.price > 0 AND d.daily_sales > 0) AS sold_in_stock,
    coalesce(sum(d.daily_sales * p.price) FILTER (WHERE s.units > 0), 0) AS sales_in_stock,
    count(*) FILTER (WHERE s.units = 0 AND p.price > 0 AND d.daily_sales > 0) AS sold_without_stock,
    coalesce(sum(d.daily_sales * p.price) FILTER (WHERE s.units = 0), 0) AS sales_without_stock
FROM ozon.products p
LEFT JOIN stock s USING (product_id)
LEFT JOIN sales d USING (product_id)
WHERE p.account = %(account)s AND p.removed_at IS NULL
GROUP BY 1, 2
"""
)

# At most `TOP_REASONS`: more than a person reads, and far fewer than there can be.
_REASONS: LiteralString = (
    """
SELECT reason, count(*) AS products
FROM ozon.products p, unnest(p.hidden_reasons) AS reason
WHERE p.account = %(account)s AND p.removed_at IS NULL AND """
    + OUT_OF_SIGHT
    + """
GROUP BY reason
ORDER BY products DESC, reason
LIMIT %(limit)s
"""
)

_LAST_LOADS = """
SELECT DISTINCT ON (component) component, workflow_id, finished_at
FROM ozon.etl_component_executions
WHERE account = %(account)s AND status = 'success'
ORDER BY component, finished_at DESC
"""

# The last load if there is none before it.
_PREVIOUS_LOAD = """
SELECT min(finished_at)
FROM (
    SELECT finished_at FROM ozon.etl_component_executions
    WHERE account = %(account)s AND component = %(component)s AND status = 'success'
    ORDER BY finished_at DESC
    LIMIT 2
) loads
"""

TOP_REASONS = 100


@dataclass(frozen=True)
class Cell:
    """The products with one visibility and one price currency ('' without a price).

    ``money`` and the ``sales`` (per day) are in that currency. The counts of stock are of products with known stock.
    """

    visibility: str
    currency: str
    products: int
    named: int
    priced: int
    with_reason: int
    with_sku: int
    with_sku_and_inventory: int
    with_inventory: int
    impossible: int
    in_stock: int
    without_stock: int
    units: int
    money: Decimal
    sold_in_stock: int
    sales_in_stock: Decimal
    sold_without_stock: int
    sales_without_stock: Decimal

    @property
    def is_out_of_sight(self) -> bool:
        return self.visibility not in {Visibility.VISIBLE, Visibility.ARCHIVED}

    @property
    def is_archived(self) -> bool:
        return self.visibility == Visibility.ARCHIVED


@dataclass(frozen=True)
class LastLoad:
    """The last successful attempt of a component."""

    workflow_id: str
    finished_at: datetime


def read_cells(connection: Connection, account: str) -> list[Cell]:
    return connection.cursor(row_factory=class_row(Cell)).execute(_CELLS, {"account": account}).fetchall()


def read_reasons(connection: Connection, account: str) -> tuple[Reason, ...]:
    rows = connection.execute(_REASONS, {"account": account, "limit": TOP_REASONS})
    return tuple(Reason(*row) for row in rows)


def last_loads(connection: Connection, account: str) -> dict[str, LastLoad]:
    """Return the last success of each component; a component that never succeeded is missing."""
    rows = connection.execute(_LAST_LOADS, {"account": account})
    return {component: LastLoad(workflow_id, finished_at) for component, workflow_id, finished_at in rows}


def previous_load_at(connection: Connection, account: str) -> datetime | None:
    """Return the end of the last but one load of the products, or of the only one; None if there is none."""
    row = connection.execute(_PREVIOUS_LOAD, {"account": account, "component": PRODUCT_ETL.name}).fetchone()
    return row[0] if row else None


def counts_by_visibility(cells: Iterable[Cell]) -> Counts:
    counts = dict.fromkeys(map(str, Visibility), 0)
    for cell in cells:
        counts[cell.visibility] += cell.products
    return counts


def currencies_by_products(cells: Iterable[Cell]) -> list[str]:
    """Return the currencies, the one of most products first; products without a price have none."""
    products: Counter[str] = Counter()
    for cell in cells:
        products[cell.currency] += cell.products
    return [currency for currency, _ in sorted(products.items(), key=lambda item: (-item[1], item[0])) if currency]


def impact_by_currency(cells: Sequence[Cell]) -> dict[str, CurrencyImpact]:
    """Return the impact in each currency that has any; the currency of most products first."""
    found: dict[str, CurrencyImpact] = {}
    for cell in cells:
        if not cell.currency or cell.is_archived:
            continue
        before = found.get(cell.currency, CurrencyImpact())
        if cell.is_out_of_sight:
            found[cell.currency] = replace(
                before,
                hidden_products=before.hidden_products + cell.in_stock,
                hidden_units=before.hidden_units + cell.units,
                hidden_money=before.hidden_money + cell.money,
                lost_hidden=before.lost_hidden + cell.sales_in_stock,
                lost_hidden_products=before.lost_hidden_products + cell.sold_in_stock,
            )
        else:
            found[cell.currency] = replace(
                before,
                lost_without_stock=before.lost_without_stock + cell.sales_without_stock,
                lost_without_stock_products=before.lost_without_stock_products + cell.sold_without_stock,
            )
    shown = [name for name in currencies_by_products(cells) if found.get(name, CurrencyImpact()) != CurrencyImpact()]
    return {currency: found[currency] for currency in shown}
