"""The tables that the page searches: stock and names of the listed products, renewed with each measurement.

Not by the loads, which would take a third longer for it: docs/decisions/0021.
"""

from __future__ import annotations

from typing import LiteralString

from include.ozon.warehouse.session import Connection

_RENEW_STOCK = """
INSERT INTO ozon.product_stock (account, product_id, visibility, available)
SELECT p.account, p.product_id, p.visibility, s.available
FROM ozon.products p
LEFT JOIN (
    SELECT product_id, sum(greatest(available, 0)) AS available
    FROM ozon.inventory
    WHERE account = %(account)s
    GROUP BY product_id
) s USING (product_id)
LEFT JOIN ozon.product_stock before ON before.account = p.account AND before.product_id = p.product_id
WHERE p.account = %(account)s AND p.removed_at IS NULL
  AND (before.visibility, before.available) IS DISTINCT FROM (p.visibility, s.available)
ON CONFLICT (account, product_id) DO UPDATE SET visibility = excluded.visibility, available = excluded.available
"""

_RENEW_NAMES = """
INSERT INTO ozon.product_names (account, product_id, name)
SELECT p.account, p.product_id, p.name
FROM ozon.products p
LEFT JOIN ozon.product_names before ON before.account = p.account AND before.product_id = p.product_id
WHERE p.account = %(account)s AND p.removed_at IS NULL AND before.name IS DISTINCT FROM p.name
ON CONFLICT (account, product_id) DO UPDATE SET name = excluded.name
"""

_FORGET: tuple[LiteralString, ...] = (
    """
DELETE FROM ozon.product_stock s
WHERE s.account = %(account)s AND NOT EXISTS (
    SELECT FROM ozon.products p
    WHERE p.account = s.account AND p.product_id = s.product_id AND p.removed_at IS NULL
)""",
    """
DELETE FROM ozon.product_names n
WHERE n.account = %(account)s AND NOT EXISTS (
    SELECT FROM ozon.products p
    WHERE p.account = n.account AND p.product_id = n.product_id AND p.removed_at IS NULL
)""",
)


def renew_search_tables(connection: Connection, account: str) -> None:
    """Write the rows of an account that differ from its products and inventory."""
    for statement in (_RENEW_STOCK, _RENEW_NAMES, *_FORGET):
        connection.execute(statement, {"account": account})
