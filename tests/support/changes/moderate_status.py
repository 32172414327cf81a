"""Ozon's moderation status of a product."""

from alembic import op

revision = "9001"
down_revision = "HEAD"


def upgrade() -> None:
    op.execute("ALTER TABLE ozon.products ADD COLUMN moderate_status text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE ozon.products DROP COLUMN moderate_status")
