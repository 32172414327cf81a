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


def upgrade() -> None:
    op.execute(_TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE ozon.product_price_history")
