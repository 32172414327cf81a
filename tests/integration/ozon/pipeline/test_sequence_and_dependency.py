"""inventory_etl needs a successful product_etl of the same workflow, according to the database."""

from __future__ import annotations

import pytest

from include.ozon.errors import DependencyError, GuardStoppedError, MarketplaceUnavailableError
from tests.support.pipeline import Pipeline


def test_the_records_show_one_component_after_the_other(pipeline: Pipeline) -> None:
    pipeline.load()

    (product,), (inventory,) = pipeline.attempts("product_etl"), pipeline.attempts("inventory_etl")
    workflow = pipeline.workflow()
    moments = (
        workflow["started_at"],
        product["started_at"],
        product["finished_at"],
        inventory["started_at"],
        inventory["finished_at"],
        workflow["finished_at"],
    )
    assert list(moments) == sorted(moments)


def test_inventory_etl_refuses_to_start_before_product_etl(pipeline: Pipeline) -> None:
    with pytest.raises(DependencyError, match="no attempt of it") as refused:
        pipeline.inventory()

    assert pipeline.requests() == {}
    (attempt,) = pipeline.attempts("inventory_etl")
    assert (attempt["status"], attempt["error"]) == ("failed", str(refused.value))
    assert pipeline.end() == "failed"


def test_inventory_etl_refuses_to_follow_a_failed_product_etl(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("empty_catalogue")
    with pytest.raises(GuardStoppedError):
        pipeline.products()
    good = pipeline.versions("inventory")

    with pytest.raises(DependencyError, match="found it failed") as refused:
        pipeline.inventory()

    assert "guard empty_catalogue" in str(refused.value)
    assert pipeline.attempts("inventory_etl")[0]["error"] == str(refused.value)
    assert pipeline.versions("inventory") == good


def test_a_success_of_another_run_does_not_count(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.products("run", "second")

    with pytest.raises(DependencyError):
        pipeline.inventory()


def test_a_refused_inventory_etl_does_not_use_another_runs_staging(pipeline: Pipeline) -> None:
    pipeline.products("other")
    pipeline.sandbox.fault("drop_field", method="/v4/product/info/stocks", field="stocks.present", share=0.1)
    pipeline.sandbox.fault("server_error", method="/v2/warehouse/list")
    with pytest.raises(MarketplaceUnavailableError):
        pipeline.inventory("other")
    kept = pipeline.rejected()
    assert kept
    staged = pipeline.staging_tables()

    with pytest.raises(DependencyError):
        pipeline.inventory()

    assert pipeline.rejected() == kept
    assert pipeline.staging_tables() == staged
