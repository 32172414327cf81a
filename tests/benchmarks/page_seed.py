"""A warehouse of many products with a year of history, a mass hide and a sale within the last day."""

from __future__ import annotations

import time

import psycopg

from include.ozon.warehouse import schema

ACCOUNT = "second"
"""Another one than the load's."""
MEASUREMENTS = 1460
"""Four a day for a year."""

# Filled before the migration that adds the page's indexes: its own time is one of the figures.
_SEEDED = "0008"

# Three of ten products were hidden three hours ago, one of them with stock; three of ten are on sale since five hours.
_SEED = (
    """
    INSERT INTO ozon.products
    SELECT 'second', n, 'ART-' || lpad((n * 7919 % $size)::text, 7, '0'), n + 1000000000,
           word[1 + n % 40] || ' ' || word[1 + n * 7 % 4000] || ' ' || word[1 + n * 13 % 4000] || ' для дома, '
               || n % 97 || ' мл № ' || n,
           (100 + n * 7919 % 9000)::numeric, (200 + n * 7919 % 9000)::numeric, 'RUB',
           (ARRAY['VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'VISIBLE', 'HIDDEN', 'HIDDEN', 'HIDDEN',
                  'ARCHIVED'])[1 + n % 10],
           'price_sent', 'Готов к продаже',
           CASE WHEN n % 1000 = 6 THEN ARRAY['Бренд отклонён'] WHEN n % 10 IN (6, 7, 8) THEN ARRAY['Нет в наличии']
                ELSE '{}'::text[] END,
           n % 10 = 9, true, true, NULL, NULL,
           now() - interval '370 days', now() - interval '30 days',
           now() - CASE WHEN n % 10 IN (6, 7, 8) THEN interval '3 hours' ELSE n % 8000 * interval '1 hour' END,
           NULL, 'old/second', ARRAY[n + 1000000000], true
    FROM generate_series(1::bigint, $size) n,
         (SELECT array_agg('слово' || translate(i::text, '0123456789', 'абвгдежзик')) AS word
          FROM generate_series(1, 4000) i) words
    """,
    """
    INSERT INTO ozon.product_visibility_history
    SELECT account, product_id, first_seen_at, 'VISIBLE', NULL, '{}', visibility_changed_at, workflow_id
    FROM ozon.products
    """,
    """
    INSERT INTO ozon.product_visibility_history
    SELECT account, product_id, visibility_changed_at, visibility, 'VISIBLE', hidden_reasons, NULL, workflow_id
    FROM ozon.products
    """,
    """
    INSERT INTO ozon.product_price_history
    SELECT account, product_id, first_seen_at + k * interval '90 days', price + 30 - 10 * k, old_price, currency_code,
           CASE WHEN k < 3 THEN first_seen_at + (k + 1) * interval '90 days'
                WHEN product_id % 10 < 3 THEN date_trunc('hour', now()) - interval '4 hours' END, workflow_id
    FROM ozon.products, generate_series(0, 3) k
    """,
    """
    INSERT INTO ozon.product_price_history
    SELECT account, product_id, date_trunc('hour', now()) - interval '4 hours', price - 25, price, currency_code, NULL,
           workflow_id
    FROM ozon.products WHERE product_id % 10 < 3
    """,
    """
    INSERT INTO ozon.inventory (
        account, product_id, stock_type, sku, offer_id, present, reserved, changed_at, workflow_id
    )
    SELECT account, product_id, stock_type, sku, offer_id,
           CASE WHEN product_id % 10 IN (7, 8) OR product_id % 20 = 0 THEN 0 ELSE product_id % 600 END, 0, changed_at,
           workflow_id
    FROM ozon.products, unnest(ARRAY['fbo', 'fbs']) stock_type WHERE product_id % 100 <> 99
    """,
    """
    INSERT INTO ozon.inventory_history (
        account, product_id, stock_type, sku, changed_at, present, reserved, workflow_id
    )
    SELECT account, product_id, stock_type, sku, changed_at, present, reserved, workflow_id FROM ozon.inventory
    """,
    # One product with as many changes as there were loads.
    """
    INSERT INTO ozon.inventory_history (
        account, product_id, stock_type, sku, changed_at, present, reserved, workflow_id
    )
    SELECT 'second', 6, stock_type, 1000000006, now() - n * interval '6 hours', n % 50, n % 3, 'old/second'
    FROM generate_series(1, $measurements) n, unnest(ARRAY['fbo', 'fbs']) stock_type
    """,
    """
    INSERT INTO ozon.etl_workflow_executions (
        workflow_id, account, dag_run_id, trigger, environment, status, started_at, finished_at, component_statuses
    )
    SELECT n || '/second', 'second', n::text, 'scheduled', 'testing', 'success', at, at + interval '9 minutes',
           '{"product_etl": "success", "inventory_etl": "success"}'
    FROM generate_series(0, $measurements) n,
         LATERAL (SELECT now() - n * interval '6 hours' - interval '15 minutes' AS at) a
    """,
    """
    INSERT INTO ozon.etl_component_executions (
        workflow_id, component, attempt, account, status, started_at, finished_at, rows_read, rows_unchanged
    )
    SELECT workflow_id, component, 1, account, 'success', started_at, finished_at, $size, $size
    FROM ozon.etl_workflow_executions, unnest(ARRAY['product_etl', 'inventory_etl']) component
    """,
    """
    INSERT INTO ozon.visibility_metrics
    SELECT 'second', now() - n * interval '6 hours', n || '/second', $size, $size * 6 / 10, $size * 3 / 10, 0, 0,
           $size / 10, 0, 60 + n % 3, 20, 0, 10, 10, 0, 100, 0, 0, 0, 0, 95, '[]', '{}'
    FROM generate_series(1, $measurements) n
    """,
)


def fill(dsn: str, superuser_dsn: str, size: int) -> float:
    """Fill an empty database, migrate it to the newest schema, and return the seconds of that migration."""
    schema.upgrade(lambda: psycopg.connect(dsn), _SEEDED)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for statement in _SEED:
            filled = statement.replace("$size", str(size)).replace("$measurements", str(MEASUREMENTS))
            connection.execute(filled.encode())
        connection.execute("ANALYZE")
    started_at = time.perf_counter()
    schema.upgrade(lambda: psycopg.connect(dsn))
    migration_seconds = time.perf_counter() - started_at
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return migration_seconds
