"""The record of a workflow's end, for each combination of its components' results."""

from __future__ import annotations

import pytest

from include.ozon.errors import MarketplaceUnavailableError
from include.ozon.pipeline import records
from tests.support.pipeline import Pipeline
from tests.support.records import record_attempt, record_workflow

# Component statuses (None: never started; running: killed), and the resulting status of the workflow.
ENDS: list[tuple[str | None, str | None, str]] = [
    ("success", "success", "success"),
    ("success", "failed", "failed"),
    ("success", "cancelled", "cancelled"),
    ("success", "skipped", "skipped"),
    ("success", "running", "failed"),
    ("success", None, "failed"),
    ("failed", None, "failed"),
    ("failed", "failed", "failed"),
    ("failed", "cancelled", "cancelled"),
    ("failed", "skipped", "skipped"),
    ("cancelled", None, "cancelled"),
    ("cancelled", "failed", "cancelled"),
    ("skipped", None, "skipped"),
    ("skipped", "failed", "skipped"),
    ("running", None, "failed"),
]


def record(pipeline: Pipeline, component: str, status: str | None, attempt: int = 1) -> None:
    if status is not None:
        error = None if status in {"success", "running"} else f"why it is {status}"
        record_workflow(pipeline.dsn, "run")
        record_attempt(pipeline.dsn, "run", component, attempt=attempt, status=status, error=error)


@pytest.mark.parametrize(("product", "inventory", "expected"), ENDS)
def test_a_workflows_end_follows_from_its_components(
    pipeline: Pipeline, product: str | None, inventory: str | None, expected: str
) -> None:
    record(pipeline, "product_etl", product)
    record(pipeline, "inventory_etl", inventory)

    assert pipeline.end() == expected

    workflow = pipeline.workflow()
    assert workflow["status"] == expected
    assert workflow["finished_at"] is not None
    assert workflow["duration_seconds"] >= 0
    after = {"running": "failed"}
    assert workflow["component_statuses"].get("product_etl") == (product and after.get(product, product))
    assert workflow["component_statuses"].get("inventory_etl") == (inventory and after.get(inventory, inventory))
    for status in (product, inventory):
        if status in {"failed", "cancelled", "skipped"}:
            assert f"why it is {status}" in workflow["error"]
        elif status == "running":
            assert "killed" in workflow["error"]
    assert (workflow["error"] is None) == ({product, inventory} <= {"success", None})


def test_the_last_attempt_counts(pipeline: Pipeline) -> None:
    record(pipeline, "product_etl", "failed")
    record(pipeline, "product_etl", "success", attempt=2)
    record(pipeline, "inventory_etl", "success")

    assert pipeline.end() == "success"
    assert pipeline.workflow()["error"] is None


def test_a_workflow_that_never_reached_the_warehouse_has_no_end(pipeline: Pipeline) -> None:
    assert pipeline.end() is None
    assert pipeline.rows("SELECT * FROM ozon.etl_workflow_executions") == []


def test_only_its_own_staging_is_dropped(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method="/v3/product/list", after=4)
    for account in ("main", "second"):
        with pytest.raises(MarketplaceUnavailableError):
            pipeline.products("other", account)
    before = pipeline.staging_tables()
    record(pipeline, "product_etl", "failed")

    pipeline.end()
    assert pipeline.staging_tables() == before

    pipeline.end("other")
    assert pipeline.staging_tables() == {name for name in before if name.startswith("second_")}


def test_attempts_of_other_workflows_are_not_closed(pipeline: Pipeline) -> None:
    record(pipeline, "product_etl", "running")
    pipeline.load("other", "second")

    pipeline.end("other", "second")

    assert pipeline.attempts()[0]["status"] == "running"


def test_a_run_that_is_started_again_opens_its_record_again(pipeline: Pipeline) -> None:
    pipeline.load()
    ended = pipeline.workflow()["finished_at"]

    pipeline.products()
    workflow = pipeline.workflow()
    assert (workflow["status"], workflow["finished_at"]) == ("running", None)

    pipeline.inventory()
    assert pipeline.end() == "success"
    assert pipeline.workflow()["finished_at"] > ended


def test_completely_loaded_accounts_are_those_of_this_run(pipeline: Pipeline) -> None:
    pipeline.load("run")
    pipeline.products("run", "second")
    pipeline.end("run", "second")
    pipeline.load("before", "second")

    with pipeline.connect() as connection:
        loaded = records.loaded_accounts(connection, "run")

    assert loaded.keys() == {"main"}
    changed = sum(pipeline.attempts(component)[0]["rows_inserted"] for component in ("product_etl", "inventory_etl"))
    assert loaded["main"] == changed > 0
