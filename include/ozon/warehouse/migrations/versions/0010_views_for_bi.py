"""The schema ozon_bi: views for BI tools and dbt, with columns that stay when the tables change."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Each view answers for one product, and for one account, without reading the others: joins are on the tables' keys, and
# a joined table is not read if none of its columns is selected. The moment is CURRENT_TIMESTAMP because it is in no
# schema: now() could be bound to the demonstration's moved clock.

_PRODUCTS = """
CREATE VIEW ozon_bi.products AS
SELECT
    p.account,
    p.product_id,
    p.offer_id,
    p.sku,
    p.name,
    p.visibility,
    p.visibility = 'VISIBLE' AS is_visible,
    p.visibility_changed_at,
    CASE WHEN p.visibility NOT IN ('VISIBLE', 'ARCHIVED')
        THEN floor(extract(epoch FROM CURRENT_TIMESTAMP - p.visibility_changed_at) / 86400)::integer
    END AS days_hidden,
    array_to_string(p.hidden_reasons, '; ') AS hidden_reasons,
    p.ozon_status,
    p.status_name,
    p.price,
    p.old_price,
    p.currency_code,
    stock.present AS stock_present,
    stock.reserved AS stock_reserved,
    stock.available AS stock_available,
    stock.available * p.price AS stock_value,
    sales.average_daily_sales,
    p.ozon_created_at,
    p.ozon_updated_at,
    p.first_seen_at,
    p.changed_at
FROM ozon.products p
LEFT JOIN LATERAL (
    SELECT
        sum(i.present)::bigint AS present,
        sum(i.reserved)::bigint AS reserved,
        sum(greatest(i.available, 0))::bigint AS available
    FROM ozon.inventory i
    WHERE i.account = p.account AND i.product_id = p.product_id
) stock ON true
LEFT JOIN LATERAL (
    SELECT sum(f.average_daily_sales) AS average_daily_sales
    FROM ozon.fbo_stock_requests f
    WHERE f.account = p.account AND f.product_id = p.product_id
) sales ON true
WHERE p.removed_at IS NULL;

CREATE VIEW ozon_bi.hidden_reasons AS
SELECT
    p.account,
    p.product_id,
    p.offer_id,
    p.name,
    p.visibility,
    p.visibility_changed_at,
    reason.text AS reason
FROM ozon.products p
CROSS JOIN LATERAL unnest(p.hidden_reasons) AS reason (text)
WHERE p.removed_at IS NULL AND p.visibility NOT IN ('VISIBLE', 'ARCHIVED');
"""

_STOCK = """
CREATE VIEW ozon_bi.stock AS
SELECT
    i.account,
    i.product_id,
    p.offer_id,
    p.name,
    p.visibility,
    i.stock_type,
    i.sku,
    i.present,
    i.reserved,
    greatest(i.available, 0) AS available,
    p.price,
    p.currency_code,
    greatest(i.available, 0) * p.price AS value,
    i.changed_at
FROM ozon.inventory i
JOIN ozon.products p ON p.account = i.account AND p.product_id = i.product_id
WHERE p.removed_at IS NULL;

CREATE VIEW ozon_bi.stock_by_warehouse AS
SELECT
    w.account,
    w.product_id,
    p.offer_id,
    p.name,
    p.visibility,
    w.stock_type,
    w.warehouse_id,
    w.warehouse_name,
    w.present,
    w.reserved,
    greatest(w.available, 0) AS available,
    w.average_daily_sales,
    w.days_of_stock,
    w.fetched_at
FROM ozon.inventory_by_warehouse w
JOIN ozon.products p ON p.account = w.account AND p.product_id = w.product_id
WHERE p.removed_at IS NULL;

CREATE VIEW ozon_bi.stock_history AS
SELECT
    h.account,
    h.product_id,
    p.offer_id,
    p.name,
    h.stock_type,
    h.sku,
    h.changed_at,
    h.previous_present,
    h.present,
    h.present - h.previous_present AS difference,
    h.previous_reserved,
    h.reserved,
    greatest(h.available, 0) AS available
FROM ozon.inventory_history h
LEFT JOIN ozon.products p ON p.account = h.account AND p.product_id = h.product_id;
"""

# Prices of two currencies are not compared. The former row is looked up only if change_pct is selected.
_HISTORY = """
CREATE VIEW ozon_bi.price_history AS
SELECT
    h.account,
    h.product_id,
    p.offer_id,
    p.name,
    h.valid_from,
    h.valid_to,
    h.valid_to IS NULL AS is_current,
    h.price,
    h.old_price,
    h.currency_code,
    h.previous_price,
    CASE WHEN h.price <> h.previous_price AND h.currency_code = (
        SELECT former.currency_code
        FROM ozon.product_price_history former
        WHERE former.account = h.account AND former.product_id = h.product_id AND former.valid_to = h.valid_from
    ) THEN round(100 * (h.price - h.previous_price) / nullif(h.previous_price, 0), 1) END AS change_pct
FROM ozon.product_price_history h
LEFT JOIN ozon.products p ON p.account = h.account AND p.product_id = h.product_id;

CREATE VIEW ozon_bi.visibility_history AS
SELECT
    h.account,
    h.product_id,
    p.offer_id,
    p.name,
    h.valid_from,
    h.valid_to,
    h.valid_to IS NULL AS is_current,
    h.visibility,
    h.previous_visibility,
    array_to_string(h.hidden_reasons, '; ') AS hidden_reasons,
    CASE WHEN p.removed_at IS NULL THEN p.visibility ELSE 'REMOVED' END AS visibility_now,
    array_to_string(p.hidden_reasons, '; ') AS hidden_reasons_now
FROM ozon.product_visibility_history h
LEFT JOIN ozon.products p ON p.account = h.account AND p.product_id = h.product_id;
"""

_METRICS = """
CREATE VIEW ozon_bi.visibility_metrics AS
SELECT
    account, measured_at,
    products, visible, hidden, moderation, declined, archived, unknown,
    visible_pct, hidden_pct, moderation_pct, declined_pct, archived_pct, unknown_pct, coverage_pct,
    turned_visible, turned_invisible, visible_without_stock, hidden_with_stock, quality_score
FROM ozon.visibility_metrics;

CREATE VIEW ozon_bi.visibility_money AS
SELECT
    m.account,
    m.measured_at,
    money.currency_code,
    (money.amounts ->> 'hidden_products')::bigint AS hidden_products,
    (money.amounts ->> 'hidden_units')::bigint AS hidden_pieces,
    (money.amounts ->> 'hidden_money')::numeric AS hidden_value,
    (money.amounts ->> 'lost_hidden')::numeric AS lost_per_day_hidden,
    (money.amounts ->> 'lost_without_stock')::numeric AS lost_per_day_without_stock,
    (money.amounts ->> 'lost_per_day')::numeric AS lost_per_day
FROM ozon.visibility_metrics m
CROSS JOIN LATERAL jsonb_each(m.impact) AS money (currency_code, amounts);
"""

_RECORDS = """
CREATE VIEW ozon_bi.loads AS
SELECT
    c.account, c.component, c.workflow_id, c.attempt, w.trigger, w.environment,
    c.status, c.started_at, c.finished_at, c.duration_seconds,
    c.rows_read, c.rows_inserted, c.rows_updated, c.rows_unchanged, c.rows_removed, c.rows_rejected,
    c.api_requests, c.api_retries, c.api_rate_limited, c.api_wait_seconds, c.error
FROM ozon.etl_component_executions c
JOIN ozon.etl_workflow_executions w ON w.workflow_id = c.workflow_id;

CREATE VIEW ozon_bi.rejected_items AS
SELECT
    r.account,
    r.component,
    r.workflow_id,
    r.attempt,
    r.n,
    c.started_at AS load_started_at,
    c.finished_at AS load_finished_at,
    r.kind,
    split_part(r.reason, ':', 1) AS field,
    r.reason
FROM ozon.rejected_items r
JOIN ozon.etl_component_executions c
    ON c.workflow_id = r.workflow_id AND c.component = r.component AND c.attempt = r.attempt;

CREATE VIEW ozon_bi.freshness AS
SELECT
    latest.account,
    latest.component,
    latest.loaded_at,
    round(extract(epoch FROM CURRENT_TIMESTAMP - latest.loaded_at) / 3600, 1) AS age_hours,
    latest.rows_read,
    latest.rows_changed,
    (
        SELECT count(*)
        FROM ozon.etl_component_executions later
        WHERE later.account = latest.account
          AND later.component = latest.component
          AND later.started_at > latest.started_at
          AND later.status = 'failed'
    ) AS failed_since
FROM (
    SELECT DISTINCT ON (account, component)
        account,
        component,
        started_at,
        finished_at AS loaded_at,
        rows_read,
        rows_inserted + rows_updated + rows_removed AS rows_changed
    FROM ozon.etl_component_executions
    WHERE status = 'success'
    ORDER BY account, component, started_at DESC
) latest;

CREATE VIEW ozon_bi.incidents AS
SELECT
    i.incident_id,
    i."group" AS rule_group,
    i.account,
    i.level,
    i.resolved_at IS NULL AS is_open,
    i.opened_at,
    i.resolved_at,
    round(extract(epoch FROM coalesce(i.resolved_at, CURRENT_TIMESTAMP) - i.opened_at) / 3600, 1) AS open_hours,
    i.acknowledged_at,
    i.acknowledged_by,
    i.note,
    (
        SELECT string_agg(a.message, E'\\n' ORDER BY a.opened_at, a.alert_id)
        FROM ozon.alerts a
        WHERE a.incident_id = i.incident_id AND (a.resolved_at IS NULL OR i.resolved_at IS NOT NULL)
    ) AS messages
FROM ozon.incidents i;
"""

# Without CASCADE: a view that somebody built on these is not dropped with them. A restored dump may lack the schema.
_BACK = """
DROP VIEW IF EXISTS
    ozon_bi.products, ozon_bi.hidden_reasons,
    ozon_bi.stock, ozon_bi.stock_by_warehouse, ozon_bi.stock_history,
    ozon_bi.price_history, ozon_bi.visibility_history,
    ozon_bi.visibility_metrics, ozon_bi.visibility_money,
    ozon_bi.loads, ozon_bi.rejected_items, ozon_bi.freshness, ozon_bi.incidents;
DROP SCHEMA IF EXISTS ozon_bi;
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA ozon_bi")
    for statements in (_PRODUCTS, _STOCK, _HISTORY, _METRICS, _RECORDS):
        op.execute(statements)


def downgrade() -> None:
    op.execute(_BACK)
