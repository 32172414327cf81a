"""A health check's parts are areas, and a check that failed itself has a status of its own."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = "ozon.health_checks"
_PREFIX = "Could not be measured: "


def upgrade() -> None:
    _rename("component", "area")
    _allow("ok", "warning", "critical", "unknown", "error")
    op.execute(
        f"UPDATE {_TABLE} SET status = 'error', message = regexp_replace(message, '^{_PREFIX}', '') "
        "WHERE status = 'unknown' AND starts_with(message, 'Could not be measured')"
    )


def downgrade() -> None:
    op.execute(f"UPDATE {_TABLE} SET status = 'unknown', message = '{_PREFIX}' || message WHERE status = 'error'")
    _allow("ok", "warning", "critical", "unknown")
    _rename("area", "component")


def _rename(former: str, name: str) -> None:
    op.execute(f"ALTER TABLE {_TABLE} RENAME COLUMN {former} TO {name}")
    key = "health_checks_measured_at_{}_check_account_key"
    op.execute(f"ALTER TABLE {_TABLE} RENAME CONSTRAINT {key.format(former)} TO {key.format(name)}")


def _allow(*statuses: str) -> None:
    listed = ", ".join(f"'{status}'" for status in statuses)
    op.execute(f"ALTER TABLE {_TABLE} DROP CONSTRAINT IF EXISTS health_checks_status_check")
    op.execute(f"ALTER TABLE {_TABLE} ADD CONSTRAINT health_checks_status_check CHECK (status IN ({listed}))")
