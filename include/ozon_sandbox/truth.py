"""The truth about each product, for tests to compare a warehouse with, row by row.

``hidden_reasons`` are the texts of the details' ``availabilities``, each once, in their order. ``stocks`` are by
type and SKU, ``warehouse_stocks`` by seller warehouse; prices are texts as Ozon sends them, null if none is set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from include.ozon_sandbox import vocabulary
from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.items import price_text
from include.ozon_sandbox.products import Products, Storage
from include.ozon_sandbox.stocks import SellerWarehouse, seller_warehouses, typed_stocks, warehouse_stocks

_PRODUCTS_AT_ONCE = 2_000


def truth_lines(catalogue: Catalogue) -> Iterator[bytes]:
    """Yield NDJSON, one product per line, in the order of their ids, without gone products."""
    warehouses = seller_warehouses(catalogue.origin)
    encoder = msgspec.json.Encoder()
    start = 0
    while start < catalogue.length:
        chunk = next(catalogue.chunks(start, _PRODUCTS_AT_ONCE))
        rows = _rows(catalogue.products(chunk.indices[chunk.exist]), warehouses)
        yield encoder.encode_lines(rows)
        start += len(chunk)


def _rows(products: Products, warehouses: list[SellerWarehouse]) -> list[dict[str, Any]]:
    in_warehouses: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for stock in warehouse_stocks(products, warehouses):
        in_warehouses[stock.row].append(
            {
                "warehouse_id": stock.warehouse.warehouse_id,
                "warehouse_name": stock.warehouse.name,
                "is_rfbs": stock.warehouse.is_rfbs,
                "present": stock.present,
                "reserved": stock.reserved,
            }
        )
    rows = []
    for row, stocks in enumerate(typed_stocks(products)):
        situation = products.situation_at(row)
        price, old_price = int(products.prices[row]), int(products.old_prices[row])
        rows.append(
            {
                "product_id": int(products.product_ids[row]),
                "offer_id": products.offer_ids[row],
                "sku": int(products.skus[row]),
                "has_fbo_stocks": bool(products.free[Storage.FBO][row] > 0),
                "name": products.names[row],
                "price": price_text(price) or None,
                "old_price": price_text(old_price) or None,
                "currency_code": vocabulary.CURRENCIES[int(products.currencies[row])][0],
                "visibility": situation.visibility,
                "is_archived": bool(products.archived[row]),
                "has_price": price > 0,
                "has_stock": bool(products.has_stock[row]),
                "status": situation.status,
                "status_name": situation.status_name,
                "hidden_reasons": list(situation.reasons),
                "stocks": [stock._asdict() for stock in stocks],
                "warehouse_stocks": in_warehouses[row],
            }
        )
    return rows
