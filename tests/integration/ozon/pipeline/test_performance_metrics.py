"""The records contain the cost of a load: time, memory, requests, and waits for the API."""

from __future__ import annotations

import pytest

from include.ozon.errors import MarketplaceUnavailableError
from include.ozon.pipeline.numbers import ComponentNumbers
from tests.support.pipeline import Pipeline, Row, changed

COMPONENTS = ("product_etl", "inventory_etl")


def as_recorded(numbers: ComponentNumbers) -> Row:
    return {name: value for name, value in vars(numbers).items() if name not in {"details", "seconds", "rows_written"}}


def test_the_records_contain_the_numbers(pipeline: Pipeline) -> None:
    products, inventory = pipeline.products(), pipeline.inventory()

    for component, numbers in zip(COMPONENTS, (products, inventory), strict=True):
        (record,) = pipeline.attempts(component)
        assert record["status"] == "success"
        assert {name: record[name] for name in as_recorded(numbers)} == as_recorded(numbers)
        assert record["api_requests"] > 0
        assert record["peak_memory_mb"] > 0
    assert products.api_requests + inventory.api_requests == sum(pipeline.requests().values())


def test_durations_are_the_time_between_the_moments_and_add_up(pipeline: Pipeline) -> None:
    pipeline.load()

    attempts = [attempt for component in COMPONENTS for attempt in pipeline.attempts(component)]
    workflow = pipeline.workflow()
    for record in (*attempts, workflow):
        assert record["duration_seconds"] == (record["finished_at"] - record["started_at"]).total_seconds() > 0
    assert sum(attempt["duration_seconds"] for attempt in attempts) <= workflow["duration_seconds"]


def test_waits_requested_by_ozon_are_counted(pipeline: Pipeline) -> None:
    pipeline.settings = changed(pipeline.settings, "api", attempts=3)
    pipeline.sandbox.fault("rate_limited", method="/v3/product/list", times=1, retry_after_seconds=1)

    pipeline.load()

    product, inventory = (pipeline.attempts(component)[0] for component in COMPONENTS)
    assert (product["api_retries"], inventory["api_retries"]) == (1, 0)
    assert product["duration_seconds"] >= product["api_wait_seconds"] >= 1
    assert inventory["api_wait_seconds"] < 1


def test_a_failed_attempt_has_its_own_numbers(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method="/v3/product/info/list", after=2, times=1)
    with pytest.raises(MarketplaceUnavailableError):
        pipeline.products()
    asked = sum(pipeline.requests().values())

    pipeline.load()

    failed, loaded = pipeline.attempts("product_etl")
    (inventory,) = pipeline.attempts("inventory_etl")
    assert failed["api_requests"] == asked > 0
    assert failed["duration_seconds"] > 0
    assert failed["peak_memory_mb"] > 0
    assert failed["rows_inserted"] == 0
    everything = failed["api_requests"] + loaded["api_requests"] + inventory["api_requests"]
    assert everything == sum(pipeline.requests().values())
