"""Comparison of staged stock with the warehouse, and its merge, in one transaction of the caller.

As in ``product_merge``, ``compare`` finds the differences without changing the warehouse, and ``merge`` applies exactly
these. A stock that Ozon no longer lists becomes zero; its row stays.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import LiteralString

from include.ozon.warehouse.differences import Differences
from include.ozon.warehouse.staging import Staging
from include.ozon.warehouse.tables.column import assignments, differ, merged, names
from include.ozon.warehouse.tables.stock import INVENTORY, INVENTORY_BY_WAREHOUSE, INVENTORY_HISTORY

_LOADED = names(INVENTORY.loaded)

_COMPARE: LiteralString = f"""
CREATE TEMPORARY TABLE stock_change ON COMMIT DROP AS
WITH staged AS (
    SELECT product_id, stock_type, sku,
    {merged(INVENTORY.loaded)}
    FROM {{stock}} s
    GROUP BY product_id, stock_type, sku
)
SELECT s.*, i.product_id IS NULL AS is_new, i.present AS previous_present, i.reserved AS previous_reserved
FROM staged s
LEFT JOIN ozon.inventory i
    ON i.account = {{account}} AND i.product_id = s.product_id AND i.stock_type = s.stock_type AND i.sku = s.sku
WHERE i.product_id IS NULL OR {differ(INVENTORY.loaded, "s", "i")}
"""

# An unknown stock stays as it was: of a product whose entry was rejected (identified by its article if the id could not
# be read), of a product whose FBO stock no answer contains, and of a product that has stock according to its details
# but no stocks in its entry.
_GONE: LiteralString = """
CREATE TEMPORARY TABLE stock_gone ON COMMIT DROP AS
SELECT i.product_id, i.stock_type, i.sku, i.present AS previous_present, i.reserved AS previous_reserved
FROM ozon.inventory i
WHERE i.account = {account}
  AND (i.present, i.reserved) <> (0, 0)
  AND NOT EXISTS (
      SELECT FROM {stock} s
      WHERE s.product_id = i.product_id AND s.stock_type = i.stock_type AND s.sku = i.sku
  )
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = i.product_id)
  AND NOT EXISTS (
      SELECT FROM {rejected} r WHERE r.product_id IS NULL AND r.payload ->> 'offer_id' = i.offer_id
  )
  AND NOT (i.stock_type = 'fbo' AND EXISTS (SELECT FROM {fbo_unknown} u WHERE u.product_id = i.product_id))
  AND NOT EXISTS (
      SELECT FROM {listed} l JOIN ozon.products p ON p.account = {account} AND p.product_id = l.product_id
      WHERE l.product_id = i.product_id AND NOT l.has_stocks AND p.has_stock
  )
"""

_COUNT: LiteralString = """
SELECT
    (SELECT count(*) FROM (SELECT DISTINCT product_id, stock_type, sku FROM {stock}) keys) AS staged,
    count(*) FILTER (WHERE is_new) AS inserted,
    count(*) FILTER (WHERE NOT is_new) AS updated,
    (SELECT count(*) FROM stock_gone) AS removed,
    (SELECT count(*) FROM ozon.inventory WHERE account = {account} AND (present, reserved) <> (0, 0))
        AS with_stock_before,
    (SELECT count(*) FROM {rejected}) AS rejected
FROM stock_change
"""

_UPDATE: LiteralString = f"""
UPDATE ozon.inventory i SET
    {assignments(INVENTORY.loaded, "c", "i")},
    changed_at = {{now}},
    workflow_id = {{workflow_id}}
FROM stock_change c
WHERE NOT c.is_new
  AND i.account = {{account}} AND i.product_id = c.product_id AND i.stock_type = c.stock_type AND i.sku = c.sku
"""

_ZERO: LiteralString = """
UPDATE ozon.inventory i
SET present = 0, reserved = 0, changed_at = {now}, workflow_id = {workflow_id}
FROM stock_gone g
WHERE i.account = {account} AND i.product_id = g.product_id AND i.stock_type = g.stock_type AND i.sku = g.sku
"""

_INSERT: LiteralString = f"""
INSERT INTO ozon.inventory (account, product_id, stock_type, sku, {_LOADED}, changed_at, workflow_id)
SELECT {{account}}, product_id, stock_type, sku, {_LOADED}, {{now}}, {{workflow_id}}
FROM stock_change
WHERE is_new
"""

_HISTORY: LiteralString = """
INSERT INTO ozon.inventory_history (
    account, product_id, stock_type, sku, changed_at, present, reserved,
    previous_present, previous_reserved, workflow_id
)
SELECT {account}, product_id, stock_type, sku, {now}, present, reserved,
       previous_present, previous_reserved, {workflow_id}
FROM stock_change
WHERE is_new OR (present, reserved) <> (previous_present, previous_reserved)
UNION ALL
SELECT {account}, product_id, stock_type, sku, {now}, 0, 0, previous_present, previous_reserved, {workflow_id}
FROM stock_gone
"""

# A product whose entry was rejected keeps its stock; it is found by its SKU or article if the id could not be read.
# A warehouse that was not read keeps its stock. So does one that is missing from the list of warehouses if an entry of
# that list was rejected: it may be that one.
_SELLER_COMPARE: LiteralString = """
CREATE TEMPORARY TABLE seller_stock_change ON COMMIT DROP AS
WITH entries AS (
    SELECT DISTINCT ON (warehouse_id, product_id, sku) warehouse_id, product_id, present, reserved
    FROM {seller_stock}
    ORDER BY warehouse_id, product_id, sku
), staged AS (
    SELECT e.product_id, w.warehouse_id, w.stock_type, w.warehouse_name,
           sum(e.present) AS present, sum(e.reserved) AS reserved
    FROM entries e
    JOIN {warehouse} w USING (warehouse_id)
    WHERE w.unread_because IS NULL
    GROUP BY e.product_id, w.warehouse_id, w.stock_type, w.warehouse_name
), known AS (
    SELECT * FROM ozon.inventory_by_warehouse
    WHERE account = {account} AND stock_type <> 'fbo'
      AND warehouse_id NOT IN (SELECT warehouse_id FROM {warehouse} WHERE unread_because IS NOT NULL)
)
SELECT
    coalesce(s.product_id, k.product_id) AS product_id,
    coalesce(s.warehouse_id, k.warehouse_id) AS warehouse_id,
    coalesce(s.stock_type, k.stock_type) AS stock_type,
    coalesce(s.warehouse_name, k.warehouse_name) AS warehouse_name,
    coalesce(s.present, 0) AS present,
    coalesce(s.reserved, 0) AS reserved,
    CASE WHEN k.product_id IS NULL THEN 'inserted' WHEN s.product_id IS NULL THEN 'removed' ELSE 'updated' END
        AS kind
FROM staged s
FULL JOIN known k USING (product_id, warehouse_id, stock_type)
WHERE (s.warehouse_name, s.present, s.reserved) IS DISTINCT FROM (k.warehouse_name, k.present, k.reserved)
  AND NOT (s.product_id IS NULL AND (k.present, k.reserved) = (0, 0))
  AND NOT (s.product_id IS NULL AND EXISTS (SELECT FROM {rejected} r WHERE r.product_id = k.product_id))
  AND NOT (
      s.product_id IS NULL
      AND EXISTS (
          SELECT FROM {rejected} r
          JOIN {stock} i ON i.sku::text = r.payload ->> 'sku' OR i.offer_id = r.payload ->> 'offer_id'
          WHERE r.product_id IS NULL AND i.product_id = k.product_id
      )
  )
  AND NOT (
      s.product_id IS NULL
      AND k.warehouse_id NOT IN (SELECT warehouse_id FROM {warehouse})
      AND (SELECT items - repeated FROM {checkpoint} WHERE stream = 'warehouses') > (SELECT count(*) FROM {warehouse})
  )
"""

_SELLER_COUNT: LiteralString = "SELECT kind, count(*) FROM seller_stock_change GROUP BY kind ORDER BY kind"

_SELLER_MERGE: LiteralString = """
INSERT INTO ozon.inventory_by_warehouse AS w (
    account, product_id, warehouse_id, stock_type, warehouse_name, present, reserved, fetched_at
)
SELECT {account}, product_id, warehouse_id, stock_type, warehouse_name, present, reserved, {now}
FROM seller_stock_change
ON CONFLICT (account, product_id, warehouse_id, stock_type) DO UPDATE
SET warehouse_name = excluded.warehouse_name, present = excluded.present, reserved = excluded.reserved,
    fetched_at = excluded.fetched_at
"""

# Without waiting for a VACUUM; PostgreSQL leaves out the tables that a role may not analyze.
_ANALYZE = "ANALYZE (SKIP_LOCKED) ozon.inventory, ozon.inventory_by_warehouse, ozon.inventory_history"

_MERGE = ((INVENTORY, _UPDATE), (INVENTORY, _ZERO), (INVENTORY, _INSERT), (INVENTORY_HISTORY, _HISTORY))


@dataclass(frozen=True, kw_only=True)
class StockDifferences(Differences):
    """The changes in rows of ``inventory``; ``with_stock_before`` counts its rows that are not zero.

    ``details`` count the rows of ``inventory_by_warehouse`` by kind of change.
    """

    with_stock_before: int


def compare(staging: Staging, *, has_seller_warehouses: bool) -> StockDifferences:
    """Find every difference between staging and warehouse, in the caller's open transaction.

    If the seller warehouses were not read (``has_seller_warehouses``), they keep their stock.
    """
    for statement in ("ANALYZE {stock}", _COMPARE, _GONE):
        staging.execute(statement)
    by_kind: dict[str, int] = {}
    if has_seller_warehouses:
        staging.execute(_SELLER_COMPARE)
        by_kind = dict(staging.execute(_SELLER_COUNT).fetchall())
    return StockDifferences(**staging.counts(_COUNT), details={"seller_warehouses": by_kind} if by_kind else {})


def merge(staging: Staging, differences: StockDifferences, *, has_seller_warehouses: bool) -> Counter[str]:
    """Write the differences that ``compare`` found, in the same transaction; return the rows written by table."""
    seller_merge = ((INVENTORY_BY_WAREHOUSE, _SELLER_MERGE),) if has_seller_warehouses else ()
    written = staging.write((*_MERGE, *seller_merge))
    if differences.is_mostly_new:
        staging.execute(_ANALYZE)
    return written
