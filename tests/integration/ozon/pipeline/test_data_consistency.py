"""All tables are consistent after any number of good and bad runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ozon.errors import OzonError
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.metrics.store import save
from include.ozon.warehouse.session import open_session
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline, changed

# For each history, the columns that its current row shares with the product, and a change to the product alone.
HISTORIES = {
    "visibility": (
        "(h.visibility, h.valid_from) IS DISTINCT FROM (p.visibility, p.visibility_changed_at)",
        "visibility = CASE visibility WHEN 'HIDDEN' THEN 'DECLINED' ELSE 'HIDDEN' END",
    ),
    "price": (
        "(h.price, h.old_price, h.currency_code) IS DISTINCT FROM (p.price, p.old_price, p.currency_code)",
        "old_price = coalesce(old_price, 0) + 1",
    ),
}

# Each statement finds rows that contradict another table; its name describes the contradiction.
CONTRADICTIONS = {
    "stock of a product that is not in products": """
        SELECT * FROM ozon.inventory i
        WHERE NOT EXISTS (SELECT FROM ozon.products p WHERE (p.account, p.product_id) = (i.account, i.product_id))""",
    "stock in a warehouse of a product that is not in products": """
        SELECT * FROM ozon.inventory_by_warehouse w
        WHERE NOT EXISTS (SELECT FROM ozon.products p WHERE (p.account, p.product_id) = (w.account, w.product_id))""",
    "stock that is not what its last change says": """
        SELECT * FROM ozon.inventory i
        JOIN LATERAL (
            SELECT present, reserved FROM ozon.inventory_history h
            WHERE (h.account, h.product_id, h.stock_type, h.sku) = (i.account, i.product_id, i.stock_type, i.sku)
            ORDER BY h.changed_at DESC LIMIT 1
        ) last ON true
        WHERE (last.present, last.reserved) IS DISTINCT FROM (i.present, i.reserved)""",
    "stock without any change that brought it": """
        SELECT * FROM ozon.inventory i
        WHERE NOT EXISTS (
            SELECT FROM ozon.inventory_history h
            WHERE (h.account, h.product_id, h.stock_type, h.sku) = (i.account, i.product_id, i.stock_type, i.sku))""",
    "a change of stock that is none": """
        SELECT * FROM ozon.inventory_history
        WHERE (present, reserved) IS NOT DISTINCT FROM (previous_present, previous_reserved)""",
    "a row written by a workflow that has no record": """
        SELECT workflow_id FROM (
            SELECT workflow_id, account FROM ozon.products
            UNION SELECT workflow_id, account FROM ozon.product_visibility_history
            UNION SELECT workflow_id, account FROM ozon.product_price_history
            UNION SELECT workflow_id, account FROM ozon.inventory
            UNION SELECT workflow_id, account FROM ozon.inventory_history
        ) written
        WHERE NOT EXISTS (
            SELECT FROM ozon.etl_workflow_executions w
            WHERE (w.workflow_id, w.account) = (written.workflow_id, written.account))""",
    "a row written by a workflow none of whose attempts succeeded": """
        SELECT DISTINCT workflow_id FROM ozon.products p
        WHERE NOT EXISTS (
            SELECT FROM ozon.etl_component_executions c
            WHERE c.workflow_id = p.workflow_id AND c.component = 'product_etl' AND c.status = 'success')""",
    "a record whose numbers do not add up": """
        SELECT * FROM ozon.etl_component_executions
        WHERE status = 'success'
            AND rows_read <> rows_inserted + rows_updated + rows_unchanged + rows_rejected""",
    "a record that counts other rejected items than are kept": """
        SELECT c.workflow_id, c.component, c.attempt
        FROM ozon.etl_component_executions c
        LEFT JOIN ozon.rejected_items r
            ON (r.workflow_id, r.component, r.attempt) = (c.workflow_id, c.component, c.attempt) AND r.kind = 'entry'
        WHERE c.status = 'success'
        GROUP BY c.workflow_id, c.component, c.attempt, c.rows_rejected
        HAVING count(r.n) <> c.rows_rejected""",
    "a workflow that disagrees with its last attempts": """
        SELECT * FROM ozon.etl_workflow_executions w
        WHERE component_statuses IS DISTINCT FROM (
            SELECT jsonb_object_agg(component, status) FROM (
                SELECT DISTINCT ON (component) component, status FROM ozon.etl_component_executions c
                WHERE c.workflow_id = w.workflow_id ORDER BY component, attempt DESC
            ) latest
        )""",
    "a record without its end": """
        SELECT workflow_id FROM ozon.etl_workflow_executions WHERE finished_at IS NULL
        UNION ALL SELECT workflow_id FROM ozon.etl_component_executions WHERE finished_at IS NULL""",
    "metrics that are not the products'": """
        SELECT * FROM ozon.visibility_metrics m
        WHERE measured_at = (SELECT max(measured_at) FROM ozon.visibility_metrics l WHERE l.account = m.account)
            AND products <> (
                SELECT count(*) FROM ozon.products p WHERE p.account = m.account AND p.removed_at IS NULL)""",
    "the last load's visibility counts that are not the products'": """
        SELECT c.account, counted.visibility
        FROM (
            SELECT DISTINCT ON (account) account, visibility_counts FROM ozon.etl_component_executions
            WHERE component = 'product_etl' AND status = 'success' ORDER BY account, started_at DESC
        ) c
        CROSS JOIN LATERAL jsonb_each_text(c.visibility_counts) AS counted(visibility, products)
        WHERE counted.products::bigint <> (
            SELECT count(*) FROM ozon.products p
            WHERE p.account = c.account AND p.visibility = counted.visibility AND p.removed_at IS NULL)""",
}

SPOILS: dict[str, str] = {}
for name, (differs, change) in HISTORIES.items():
    table = f"ozon.product_{name}_history"
    CONTRADICTIONS |= {
        f"a listed product without exactly one current {name}": f"""
            SELECT p.account, p.product_id
            FROM ozon.products p
            LEFT JOIN {table} h ON (h.account, h.product_id) = (p.account, p.product_id) AND h.valid_to IS NULL
            WHERE p.removed_at IS NULL
            GROUP BY p.account, p.product_id
            HAVING count(h.valid_from) <> 1""",
        f"a removed product whose last {name} did not end with it": f"""
            SELECT * FROM ozon.products p
            WHERE p.removed_at IS NOT NULL AND p.removed_at IS DISTINCT FROM (
                SELECT max(coalesce(h.valid_to, 'infinity')) FROM {table} h
                WHERE (h.account, h.product_id) = (p.account, p.product_id))""",
        f"a current {name} that is not the product's": f"""
            SELECT * FROM ozon.products p JOIN {table} h USING (account, product_id)
            WHERE h.valid_to IS NULL AND {differs}""",
        f"rows of {name} that overlap": f"""
            SELECT * FROM {table} a JOIN {table} b USING (account, product_id)
            WHERE a.valid_from < b.valid_from AND coalesce(a.valid_to, 'infinity') > b.valid_from""",
    }
    SPOILS |= {
        f"a listed product without exactly one current {name}": f"UPDATE {table} SET valid_to = now()",
        f"a removed product whose last {name} did not end with it": f"UPDATE {table} SET valid_to = NULL",
        f"a current {name} that is not the product's": f"UPDATE ozon.products SET {change}",
        f"rows of {name} that overlap": f"UPDATE {table} SET valid_to = NULL",
    }


@pytest.fixture
def lived_in(pipeline: Pipeline) -> Pipeline:
    """A warehouse after good runs, a failed, a stopped and a repeated one, a rejected item, and measurements."""
    pipeline.settings = changed(pipeline.settings, "guards.rejected", threshold_pct=50)
    accounts, sandbox = ("main", "second"), pipeline.sandbox

    def load(dag_run_id: str) -> None:
        for account in accounts:
            pipeline.load(dag_run_id, account)

    load("first")
    sandbox.tick()
    load("moved on")
    for fault in ("server_error", "empty_catalogue"):
        sandbox.fault(fault, account="main")
        with pytest.raises(OzonError):
            pipeline.products("bad")
        sandbox.clear_faults()
    assert pipeline.end("bad") == "failed"
    sandbox.tick(2)
    sandbox.fault("set_field", method="/v3/product/info/list", field="id", value="none", share=0.02)
    sandbox.fault("set_field", method="/v3/product/info/list", field="price", value="minus one", share=0.04)
    load("with rejected items")
    sandbox.clear_faults()
    sandbox.fault("vanish_share", share=0.1)
    load("with vanished products")
    sandbox.clear_faults()
    sandbox.tick()
    load("last")
    load("last")
    for account in accounts:
        with open_session(pipeline.connect, pipeline.settings.warehouse, "test") as connection:
            save(connection, measure(connection, account, datetime.now(tz=UTC), pipeline.settings, None))
    return pipeline


def test_no_table_contradicts_another(lived_in: Pipeline) -> None:
    found = {name: rows for name, query in CONTRADICTIONS.items() if (rows := lived_in.rows(query))}

    assert found == {}
    # The checked tables must not be empty, or the statements would never find anything.
    for table in ("inventory_by_warehouse", "inventory_history", "rejected_items", "visibility_metrics"):
        assert lived_in.value(f"SELECT count(*) FROM ozon.{table}") > 0
    assert lived_in.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NOT NULL") > 0
    for account in ("main", "second"):
        assert_agreement(lived_in, account)


# For each statement, one wrong row that it has to find.
SPOILS |= {
    "stock of a product that is not in products": "UPDATE ozon.inventory SET product_id = -product_id",
    "stock in a warehouse of a product that is not in products": (
        "UPDATE ozon.inventory_by_warehouse SET product_id = -product_id"
    ),
    "stock that is not what its last change says": "UPDATE ozon.inventory SET present = present + 1",
    "stock without any change that brought it": "DELETE FROM ozon.inventory_history",
    "a change of stock that is none": (
        "UPDATE ozon.inventory_history SET previous_present = present, previous_reserved = reserved"
    ),
    "a row written by a workflow that has no record": "UPDATE ozon.inventory SET workflow_id = 'nobody/main'",
    "a row written by a workflow none of whose attempts succeeded": "UPDATE ozon.products SET workflow_id = 'bad/main'",
    "a record whose numbers do not add up": "UPDATE ozon.etl_component_executions SET rows_read = rows_read + 1",
    "a record that counts other rejected items than are kept": "DELETE FROM ozon.rejected_items",
    "a workflow that disagrees with its last attempts": (
        "UPDATE ozon.etl_workflow_executions SET component_statuses = component_statuses - 'inventory_etl'"
    ),
    "a record without its end": "UPDATE ozon.etl_workflow_executions SET finished_at = NULL",
    "metrics that are not the products'": "UPDATE ozon.visibility_metrics SET products = products + 1",
    "the last load's visibility counts that are not the products'": (
        "UPDATE ozon.products SET removed_at = now() WHERE visibility = 'VISIBLE'"
    ),
}


def test_each_statement_finds_its_contradiction(lived_in: Pipeline) -> None:
    assert SPOILS.keys() == CONTRADICTIONS.keys()
    blind = []
    for name, spoil in SPOILS.items():
        with lived_in.connect() as connection:
            connection.execute(spoil.encode())
            if not connection.execute(CONTRADICTIONS[name].encode()).fetchall():
                blind.append(name)
            connection.rollback()
    assert blind == []
