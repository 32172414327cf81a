"""A product's own page: visibility, price and stock over time as one picture, and what Ozon says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from psycopg.rows import dict_row
from starlette.responses import HTMLResponse

from include.ozon.page.product_search import MOST_ID
from include.ozon.page.view import InView, NotFoundError, View
from include.ozon.reports.chart_parts import Option
from include.ozon.reports.product_chart import History, product_over_time
from include.ozon.warehouse.schema import require_head
from include.ozon.warehouse.session import Connection

router = APIRouter()

# A product that changes with each of four loads a day has 1460 changes a year.
_MOST_CHANGES = 5000

_PRODUCT = "SELECT * FROM ozon.products WHERE account = %(account)s AND product_id = %(product_id)s"

_VISIBILITY = """
SELECT valid_from, valid_to, visibility FROM ozon.product_visibility_history
WHERE account = %(account)s AND product_id = %(product_id)s AND coalesce(valid_to, 'infinity') > %(since)s
ORDER BY valid_from DESC LIMIT %(limit)s
"""

_PRICES = """
SELECT valid_from, valid_to, price, nullif(old_price, 0) AS old_price FROM ozon.product_price_history
WHERE account = %(account)s AND product_id = %(product_id)s AND coalesce(valid_to, 'infinity') > %(since)s
ORDER BY valid_from DESC LIMIT %(limit)s
"""

# The last change before the period too: the chart begins with a state.
_STOCK_CHANGES = """
SELECT h.changed_at, h.stock_type || '/' || h.sku AS of, greatest(h.available, 0) AS available
FROM ozon.inventory_history h
WHERE h.account = %(account)s AND h.product_id = %(product_id)s
  AND h.changed_at >= coalesce(
      (SELECT max(b.changed_at) FROM ozon.inventory_history b
       WHERE b.account = h.account AND b.product_id = h.product_id AND b.stock_type = h.stock_type AND b.sku = h.sku
         AND b.changed_at < %(since)s),
      %(since)s
  )
ORDER BY h.changed_at DESC LIMIT %(limit)s
"""

_STOCK = """
SELECT stock_type, sku, present, reserved, greatest(available, 0) AS available FROM ozon.inventory
WHERE account = %(account)s AND product_id = %(product_id)s ORDER BY stock_type, sku
"""

_WAREHOUSES = """
SELECT warehouse_name, stock_type, present, reserved, greatest(available, 0) AS available, average_daily_sales,
       days_of_stock, fetched_at
FROM ozon.inventory_by_warehouse
WHERE account = %(account)s AND product_id = %(product_id)s AND (present, reserved) <> (0, 0)
ORDER BY available DESC, warehouse_name LIMIT 100
"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ProductDetails:
    """Everything that the view shows. ``units`` are the available pieces, None while they are unknown."""

    product: Row
    stock: Sequence[Row]
    warehouses: Sequence[Row]
    units: int | None
    chart: Option | None


@router.get("/products/{of_account}/{product_id}")
async def show(
    view: InView,
    of_account: Annotated[str, Path(max_length=40)],
    product_id: Annotated[int, Path(ge=0, le=MOST_ID)],
) -> HTMLResponse:
    if of_account not in view.settings.accounts:
        raise NotFoundError(of_account)
    details = await view.read(lambda connection: _read(connection, view, of_account, product_id))
    return view.page("product.html", details=details, product=details.product)


def _read(connection: Connection, view: View, account: str, product_id: int) -> ProductDetails:
    require_head(connection)
    values = {"account": account, "product_id": product_id, "since": view.since, "limit": _MOST_CHANGES}
    cursor = connection.cursor(row_factory=dict_row)
    product = cursor.execute(_PRODUCT, values).fetchone()
    if product is None:
        raise NotFoundError(f"{account}/{product_id}")
    stock = cursor.execute(_STOCK, values).fetchall()
    history = History(
        visibility=[*reversed(connection.execute(_VISIBILITY, values).fetchall())],
        prices=[*reversed(connection.execute(_PRICES, values).fetchall())],
        stock=_totals([*reversed(connection.execute(_STOCK_CHANGES, values).fetchall())], view.since),
    )
    return ProductDetails(
        product=product,
        stock=stock,
        warehouses=cursor.execute(_WAREHOUSES, values).fetchall(),
        units=sum(row["available"] for row in stock) if stock else None,
        chart=None if history.is_empty else product_over_time(history, view.since, product["removed_at"] or view.now),
    )


def _totals(changes: Sequence[tuple[datetime, str, int]], since: datetime) -> list[tuple[datetime, int]]:
    """Return the available pieces of all stocks together after each change, from the period's beginning on."""
    last: dict[str, int] = {}
    totals: dict[datetime, int] = {}
    for at, of, available in changes:
        last[of] = available
        totals[max(at, since)] = sum(last.values())
    return list(totals.items())
