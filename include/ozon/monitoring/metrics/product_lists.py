"""The product lists of a measurement: turned, stuck, and longest out of sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from include.ozon.marketplace.visibility import Visibility
from include.ozon.monitoring.metrics.model import Basis, Product, Transitions
from include.ozon.monitoring.metrics.totals import OUT_OF_SIGHT, STOCK
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.warehouse.session import Connection

LISTED_AT_MOST = 10_000
"""The length of a list of states. A list of changes is always complete."""

_COLUMNS: LiteralString = """
    p.product_id, p.offer_id, p.name, p.visibility, p.hidden_reasons, p.visibility_changed_at,
    p.visibility_changed_at = p.first_seen_at AS is_since_first_seen,
    s.units, p.price, p.currency_code, d.daily_sales
"""

# For a few products: summing the stock of all would be a waste.
_STOCK_OF_ONE: LiteralString = """
LEFT JOIN LATERAL (
    SELECT sum(greatest(i.available, 0))::bigint AS units FROM ozon.inventory i
    WHERE i.account = p.account AND i.product_id = p.product_id
) s ON true
LEFT JOIN LATERAL (
    SELECT sum(q.average_daily_sales) AS daily_sales FROM ozon.fbo_stock_requests q
    WHERE q.account = p.account AND q.product_id = p.product_id AND q.average_daily_sales > 0
) d ON true
"""

# The currency of most products first, and in each the worst first: money of two currencies cannot be compared. The
# wide columns are joined only for those that are named.
_STUCK: LiteralString = (
    "WITH "
    + STOCK
    + """
, stuck AS MATERIALIZED (
    SELECT p.product_id, p.visibility = 'VISIBLE' AS is_visible, s.units, d.daily_sales,
           array_position(%(currencies)s::text[], p.currency_code) AS place,
           CASE WHEN p.visibility = 'VISIBLE' THEN d.daily_sales ELSE s.units END * p.price AS money
    FROM ozon.products p
    JOIN stock s USING (product_id)
    LEFT JOIN sales d USING (product_id)
    WHERE p.account = %(account)s AND p.removed_at IS NULL
      AND ((p.visibility = 'VISIBLE' AND s.units = 0) OR ("""
    + OUT_OF_SIGHT
    + """ AND s.units > 0))
), listed AS (
    (SELECT * FROM stuck WHERE is_visible ORDER BY place, money DESC NULLS LAST, product_id LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM stuck WHERE NOT is_visible ORDER BY place, money DESC NULLS LAST, product_id LIMIT %(limit)s)
)
SELECT s.is_visible, """
    + _COLUMNS
    + """
FROM listed s
CROSS JOIN LATERAL (SELECT s.daily_sales) d
JOIN ozon.products p ON p.account = %(account)s AND p.product_id = s.product_id
ORDER BY s.place, s.money DESC NULLS LAST, s.product_id
"""
)

_LONGEST: LiteralString = (
    "SELECT "
    + _COLUMNS
    + """
FROM (
    SELECT * FROM ozon.products p
    WHERE p.account = %(account)s AND p.removed_at IS NULL AND """
    + OUT_OF_SIGHT
    + """
    ORDER BY p.visibility_changed_at, p.product_id
    LIMIT %(limit)s
) p"""
    + _STOCK_OF_ONE
    + "ORDER BY p.visibility_changed_at, p.product_id"
)

# `before` is the visibility in the row that was valid at `since`. NULL: the product was not in the catalogue then.
_MOVED: LiteralString = (
    """
WITH moved AS (
    SELECT product_id,
           bool_or(previous_visibility IS NULL) AS is_new,
           coalesce(
               max(valid_from) FILTER (WHERE (previous_visibility = 'VISIBLE') <> (visibility = 'VISIBLE')),
               max(valid_from)
           ) AS turned_at
    FROM ozon.product_visibility_history
    WHERE account = %(account)s AND valid_from > %(since)s
    GROUP BY product_id
), compared AS (
    SELECT m.product_id, m.turned_at,
           CASE WHEN NOT m.is_new THEN (
               SELECT CASE WHEN h.valid_to > %(since)s OR h.valid_to IS NULL THEN h.visibility END
               FROM ozon.product_visibility_history h
               WHERE h.account = %(account)s AND h.product_id = m.product_id AND h.valid_from <= %(since)s
               ORDER BY h.valid_from DESC
               LIMIT 1
           ) END AS before
    FROM moved m
)
SELECT c.before, c.turned_at, """
    + _COLUMNS
    + """
FROM compared c
JOIN ozon.products p ON p.account = %(account)s AND p.product_id = c.product_id AND p.removed_at IS NULL"""
    + _STOCK_OF_ONE
    + """
WHERE (c.before = 'VISIBLE') <> (p.visibility = 'VISIBLE')
ORDER BY c.turned_at, p.product_id
"""
)

_REMOVED: LiteralString = (
    "SELECT h.visibility, p.removed_at, "
    + _COLUMNS
    + """
FROM ozon.products p
JOIN LATERAL (
    SELECT visibility, valid_to FROM ozon.product_visibility_history h
    WHERE h.account = p.account AND h.product_id = p.product_id AND h.valid_from <= %(since)s
    ORDER BY h.valid_from DESC
    LIMIT 1
) h ON h.visibility = 'VISIBLE' AND h.valid_to > %(since)s"""
    + _STOCK_OF_ONE
    + """
WHERE p.account = %(account)s AND p.removed_at > %(since)s
ORDER BY p.removed_at, p.product_id
"""
)

_VISIBLE_BEFORE = """
SELECT count(*) FROM ozon.product_visibility_history
WHERE account = %(account)s AND visibility = 'VISIBLE'
  AND valid_from <= %(since)s AND (valid_to > %(since)s OR valid_to IS NULL)
"""

# By the last measurement's workflow, not its moment: a load may have been about to commit just then.
_BOUNDARY = """
SELECT coalesce(max(finished_at) FILTER (WHERE finished_at <= %(measured_at)s), min(finished_at))
FROM ozon.etl_component_executions
WHERE workflow_id = %(workflow_id)s AND component = %(component)s AND status = 'success'
"""


@dataclass(frozen=True)
class Stuck:
    """Products out of sight with stock, and visible products without stock."""

    hidden_with_stock: tuple[Product, ...]
    visible_without_stock: tuple[Product, ...]


def read_stuck(connection: Connection, account: str, currencies: Sequence[str]) -> Stuck:
    """Read the stuck products, in the order of ``currencies``."""
    values = {"account": account, "limit": LISTED_AT_MOST, "currencies": list(currencies)}
    rows = connection.execute(_STUCK, values).fetchall()
    return Stuck(
        hidden_with_stock=tuple(_product(row[1:]) for row in rows if not row[0]),
        visible_without_stock=tuple(_product(row[1:]) for row in rows if row[0]),
    )


def read_longest_hidden(connection: Connection, account: str) -> tuple[Product, ...]:
    rows = connection.execute(_LONGEST, {"account": account, "limit": LISTED_AT_MOST})
    return tuple(map(_product, rows))


def seen_until(connection: Connection, measured_at: datetime, workflow_id: str | None) -> datetime:
    """Return the moment up to which an earlier measurement covered all changes."""
    values = {"measured_at": measured_at, "workflow_id": workflow_id, "component": PRODUCT_ETL.name}
    row = connection.execute(_BOUNDARY, values).fetchone()
    return row[0] if row and row[0] else measured_at


def read_transitions(
    connection: Connection, account: str, seen_at: datetime, since: datetime, basis: Basis
) -> Transitions:
    """Read the transitions after ``seen_at``; ``since`` is the moment that is shown."""
    values = {"account": account, "since": seen_at}
    moved = _turned(connection, _MOVED, values)
    visible_before = connection.execute(_VISIBLE_BEFORE, values).fetchone()
    return Transitions(
        since=since,
        basis=basis,
        visible_before=visible_before[0] if visible_before else 0,
        turned_invisible=tuple(product for product in moved if product.previous == Visibility.VISIBLE),
        turned_visible=tuple(product for product in moved if product.previous != Visibility.VISIBLE),
        removed=tuple(_turned(connection, _REMOVED, values)),
    )


def _turned(connection: Connection, query: LiteralString, values: dict[str, object]) -> list[Product]:
    return [
        _product(tuple(columns), previous=previous, since=turned_at)
        for previous, turned_at, *columns in connection.execute(query, values)
    ]


def _product(row: tuple[Any, ...], previous: str | None = None, since: datetime | None = None) -> Product:
    """Make a product of a row; ``since`` is the moment of a transition, by default that of its visibility."""
    (
        product_id, offer_id, name, visibility, reasons, changed_at, is_first,
        units, price, currency, daily_sales,
    ) = row  # fmt: skip
    return Product(
        product_id=product_id,
        offer_id=offer_id,
        name=name,
        visibility=visibility,
        reasons=tuple(reasons),
        since=since or changed_at,
        is_since_first_seen=is_first and since is None,
        units=units,
        price=price,
        currency=currency,
        daily_sales=daily_sales,
        previous=previous,
    )
