"""Stock in FBO warehouses, from ``/v1/analytics/stocks``, within a time budget because Ozon limits this method.

Two kinds of SKUs are requested: those with FBO stock, for their warehouses and sales (``inventory.ozon_warehouses``),
and always those that only the product list reports in FBO. Ozon has announced that the stocks by type will leave FBO
out; then this method is the only source of that stock. SKUs that were never requested come first, then those with the
oldest request, 100 at a time. When the budget is used up, the rest waits for the next run. Each row has the time of
its request.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import LiteralString

from psycopg import sql

from include.ozon.marketplace.faults import RoleMissingError
from include.ozon.marketplace.methods import MAX_FBO_SKUS_COUNT
from include.ozon.pipeline.attempt import Attempt
from include.ozon.pipeline.reading import Reading
from include.ozon.warehouse.copy_text import optional, text
from include.ozon.warehouse.tables.stock import FBO_STOCK_REQUESTS, INVENTORY_BY_WAREHOUSE

logger = logging.getLogger("ozon.inventory_etl")

# In a dry run ozon.products may still contain products that Ozon no longer has.
_FIND_SKUS: LiteralString = """
INSERT INTO {fbo_sku} (sku, product_id, is_listed)
SELECT DISTINCT ON (sku) sku, product_id, is_listed
FROM (
    SELECT sku, product_id, true AS is_listed
    FROM {stock}
    WHERE stock_type = 'fbo' AND present > 0 AND sku > 0 AND {reads_all_fbo}
    UNION ALL
    SELECT unnest(p.skus), p.product_id, false
    FROM ozon.products p
    WHERE p.account = {account} AND p.removed_at IS NULL AND p.has_fbo_stocks
      AND ({are_products_loaded} OR EXISTS (SELECT FROM {listed} l WHERE l.product_id = p.product_id))
      AND NOT EXISTS (SELECT FROM {stock} s WHERE s.product_id = p.product_id AND s.stock_type = 'fbo')
      AND NOT EXISTS (
          SELECT FROM {rejected} r
          WHERE r.product_id = p.product_id OR (r.product_id IS NULL AND r.payload ->> 'offer_id' = p.offer_id)
      )
) found
ORDER BY sku, is_listed DESC
ON CONFLICT DO NOTHING
"""

_NEXT_SKUS: LiteralString = """
SELECT k.sku
FROM {fbo_sku} k
LEFT JOIN ozon.fbo_stock_requests asked ON asked.account = {account} AND asked.sku = k.sku
WHERE k.asked_at IS NULL
ORDER BY asked.asked_at NULLS FIRST, k.sku
LIMIT %(limit)s
"""

# A cluster's sum in addition to the cluster's warehouses would count their stock twice.
_DROP_SUMS: LiteralString = """
DELETE FROM {fbo_stock} a USING {fbo_stock} w
WHERE a.warehouse_id = 0 AND w.warehouse_id > 0 AND a.sku = w.sku
  AND (a.cluster_id IS NULL OR w.cluster_id IS NULL OR a.cluster_id = w.cluster_id)
"""

_STAGE_STOCK: LiteralString = """
INSERT INTO {stock} (product_id, offer_id, stock_type, sku, present, reserved)
SELECT k.product_id, p.offer_id, 'fbo', k.sku, sum(f.present), 0
FROM {fbo_sku} k
JOIN {fbo_stock} f USING (sku)
JOIN ozon.products p ON p.account = {account} AND p.product_id = k.product_id
WHERE NOT k.is_listed
  AND NOT EXISTS (SELECT FROM {stock} s WHERE s.stock_type = 'fbo' AND s.sku = k.sku)
GROUP BY k.product_id, p.offer_id, k.sku
"""

_NOTE_UNKNOWN: LiteralString = """
INSERT INTO {fbo_unknown} (product_id, was_asked)
SELECT p.product_id, NOT EXISTS (SELECT FROM {fbo_sku} k WHERE k.product_id = p.product_id AND k.asked_at IS NULL)
FROM ozon.products p
WHERE p.account = {account} AND p.removed_at IS NULL AND p.has_fbo_stocks
  AND ({are_products_loaded} OR EXISTS (SELECT FROM {listed} l WHERE l.product_id = p.product_id))
  AND (
      NOT EXISTS (SELECT FROM {stock} s WHERE s.product_id = p.product_id AND s.stock_type = 'fbo')
      OR EXISTS (
          SELECT FROM {fbo_sku} k WHERE k.product_id = p.product_id AND NOT k.is_listed AND k.asked_at IS NULL
      )
  )
ON CONFLICT DO NOTHING
"""

# Sales and days are the cluster's; _UPSERT_REQUESTS keeps those of the SKU, which Ozon repeats in each of its rows.
_INSERT: LiteralString = """
INSERT INTO ozon.inventory_by_warehouse AS w (
    account, product_id, warehouse_id, stock_type, warehouse_name, present, reserved,
    average_daily_sales, days_of_stock, fetched_at
)
SELECT {account}, k.product_id, f.warehouse_id, 'fbo', min(f.warehouse_name), sum(f.present), 0,
       sum(f.cluster_daily_sales), min(f.cluster_days_of_stock), max(k.asked_at)
FROM {fbo_stock} f
JOIN {fbo_sku} k USING (sku)
GROUP BY k.product_id, f.warehouse_id
ON CONFLICT (account, product_id, warehouse_id, stock_type) DO UPDATE
SET warehouse_name = excluded.warehouse_name, present = excluded.present,
    average_daily_sales = excluded.average_daily_sales, days_of_stock = excluded.days_of_stock,
    fetched_at = excluded.fetched_at
"""

# The stock is zero if the SKU was requested and the warehouse is missing from the answer, or if no FBO stock is left.
# It is unknown if an entry was rejected; rejected entries of this method have no product_id.
_ZERO: LiteralString = """
UPDATE ozon.inventory_by_warehouse w
SET present = 0, average_daily_sales = NULL, days_of_stock = NULL, fetched_at = {now}
WHERE w.account = {account} AND w.stock_type = 'fbo'
  AND (w.present > 0 OR w.average_daily_sales IS NOT NULL OR w.days_of_stock IS NOT NULL)
  AND NOT EXISTS (
      SELECT FROM {fbo_stock} f JOIN {fbo_sku} k USING (sku)
      WHERE k.product_id = w.product_id AND f.warehouse_id = w.warehouse_id
  )
  AND (
      EXISTS (SELECT FROM {fbo_sku} k WHERE k.product_id = w.product_id AND k.asked_at IS NOT NULL)
      OR NOT EXISTS (
          SELECT FROM {stock} s
          WHERE s.product_id = w.product_id AND s.stock_type = 'fbo' AND s.present > 0
      )
  )
  AND NOT EXISTS (SELECT FROM {fbo_unknown} u WHERE u.product_id = w.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = w.product_id)
  AND NOT EXISTS (
      SELECT FROM {rejected} r JOIN {fbo_sku} k ON k.sku::text = r.payload ->> 'sku'
      WHERE r.product_id IS NULL AND k.product_id = w.product_id
  )
"""

# One rate for each SKU, however many rows repeat it; null if Ozon sent no row.
_UPSERT_REQUESTS: LiteralString = """
INSERT INTO ozon.fbo_stock_requests AS q (account, sku, product_id, asked_at, average_daily_sales, days_of_stock)
SELECT {account}, k.sku, k.product_id, k.asked_at, max(f.average_daily_sales), max(f.days_of_stock)
FROM {fbo_sku} k
LEFT JOIN {fbo_stock} f USING (sku)
WHERE k.asked_at IS NOT NULL
GROUP BY k.sku
ON CONFLICT (account, sku) DO UPDATE
SET product_id = excluded.product_id, asked_at = excluded.asked_at,
    average_daily_sales = excluded.average_daily_sales, days_of_stock = excluded.days_of_stock
"""

_CLEAR_SALES: LiteralString = """
UPDATE ozon.fbo_stock_requests q
SET average_daily_sales = NULL, days_of_stock = NULL
WHERE q.account = {account} AND {reads_all_fbo}
  AND (q.average_daily_sales IS NOT NULL OR q.days_of_stock IS NOT NULL)
  AND NOT EXISTS (SELECT FROM {fbo_sku} k WHERE k.sku = q.sku)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = q.product_id)
"""


_MERGE = (
    (INVENTORY_BY_WAREHOUSE, _INSERT),
    (INVENTORY_BY_WAREHOUSE, _ZERO),
    (FBO_STOCK_REQUESTS, _UPSERT_REQUESTS),
    (FBO_STOCK_REQUESTS, _CLEAR_SALES),
)


def read(attempt: Attempt, reading: Reading) -> None:
    """Stage the stock of as many SKUs as the budget allows; the client paces the requests."""
    _execute(attempt, _FIND_SKUS)
    budget_seconds = 60 * attempt.run.settings.inventory.ozon_warehouses_budget_minutes
    deadline = time.monotonic() + budget_seconds
    asked = 0
    try:
        while skus := _next_skus(attempt):
            if time.monotonic() >= deadline:
                logger.info(
                    "Account %s: the budget of %d minutes for FBO warehouses is used up after %d SKUs; "
                    "the next run continues",
                    attempt.run.account, budget_seconds // 60, asked,
                )  # fmt: skip
                break
            _read_batch(attempt, reading, skus)
            asked += len(skus)
    except RoleMissingError as error:
        if _reads_all_fbo(attempt):
            raise
        # With this setting off, the key does not have to allow the method.
        attempt.warn(f"Cannot request FBO stock. {error}")
    if _reads_all_fbo(attempt) or asked:
        attempt.numbers.details["ozon_warehouses"] = {"skus_asked": asked}
    _execute(attempt, _STAGE_STOCK)
    _execute(attempt, _NOTE_UNKNOWN)
    _warn_of_unknown(attempt)


def merge(attempt: Attempt) -> Counter[str]:
    """Write the staged FBO stock, in the transaction of the component's merge; return the rows written by table."""
    return attempt.staging.write(_MERGE, **_names(attempt))


def _reads_all_fbo(attempt: Attempt) -> bool:
    return attempt.run.settings.inventory.ozon_warehouses


def _execute(attempt: Attempt, statement: LiteralString) -> None:
    attempt.staging.execute(statement, (), **_names(attempt))


def _names(attempt: Attempt) -> dict[str, sql.Composable]:
    return {
        "reads_all_fbo": sql.Literal(_reads_all_fbo(attempt)),
        "are_products_loaded": sql.Literal(not attempt.run.dry_run),
    }


def _next_skus(attempt: Attempt) -> list[int]:
    return [sku for (sku,) in attempt.staging.execute(_NEXT_SKUS, {"limit": MAX_FBO_SKUS_COUNT})]


def _read_batch(attempt: Attempt, reading: Reading, skus: list[int]) -> None:
    page = reading.call(lambda: reading.client.fbo_stocks(skus))
    # A repeated entry would count its stock twice.
    lines = dict.fromkeys(
        f"{stock.sku}\t{stock.warehouse_id}\t{text(stock.warehouse_name or '')}\t{optional(stock.cluster_id)}\t"
        f"{stock.available_stock_count}\t{optional(stock.ads)}\t{optional(stock.idc)}\t"
        f"{optional(stock.ads_cluster)}\t{optional(stock.idc_cluster)}\n"
        for stock in page.items
    )
    attempt.numbers.rows_repeated += len(page.items) - len(lines)
    with attempt.connection.transaction():
        attempt.staging.copy_lines("fbo_stock", "".join(lines).encode())
        _execute(attempt, _DROP_SUMS)
        attempt.staging.reject(page.rejected)
        attempt.staging.execute("UPDATE {fbo_sku} SET asked_at = now() WHERE sku = ANY(%s)", (skus,))


def _warn_of_unknown(attempt: Attempt) -> None:
    row = attempt.staging.execute("SELECT count(*) FROM {fbo_unknown} WHERE was_asked").fetchone()
    if row and row[0]:
        attempt.warn(
            f"Ozon's product list reports FBO stock for {row[0]} products, but no method returned the amount; their "
            "last known stock is kept",
        )
