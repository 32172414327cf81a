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

_OF_THE_CLUSTER = (
    "fbo: {} in the warehouse's cluster, so that warehouses of one cluster repeat it. Null in the seller's warehouses "
    "and where Ozon does not say. Of a whole SKU: in `fbo_stock_requests`."
)

_COMMENTS = {
    "TABLE ozon.fbo_stock_requests": "One row for each SKU whose stock in Ozon's warehouses was asked for, with how it "
    "sells. The longest unasked is asked for first.",
    "TABLE ozon.rejected_items": "One row for each entry of Ozon's that could not be loaded, and for each field that "
    "an entry was loaded without, also of an attempt that failed. A rejected product keeps the state that it had. "
    "Deleted after `maintenance.rejected_items_days`.",
    "COLUMN ozon.products.skus": "All of the product's SKUs, `sku` first: it may have one for each scheme of sale. "
    "Empty where it was never on sale.",
    "COLUMN ozon.products.has_fbo_stocks": "Whether the product lies in Ozon's warehouses, by the product list. Null "
    "where that does not say.",
    "COLUMN ozon.fbo_stock_requests.product_id": "The product that the SKU belongs to. Null until it is asked for "
    "again.",
    "COLUMN ozon.fbo_stock_requests.average_daily_sales": "Pieces of the SKU sold a day on average over 28 days, in "
    "all clusters. Null where Ozon does not say, or no longer.",
    "COLUMN ozon.fbo_stock_requests.days_of_stock": "For how many days Ozon expects the SKU's stock in all its "
    "warehouses to last. Null where Ozon does not say, or no longer.",
    "COLUMN ozon.inventory_by_warehouse.warehouse_id": "Ozon's id of the warehouse; 0 for FBO stock of which Ozon "
    "names only the cluster.",
    "COLUMN ozon.inventory_by_warehouse.average_daily_sales": _OF_THE_CLUSTER.format(
        "pieces sold a day on average over 28 days"
    ),
    "COLUMN ozon.inventory_by_warehouse.days_of_stock": _OF_THE_CLUSTER.format(
        "for how many days Ozon expects the stock to last"
    ),
    "COLUMN ozon.rejected_items.kind": "entry: could not be loaded, and is counted as rejected. field: the entry was "
    "loaded without it; the first 10,000 of an attempt.",
}

_DOWNGRADE = """
DELETE FROM ozon.rejected_items WHERE kind = 'field';
ALTER TABLE ozon.rejected_items DROP COLUMN kind;
ALTER TABLE ozon.fbo_stock_requests
    DROP COLUMN product_id, DROP COLUMN average_daily_sales, DROP COLUMN days_of_stock;
ALTER TABLE ozon.products DROP COLUMN skus, DROP COLUMN has_fbo_stocks;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    for what, comment in _COMMENTS.items():
        quoted = comment.replace("'", "''")
        op.execute(f"COMMENT ON {what} IS '{quoted}'")


def downgrade() -> None:
    op.execute(_DOWNGRADE)
