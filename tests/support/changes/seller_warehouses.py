"""The seller's warehouses."""

from alembic import op

revision = "9001"
down_revision = "HEAD"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE ozon.seller_warehouses (account text, warehouse_id bigint, name text NOT NULL, "
        "workflow_id text NOT NULL, PRIMARY KEY (account, warehouse_id))"
    )


def downgrade() -> None:
    op.execute("DROP TABLE ozon.seller_warehouses")
