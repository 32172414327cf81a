"""A whole workflow: the warehouse agrees with the marketplace, whatever has changed there."""

from __future__ import annotations

from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline


def test_two_accounts_in_one_warehouse_agree_with_the_marketplace_over_time(pipeline: Pipeline) -> None:
    for number, ticks in enumerate((0, 1, 4)):
        if ticks:
            pipeline.sandbox.tick(ticks)
        for account in ("main", "second"):
            assert pipeline.load(f"run {number}", account) == "success"
        for account in ("main", "second"):
            assert_agreement(pipeline, account)


def test_a_finished_workflow_is_recorded_and_leaves_no_staging(pipeline: Pipeline) -> None:
    assert pipeline.load() == "success"

    workflow = pipeline.workflow()
    assert {workflow["status"], *workflow["component_statuses"].values()} == {"success"}
    assert (workflow["account"], workflow["dag_run_id"], workflow["trigger"]) == ("main", "run", "manual")
    assert workflow["error"] is None
    assert pipeline.staging_tables() == set()
    assert pipeline.value("SELECT count(*) FROM ozon_staging.loads") == 0
    assert pipeline.rejected() == []


def test_products_that_are_gone_are_marked_and_keep_their_last_values(pipeline: Pipeline) -> None:
    pipeline.load("before")
    before = pipeline.truth()
    pipeline.sandbox.tick()

    pipeline.load("after")

    gone = before.keys() - pipeline.truth().keys()
    removed = pipeline.rows("SELECT * FROM ozon.products WHERE removed_at IS NOT NULL")
    assert gone
    assert {row["product_id"]: row["name"] for row in removed} == {
        product_id: before[product_id]["name"] for product_id in gone
    }
    assert {row["workflow_id"] for row in removed} == {"after/main"}


def test_the_moments_of_ozon_are_kept_as_moments(pipeline: Pipeline) -> None:
    pipeline.products()

    answer = pipeline.sandbox.post("/v3/product/info/list", {"product_id": list(pipeline.truth())})

    expected = {item["id"]: (item["created_at"], item["updated_at"]) for item in answer.json()["items"]}
    rows = pipeline.rows("SELECT product_id, ozon_created_at AS created, ozon_updated_at AS updated FROM ozon.products")
    assert expected.keys() == {row["product_id"] for row in rows}
    for row in rows:
        found = (row["created"].isoformat(), row["updated"].isoformat())
        assert [moment[:19] for moment in found] == [moment[:19] for moment in expected[row["product_id"]]]
