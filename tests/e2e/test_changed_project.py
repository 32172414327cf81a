"""Additions that need one place only: a component of the load, a column of a data table."""

from __future__ import annotations

import pytest

from include.ozon_sandbox.process import SandboxProcess
from tests.support.changed_project import ChangedProject
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.long

COMPONENTS = ["product_etl", "inventory_etl", "warehouses_etl"]
# Only the third component requests the list of warehouses.
ONLY_THIRD_COMPONENT_LISTS_WAREHOUSES = {
    "OZON__INVENTORY__SELLER_WAREHOUSES": "false",
    "OZON__RETRY__RETRIES": "0",
}

MIGRATION = """
from alembic import op

revision = "9001"
down_revision = "HEAD"


def upgrade():
    op.execute("ALTER TABLE ozon.products ADD COLUMN moderate_status text NOT NULL DEFAULT ''")
"""


@pytest.fixture
def third_component(project: ChangedProject) -> ChangedProject:
    project.follow("Add a component")
    return project


def test_a_third_component_is_one_module_and_a_migration(
    third_component: ChangedProject, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    done = third_component.load()

    assert done.exit_code == 0, done.output
    workflows = warehouse.rows("SELECT * FROM ozon.etl_workflow_executions ORDER BY account")
    assert [workflow["status"] for workflow in workflows] == ["success", "success"]
    for workflow in workflows:
        assert workflow["component_statuses"] == dict.fromkeys(COMPONENTS, "success")
        attempts = warehouse.rows(
            "SELECT component, rows_read, rows_inserted, rows_rejected FROM ozon.etl_component_executions "
            f"WHERE workflow_id = '{workflow['workflow_id']}' ORDER BY started_at"
        )
        assert [attempt["component"] for attempt in attempts] == COMPONENTS
        loaded = warehouse.value(f"SELECT count(*) FROM ozon.seller_warehouses WHERE account = '{workflow['account']}'")
        assert attempts[-1]["rows_read"] == attempts[-1]["rows_inserted"] == loaded > 0
    assert warehouse.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'ozon_staging'") == 1

    shown = third_component.ozon_json("runs", "--output", "json")
    named = [[component["component"] for component in workflow["components"]] for workflow in shown["workflows"]]
    assert named == [COMPONENTS, COMPONENTS]
    found = third_component.ozon_json("health", "--checks", "data,api,deadlines", "--output", "json")
    checks = [check for area in found["areas"] for check in area["checks"]]
    statuses = {(check["check"], check["account"]): check["status"] for check in checks}
    for check in ("warehouses_etl_age_hours", "warehouses_etl_minutes", "api_methods"):
        assert statuses[check, "main"] == statuses[check, "second"] == "ok", check
    assert "components.warehouses_etl.timeout_minutes" in third_component.ozon("config", "show")


def test_a_guard_that_stops_a_third_component_fails_the_workflow(
    third_component: ChangedProject, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    sandbox.fault("drop_field", method="/v2/warehouse/list", field="warehouse_id", probability=1, account="main")

    assert third_component.load(**ONLY_THIRD_COMPONENT_LISTS_WAREHOUSES).exit_code == 1

    failed, loaded = warehouse.rows("SELECT * FROM ozon.etl_workflow_executions ORDER BY account")
    assert (failed["status"], loaded["status"]) == ("failed", "success")
    assert failed["component_statuses"] == {
        "product_etl": "success", "inventory_etl": "success", "warehouses_etl": "failed",
    }  # fmt: skip
    assert failed["error"].startswith("warehouses_etl: ")
    assert warehouse.value("SELECT count(*) FROM ozon.seller_warehouses WHERE account = 'main'") == 0
    assert warehouse.value("SELECT count(*) FROM ozon.rejected_items WHERE component = 'warehouses_etl'") > 0
    assert warehouse.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'ozon_staging'") == 1


def test_a_column_of_the_products_is_added_in_one_place(
    project: ChangedProject, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    project.edit(
        "include/ozon/warehouse/tables/products.py",
        '        Column(\n            "has_fbo_stocks",',
        '        Column(\n            "moderate_status",\n            "text",\n            "Ozon\'s word.",\n'
        '            lambda product: _statuses(product).moderate_status or "",\n        ),\n'
        '        Column(\n            "has_fbo_stocks",',
    )
    project.add_migration(MIGRATION)
    project.ozon("db", "upgrade")
    query = "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attname = 'moderate_status'"
    assert warehouse.value(query) == "Ozon's word."

    assert project.load().exit_code == 0
    assert warehouse.value("SELECT count(DISTINCT moderate_status) FROM ozon.products") > 1

    before = warehouse.rows("SELECT product_id, changed_at FROM ozon.products ORDER BY account, product_id")
    warehouse.execute("UPDATE ozon.products SET moderate_status = 'another' WHERE product_id % 2 = 0")
    assert project.load().exit_code == 0
    assert warehouse.value("SELECT count(*) FROM ozon.products WHERE moderate_status = 'another'") == 0
    after = warehouse.rows("SELECT product_id, changed_at FROM ozon.products ORDER BY account, product_id")
    changed = {row["product_id"] for row in after} - {row["product_id"] for row in after if row in before}
    assert changed == {row["product_id"] for row in before if row["product_id"] % 2 == 0}
