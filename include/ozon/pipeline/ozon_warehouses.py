"""Stock in Ozon's own (FBO) warehouses, by ``/v1/analytics/stocks``: slow by Ozon's limit, so within a budget.

Only SKUs with FBO stock are asked for, those never asked for first and then the longest unasked, 100 at a time. When
the budget's minutes are over the rest waits for the next run; what was read is stamped with when.
"""

from __future__ import annotations

import logging
import time
from typing import LiteralString

from psycopg import sql

from include.ozon.marketplace.client import SellerClient
from include.ozon.pipeline.component import Attempt
from include.ozon.warehouse.copy_text import optional, text

logger = logging.getLogger("ozon.inventory_etl")

_SKUS_PER_REQUEST = 100

_NEXT_SKUS: LiteralString = """
SELECT s.sku
FROM (SELECT DISTINCT sku FROM {stock} WHERE stock_type = 'fbo' AND present > 0 AND sku > 0) s
LEFT JOIN ozon.fbo_stock_requests asked ON asked.account = %s AND asked.sku = s.sku
WHERE NOT EXISTS (SELECT FROM {fbo_asked} f WHERE f.sku = s.sku)
ORDER BY asked.asked_at NULLS FIRST, s.sku
LIMIT %s
"""

# The answer names SKUs; the stock lists say which product each belongs to.
_MERGE: LiteralString = """
WITH product_of AS (
    SELECT DISTINCT ON (sku) sku, product_id FROM {stock} WHERE stock_type = 'fbo' AND sku > 0 ORDER BY sku
), staged AS (
    SELECT p.product_id, f.warehouse_id, min(f.warehouse_name) AS warehouse_name, sum(f.present) AS present,
           sum(f.average_daily_sales) AS average_daily_sales, min(f.days_of_stock) AS days_of_stock,
           max(a.asked_at) AS fetched_at
    FROM {fbo_stock} f
    JOIN {fbo_asked} a USING (sku)
    JOIN product_of p USING (sku)
    GROUP BY p.product_id, f.warehouse_id
)
INSERT INTO ozon.inventory_by_warehouse AS w (
    account, product_id, warehouse_id, stock_type, warehouse_name, present, reserved,
    average_daily_sales, days_of_stock, fetched_at
)
SELECT {account}, product_id, warehouse_id, 'fbo', warehouse_name, present, 0,
       average_daily_sales, days_of_stock, fetched_at
FROM staged
ON CONFLICT (account, product_id, warehouse_id, stock_type) DO UPDATE
SET warehouse_name = excluded.warehouse_name, present = excluded.present,
    average_daily_sales = excluded.average_daily_sales, days_of_stock = excluded.days_of_stock,
    fetched_at = excluded.fetched_at
"""

# Asked for and in no warehouse's answer any more, or without any FBO stock left: nothing lies there now. Where an
# entry was rejected, nobody knows; those of this method have no product_id.
_ZERO: LiteralString = """
UPDATE ozon.inventory_by_warehouse w
SET present = 0, average_daily_sales = NULL, days_of_stock = NULL, fetched_at = now()
WHERE w.account = {account} AND w.stock_type = 'fbo' AND w.present > 0
  AND NOT EXISTS (
      SELECT FROM {fbo_stock} f JOIN {stock} s ON s.sku = f.sku AND s.stock_type = 'fbo'
      WHERE s.product_id = w.product_id AND f.warehouse_id = w.warehouse_id
  )
  AND (
      EXISTS (
          SELECT FROM {fbo_asked} a JOIN {stock} s ON s.sku = a.sku AND s.stock_type = 'fbo'
          WHERE s.product_id = w.product_id
      )
      OR NOT EXISTS (
          SELECT FROM {stock} s
          WHERE s.product_id = w.product_id AND s.stock_type = 'fbo' AND s.present > 0
      )
  )
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = w.product_id)
  AND NOT EXISTS (
      SELECT FROM {rejected} r JOIN {stock} s ON s.offer_id = r.payload ->> 'offer_id'
      WHERE r.product_id IS NULL AND s.product_id = w.product_id
  )
"""

_REMEMBER: LiteralString = """
INSERT INTO ozon.fbo_stock_requests (account, sku, asked_at)
SELECT {account}, sku, asked_at FROM {fbo_asked}
ON CONFLICT (account, sku) DO UPDATE SET asked_at = excluded.asked_at
"""


def read(attempt: Attempt, client: SellerClient) -> None:
    """Stage as many SKUs' stock as the budget allows; the client paces the requests."""
    budget_seconds = 60 * attempt.run.settings.inventory.ozon_warehouses_budget_minutes
    deadline = time.monotonic() + budget_seconds
    asked = 0
    while skus := _next_skus(attempt):
        if time.monotonic() >= deadline:
            logger.info(
                "Account %s: the %d minutes for Ozon's warehouses are over after %d SKUs; the next run goes on",
                attempt.run.account, budget_seconds // 60, asked,
            )  # fmt: skip
            break
        _read_batch(attempt, client, skus)
        asked += len(skus)
    attempt.numbers.details["ozon_warehouses"] = {"skus_asked": asked}


def merge(attempt: Attempt) -> None:
    """Write what was staged, in the transaction of the component's merge; nothing in a dry run."""
    if attempt.run.dry_run:
        return
    for statement in (_MERGE, _ZERO, _REMEMBER):
        attempt.connection.execute(attempt.staging.query(statement, account=sql.Literal(attempt.run.account)))


def _next_skus(attempt: Attempt) -> list[int]:
    rows = attempt.connection.execute(attempt.staging.query(_NEXT_SKUS), (attempt.run.account, _SKUS_PER_REQUEST))
    return [sku for (sku,) in rows]


def _read_batch(attempt: Attempt, client: SellerClient, skus: list[int]) -> None:
    page = client.fbo_stocks(skus)
    lines = [
        f"{stock.warehouse_id}\t{stock.sku}\t{text(stock.warehouse_name or '')}\t{stock.available_stock_count}\t"
        f"{optional(stock.ads)}\t{optional(stock.idc)}\n"
        for stock in page.items
    ]
    with attempt.connection.transaction():
        attempt.staging.copy_lines("fbo_stock", "".join(lines).encode())
        attempt.staging.reject(page.rejected)
        attempt.connection.execute(
            attempt.staging.query("INSERT INTO {fbo_asked} SELECT unnest(%s::bigint[]), now()"), (skus,)
        )
