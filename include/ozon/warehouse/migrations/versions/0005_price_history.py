"""The history of prices, beginning with those of the moment of the upgrade."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE ozon.product_price_history (
    account       text        NOT NULL,
    product_id    bigint      NOT NULL,
    valid_from    timestamptz NOT NULL,
    price         numeric,
    old_price     numeric,
    currency_code text        NOT NULL,
    valid_to      timestamptz,
    workflow_id   text        NOT NULL,
    PRIMARY KEY (account, product_id, valid_from)
);
CREATE INDEX product_price_history_by_start ON ozon.product_price_history (account, valid_from);

-- What is known of the time before is when the product was last changed in any way: no sooner than then.
INSERT INTO ozon.product_price_history (
    account, product_id, valid_from, price, old_price, currency_code, valid_to, workflow_id
)
SELECT account, product_id, changed_at, price, old_price, currency_code, NULL, workflow_id
FROM ozon.products
WHERE removed_at IS NULL;
"""

_COMMENTS = {
    "TABLE ozon.product_price_history": "One row for each time that a product had one price, with the price before "
    "the discount. A load that finds another one ends the row and adds the next; a removed product's last row is "
    "ended, and a product that returns begins a new one. A product that was loaded before there was this table begins "
    "when it last changed. Rows that ended longer ago than `maintenance.history_days` are deleted.",
    "COLUMN ozon.product_price_history.account": "The account, by its name in the configuration.",
    "COLUMN ozon.product_price_history.product_id": "Ozon's id of the product.",
    "COLUMN ozon.product_price_history.valid_from": "From when on it had this price: the moment of the load that "
    "noticed.",
    "COLUMN ozon.product_price_history.price": "What customers paid from then on. Null where no price was set.",
    "COLUMN ozon.product_price_history.old_price": "The price before the discount. Null where there was none.",
    "COLUMN ozon.product_price_history.currency_code": "The currency of both; empty where Ozon sent none.",
    "COLUMN ozon.product_price_history.valid_to": "Until when, the moment itself not included. Null while it is "
    "current.",
    "COLUMN ozon.product_price_history.workflow_id": "The workflow that noticed the price.",
}


def upgrade() -> None:
    op.execute(_TABLE)
    for what, comment in _COMMENTS.items():
        quoted = comment.replace("'", "''")
        op.execute(f"COMMENT ON {what} IS '{quoted}'")


def downgrade() -> None:
    op.execute("DROP TABLE ozon.product_price_history")
