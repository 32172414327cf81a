"""Comparison of staged products with the warehouse, and their merge, in one transaction of the caller.

``compare`` writes the differences to a temporary table and counts them, without changing the warehouse; a dry run ends
there. ``merge`` applies exactly these differences. Rows without a difference are not written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import LiteralString

from include.ozon.warehouse.differences import Differences
from include.ozon.warehouse.staging import Staging
from include.ozon.warehouse.tables.column import assignments, differ, merged, names
from include.ozon.warehouse.tables.products import PRODUCT_PRICE_HISTORY, PRODUCT_VISIBILITY_HISTORY, PRODUCTS

_LOADED = names(PRODUCTS.loaded)

_STAGED: LiteralString = f"""
SELECT
    s.product_id,
    {merged(PRODUCTS.loaded)}
FROM {{product}} s
LEFT JOIN (
    SELECT product_id, bool_or(visibility = 'VISIBLE') AS is_visible, bool_or(has_fbo_stocks) AS has_fbo_stocks
    FROM {{listed}}
    GROUP BY product_id
) l USING (product_id)
"""

_COMPARE: LiteralString = f"""
CREATE TEMPORARY TABLE product_change ON COMMIT DROP AS
SELECT
    s.*,
    p.product_id IS NULL AS is_new,
    p.removed_at IS NOT NULL AS is_back,
    p.visibility AS previous_visibility,
    CASE WHEN p.removed_at IS NULL THEN p.price END AS previous_price,
    p.price IS DISTINCT FROM s.price AS has_new_price,
    (p.price, p.old_price, p.currency_code) IS DISTINCT FROM (s.price, s.old_price, s.currency_code) AS has_new_terms
FROM ({_STAGED}) s
LEFT JOIN ozon.products p ON p.account = {{account}} AND p.product_id = s.product_id
WHERE p.product_id IS NULL
   OR p.removed_at IS NOT NULL
   OR {differ(PRODUCTS.loaded, "s", "p")}
"""

# Requested by id and not found: neither staged nor rejected.
_VANISHED: LiteralString = """
CREATE TEMPORARY TABLE product_vanished ON COMMIT DROP AS
SELECT p.product_id, p.visibility
FROM ozon.products p
WHERE p.account = {account}
  AND p.removed_at IS NULL
  AND NOT EXISTS (SELECT FROM {product} s WHERE s.product_id = p.product_id)
  AND NOT EXISTS (SELECT FROM {rejected} r WHERE r.product_id = p.product_id)
"""

_COUNT: LiteralString = """
SELECT
    (SELECT count(*) FROM {product}) AS staged,
    count(*) FILTER (WHERE is_new) AS inserted,
    count(*) FILTER (WHERE NOT is_new) AS updated,
    count(*) FILTER (WHERE NOT is_new AND NOT is_back AND has_new_price) AS new_prices,
    count(*) FILTER (WHERE NOT is_back AND previous_visibility = 'VISIBLE' AND visibility <> 'VISIBLE')
        AS turned_invisible,
    (SELECT count(*) FROM product_vanished) AS removed,
    (SELECT count(*) FROM product_vanished WHERE visibility = 'VISIBLE') AS vanished_visible,
    (SELECT count(*) FROM ozon.products WHERE account = {account} AND removed_at IS NULL) AS known_before,
    (SELECT count(*) FROM ozon.products
     WHERE account = {account} AND removed_at IS NULL AND visibility = 'VISIBLE') AS visible_before,
    (SELECT count(*) FROM {rejected}) AS rejected
FROM product_change
"""

_DISTRIBUTION: LiteralString = (
    "SELECT visibility, count(*) FROM (" + _STAGED + ") s GROUP BY visibility ORDER BY visibility"
)

_TRANSITIONS: LiteralString = """
SELECT CASE WHEN is_back THEN 'REMOVED' ELSE coalesce(previous_visibility, 'NEW') END AS before, visibility, count(*)
FROM product_change
WHERE is_new OR is_back OR previous_visibility <> visibility
GROUP BY 1, 2
UNION ALL
SELECT visibility, 'REMOVED', count(*) FROM product_vanished GROUP BY 1, 2
ORDER BY 1, 2
"""

_UPDATE: LiteralString = f"""
UPDATE ozon.products p SET
    {assignments(PRODUCTS.loaded, "c", "p")},
    changed_at = {{now}},
    visibility_changed_at =
        CASE WHEN c.is_back OR p.visibility <> c.visibility THEN {{now}} ELSE p.visibility_changed_at END,
    removed_at = NULL,
    workflow_id = {{workflow_id}}
FROM product_change c
WHERE NOT c.is_new AND p.account = {{account}} AND p.product_id = c.product_id
"""

_INSERT: LiteralString = f"""
INSERT INTO ozon.products (
    account, product_id, {_LOADED}, first_seen_at, changed_at, visibility_changed_at, workflow_id
)
SELECT {{account}}, product_id, {_LOADED}, {{now}}, {{now}}, {{now}}, {{workflow_id}}
FROM product_change
WHERE is_new
"""

_REMOVE: LiteralString = """
UPDATE ozon.products p SET removed_at = {now}, changed_at = {now}, workflow_id = {workflow_id}
FROM product_vanished v
WHERE p.account = {account} AND p.product_id = v.product_id
"""

# The newest row of a history is the open one: found from the end, it takes the same time however long the history is.
_CLOSE: LiteralString = """
UPDATE ozon.{history} SET valid_to = {{now}}
WHERE ctid = ANY (ARRAY(
    SELECT (
        SELECT h.ctid FROM ozon.{history} h
        WHERE h.account = {{account}} AND h.product_id = ended.product_id AND h.valid_to IS NULL
        ORDER BY h.valid_from DESC
        LIMIT 1
    )
    FROM (
        SELECT product_id FROM product_change WHERE NOT is_new AND NOT is_back AND {is_ended}
        UNION ALL
        SELECT product_id FROM product_vanished
    ) ended
))
"""

_CLOSE_VISIBILITY = _CLOSE.format(history="product_visibility_history", is_ended="previous_visibility <> visibility")

_OPEN_VISIBILITY: LiteralString = """
INSERT INTO ozon.product_visibility_history (
    account, product_id, valid_from, visibility, previous_visibility, hidden_reasons, workflow_id
)
SELECT {account}, product_id, {now}, visibility, previous_visibility, hidden_reasons, {workflow_id}
FROM product_change
WHERE is_new OR is_back OR previous_visibility <> visibility
"""

_CLOSE_PRICE = _CLOSE.format(history="product_price_history", is_ended="has_new_terms")

_OPEN_PRICE: LiteralString = """
INSERT INTO ozon.product_price_history (
    account, product_id, valid_from, price, old_price, currency_code, previous_price, workflow_id
)
SELECT {account}, product_id, {now}, price, old_price, currency_code, previous_price, {workflow_id}
FROM product_change
WHERE is_new OR is_back OR has_new_terms
"""

# Without waiting for a VACUUM; PostgreSQL leaves out the tables that a role may not analyze.
_ANALYZE = "ANALYZE (SKIP_LOCKED) ozon.products, ozon.product_visibility_history, ozon.product_price_history"

_MERGE = (
    (PRODUCTS, _UPDATE),
    (PRODUCT_VISIBILITY_HISTORY, _CLOSE_VISIBILITY),
    (PRODUCT_PRICE_HISTORY, _CLOSE_PRICE),
    (PRODUCTS, _INSERT),
    (PRODUCT_VISIBILITY_HISTORY, _OPEN_VISIBILITY),
    (PRODUCT_PRICE_HISTORY, _OPEN_PRICE),
    (PRODUCTS, _REMOVE),
)


@dataclass(frozen=True, kw_only=True)
class ProductDifferences(Differences):
    """The changes in numbers of products.

    ``known_before`` and ``visible_before`` count the warehouse's products before the merge, without removed ones.
    """

    new_prices: int
    turned_invisible: int
    vanished_visible: int
    known_before: int
    visible_before: int
    visibility_counts: dict[str, int]
    transitions: dict[tuple[str, str], int]


def compare(staging: Staging) -> ProductDifferences:
    """Find every difference between staging and warehouse, in the caller's open transaction."""
    # All joins are on the id; analyzing the wide columns too would take five times as long.
    for statement in ("ANALYZE {product} (product_id)", _COMPARE, _VANISHED):
        staging.execute(statement)
    return ProductDifferences(
        **staging.counts(_COUNT),
        visibility_counts=dict(staging.execute(_DISTRIBUTION).fetchall()),
        transitions={(before, after): count for before, after, count in staging.execute(_TRANSITIONS)},
    )


def merge(staging: Staging, differences: ProductDifferences) -> Counter[str]:
    """Write the differences that ``compare`` found, in the same transaction; return the rows written by table."""
    written = staging.write(_MERGE)
    if differences.is_mostly_new:
        staging.execute(_ANALYZE)
    return written
