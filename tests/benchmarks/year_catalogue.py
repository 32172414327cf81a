"""The catalogue of a simulated year: staged by PostgreSQL itself, so that a load takes the time of its merge only.

Each load stages the warehouse's own products and stock with seeded changes. The numbers of products, of visible ones
and of those in stock stay about the same, so that only the history grows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, LiteralString

from include.ozon.pipeline.attempt import Attempt
from include.ozon.pipeline.component import Component
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.pipeline.reading import Reading
from include.ozon.warehouse.tables.column import names
from include.ozon.warehouse.tables.products import PRODUCTS
from include.ozon.warehouse.tables.stock import INVENTORY

# Of 10,000 products or stocks, in one load: 1 % of the prices, 0.2 % of the visibilities (twice as likely from hidden
# to visible, which keeps two of three visible), 5 % of the stocks.
PRICES = 100
TURNED_INVISIBLE = 15
TURNED_VISIBLE = 30
STOCKS = 500

# Names, articles and reasons are those that the page's views look for.
_FIRST_PRODUCTS: LiteralString = """
SELECT n AS product_id, 'ART-' || lpad((n * 7919 %% %(size)s)::text, 7, '0') AS offer_id,
       word[1 + n %% 40] || ' ' || word[1 + n * 7 %% 4000] || ' ' || word[1 + n * 13 %% 4000] || ' для дома, '
           || n %% 97 || ' мл № ' || n AS name,
       (100 + n * 7919 %% 9000)::numeric AS price, (200 + n * 7919 %% 9000)::numeric AS old_price,
       (ARRAY['VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'HIDDEN', 'HIDDEN', 'HIDDEN',
              'ARCHIVED'])[1 + n %% 10] AS visibility,
       ARRAY[n + 1000000000] AS skus
FROM generate_series(1::bigint, %(size)s) n,
     (SELECT array_agg('слово' || translate(i::text, '0123456789', 'абвгдежзик')) AS word
      FROM generate_series(1, 4000) i) words
"""
_KNOWN_PRODUCTS: LiteralString = """
SELECT product_id, offer_id, name, old_price, skus,
       CASE WHEN abs(hashint8extended(product_id, 4 * %(number)s)) %% 10000 < %(prices)s
            THEN (100 + abs(hashint8extended(product_id, 4 * %(number)s + 1)) %% 9000)::numeric ELSE price END AS price,
       CASE WHEN visibility = 'VISIBLE'
                 AND abs(hashint8extended(product_id, 4 * %(number)s + 2)) %% 10000 < %(invisible)s THEN 'HIDDEN'
            WHEN visibility = 'HIDDEN'
                 AND abs(hashint8extended(product_id, 4 * %(number)s + 2)) %% 10000 < %(visible)s THEN 'VISIBLE'
            ELSE visibility END AS visibility
FROM ozon.products
WHERE account = {account}
"""
_STAGE_PRODUCTS: LiteralString = f"""
INSERT INTO {{product}} ({names(PRODUCTS.staged)})
SELECT product_id, offer_id, name, price, old_price, 'RUB', visibility, 'price_sent', 'Готов к продаже',
       CASE WHEN visibility <> 'HIDDEN' THEN ARRAY[]::text[] WHEN product_id %% 1000 = 6 THEN ARRAY['Бренд отклонён']
            ELSE ARRAY['Нет в наличии'] END,
       visibility = 'ARCHIVED', true, true, NULL::timestamptz, NULL::timestamptz, skus
FROM (
"""
_LIST_PRODUCTS: LiteralString = """
INSERT INTO {listed} (product_id, visibility, has_fbo_stocks)
SELECT product_id, 'ALL', true FROM {product}
UNION ALL
SELECT product_id, 'VISIBLE', true FROM {product} WHERE visibility = 'VISIBLE'
"""

_FIRST_STOCK: LiteralString = """
SELECT product_id, stock_type, sku, offer_id, greatest(0, product_id %% 66 - 6) AS present, 0 AS reserved
FROM ozon.products, unnest(ARRAY['fbo', 'fbs']) stock_type
WHERE account = {account}
"""
_KNOWN_STOCK: LiteralString = """
SELECT product_id, stock_type, sku, offer_id,
       CASE WHEN abs(hashint8extended(sku, 4 * %(number)s + ascii(substr(stock_type, 3)))) %% 10000 < %(stocks)s
            THEN greatest(0, abs(hashint8extended(sku, 4 * %(number)s + 3)) %% 66 - 6) ELSE present END AS present,
       reserved
FROM ozon.inventory
WHERE account = {account}
"""
_STAGE_STOCK: LiteralString = f"""
INSERT INTO {{stock}} ({names(INVENTORY.staged)})
SELECT {names(INVENTORY.staged)} FROM (
"""
# All of fbs is in one seller warehouse.
_LIST_STOCK: tuple[LiteralString, ...] = (
    "INSERT INTO {listed} SELECT DISTINCT product_id, 'ALL', true FROM {stock}",
    "INSERT INTO {warehouse} VALUES (1, 'Склад', 'fbs', NULL)",
    "INSERT INTO {seller_stock} SELECT 1, product_id, sku, present, reserved FROM {stock} WHERE stock_type = 'fbs'",
)


def components(size: int, number: int, changes: int) -> tuple[Component[Any], ...]:
    """Return the components of the load ``number`` with their reading replaced.

    It has the changes of ``changes`` loads; the load 0 is the first one, of ``size`` products.
    """
    values = {
        "size": size,
        "number": number,
        "prices": changes * PRICES,
        "invisible": changes * TURNED_INVISIBLE,
        "visible": changes * TURNED_VISIBLE,
        "stocks": changes * STOCKS,
    }

    def read_products(attempt: Attempt, _: Reading) -> None:
        products = _KNOWN_PRODUCTS if number else _FIRST_PRODUCTS
        attempt.staging.execute(f"{_STAGE_PRODUCTS} {products}) p", values)
        attempt.staging.execute(_LIST_PRODUCTS)

    def read_stock(attempt: Attempt, _: Reading) -> None:
        stock = _KNOWN_STOCK if number else _FIRST_STOCK
        attempt.staging.execute(f"{_STAGE_STOCK} {stock}) s", values)
        for statement in _LIST_STOCK:
            attempt.staging.execute(statement)

    return replace(PRODUCT_ETL, read=read_products), replace(INVENTORY_ETL, read=read_stock)
