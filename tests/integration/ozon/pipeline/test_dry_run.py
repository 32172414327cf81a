"""A dry run shows what a load would change, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.ozon.errors import GuardStoppedError, MarketplaceUnavailableError
from include.ozon.pipeline.numbers import ComponentNumbers
from tests.support.pipeline import Pipeline, changed


def counted(numbers: ComponentNumbers) -> dict[str, Any]:
    different = {"api_wait_seconds", "seconds", "rows_written"}
    return {name: value for name, value in vars(numbers).items() if name not in different}


def both(pipeline: Pipeline, **options: Any) -> tuple[ComponentNumbers, ComponentNumbers]:
    return pipeline.products("run", **options), pipeline.inventory("run", **options)


def leaves_no_trace(pipeline: Pipeline, act: Callable[[], None]) -> None:
    before = pipeline.everything()
    act()
    assert pipeline.everything() == before


def test_an_empty_warehouse_shows_the_first_loads_changes(pipeline: Pipeline) -> None:
    reports: list[ComponentNumbers] = []

    leaves_no_trace(pipeline, lambda: reports.extend(both(pipeline, dry_run=True)))

    assert [counted(numbers) for numbers in reports] == [counted(numbers) for numbers in both(pipeline)]
    assert reports[0].rows_inserted == len(pipeline.truth())


def test_a_loaded_warehouse_shows_the_next_loads_changes(pipeline: Pipeline) -> None:
    pipeline.settings = changed(pipeline.settings, "inventory", ozon_warehouses=True)
    pipeline.load("before")
    pipeline.sandbox.tick(2)
    pipeline.sandbox.fault("set_field", method="/v3/product/info/list", field="price", value=1, share=0.005)
    reports: list[ComponentNumbers] = []

    leaves_no_trace(pipeline, lambda: reports.extend(both(pipeline, dry_run=True)))

    loaded = both(pipeline)
    assert [counted(numbers) for numbers in reports] == [counted(numbers) for numbers in loaded]
    assert [numbers.rows_written for numbers in reports] == [{}, {}]
    for numbers, table in zip(loaded, ("products", "inventory"), strict=True):
        assert numbers.rows_written[table] == numbers.rows_inserted + numbers.rows_updated + numbers.rows_removed
    assert reports[0].rows_updated > 0
    assert reports[0].rows_removed > 0
    assert reports[1].rows_updated > 0


def test_stock_is_compared_with_the_warehouse_as_it_is(pipeline: Pipeline) -> None:
    pipeline.load("before")

    numbers = pipeline.inventory("after", dry_run=True)

    assert numbers.rows_unchanged == numbers.rows_read > 0


def test_a_guard_stops_it_like_the_load_and_leaves_no_trace(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("vanish_share", share=0.5)

    def stopped() -> None:
        with pytest.raises(GuardStoppedError):
            pipeline.products("after", dry_run=True)

    leaves_no_trace(pipeline, stopped)


def test_a_failure_leaves_no_trace(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", after=4)

    def failed() -> None:
        with pytest.raises(MarketplaceUnavailableError):
            pipeline.products(dry_run=True)

    leaves_no_trace(pipeline, failed)


def test_the_staging_of_a_failed_load_is_neither_used_nor_dropped(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method="/v3/product/list", after=4)
    with pytest.raises(MarketplaceUnavailableError):
        pipeline.products()
    pipeline.sandbox.clear_faults()
    staged = pipeline.value("SELECT count(*) FROM ozon_staging.main_product_product")

    leaves_no_trace(pipeline, lambda: both(pipeline, dry_run=True) and None)

    assert pipeline.value("SELECT count(*) FROM ozon_staging.main_product_product") == staged > 0
