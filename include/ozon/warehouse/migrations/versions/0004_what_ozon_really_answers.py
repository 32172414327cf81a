"""Several SKUs of a product, FBO by the product list, one rate of sales for a SKU, and fields that were left out."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE ozon.products
    ADD COLUMN skus bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN has_fbo_stocks boolean;
UPDATE ozon.products SET skus = ARRAY[sku] WHERE sku IS NOT NULL;

ALTER TABLE ozon.fbo_stock_requests
    ADD COLUMN product_id bigint,
    ADD COLUMN average_daily_sales numeric,
    ADD COLUMN days_of_stock numeric;
CREATE INDEX fbo_stock_requests_by_product ON ozon.fbo_stock_requests (account, product_id);

-- These were the SKU's, repeated in each of its rows; the next load brings the cluster's.
UPDATE ozon.inventory_by_warehouse SET average_daily_sales = NULL, days_of_stock = NULL
WHERE average_daily_sales IS NOT NULL OR days_of_stock IS NOT NULL;

ALTER TABLE ozon.rejected_items
    ADD COLUMN kind text NOT NULL DEFAULT 'entry' CHECK (kind IN ('entry', 'field'));
"""

_DOWNGRADE = """
DELETE FROM ozon.rejected_items WHERE kind = 'field';
ALTER TABLE ozon.rejected_items DROP COLUMN kind;
ALTER TABLE ozon.fbo_stock_requests
    DROP COLUMN product_id, DROP COLUMN average_daily_sales, DROP COLUMN days_of_stock;
ALTER TABLE ozon.products DROP COLUMN skus, DROP COLUMN has_fbo_stocks;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
