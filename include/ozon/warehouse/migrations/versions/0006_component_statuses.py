"""One column for the statuses of all components, and rules that are named after their component."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FORMER_COMPONENTS = ("product_etl", "inventory_etl")

_CONSTRAINT = "etl_component_executions_component_check"
_NEW_NAMES = {"products_age_hours": "product_etl_age_hours", "inventory_age_hours": "inventory_etl_age_hours"}


def upgrade() -> None:
    table = "ozon.etl_workflow_executions"
    op.execute(f"ALTER TABLE {table} ADD COLUMN component_statuses jsonb NOT NULL DEFAULT '{{}}'")
    pairs = ", ".join(f"'{component}', {component}_status" for component in _FORMER_COMPONENTS)
    op.execute(f"UPDATE {table} SET component_statuses = jsonb_strip_nulls(jsonb_build_object({pairs}))")
    for component in _FORMER_COMPONENTS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {component}_status")
    op.execute(f"ALTER TABLE ozon.etl_component_executions DROP CONSTRAINT {_CONSTRAINT}")
    _rename(_NEW_NAMES)


def downgrade() -> None:
    table = "ozon.etl_workflow_executions"
    for component in _FORMER_COMPONENTS:
        column = f"{component}_status"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} text")
        op.execute(f"UPDATE {table} SET {column} = component_statuses ->> '{component}'")
    op.execute(f"ALTER TABLE {table} DROP COLUMN component_statuses")
    op.execute(f"DELETE FROM ozon.etl_component_executions WHERE component NOT IN {_FORMER_COMPONENTS}")
    op.execute(
        f"ALTER TABLE ozon.etl_component_executions ADD CONSTRAINT {_CONSTRAINT} "
        f"CHECK (component IN {_FORMER_COMPONENTS})"
    )
    _rename({new: former for former, new in _NEW_NAMES.items()})


def _rename(names: dict[str, str]) -> None:
    for former, new in names.items():
        op.execute(f"UPDATE ozon.health_checks SET \"check\" = '{new}' WHERE \"check\" = '{former}'")
        op.execute(f"UPDATE ozon.alerts SET rule = '{new}' WHERE rule = '{former}'")
