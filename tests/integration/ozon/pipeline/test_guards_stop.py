"""Guards stop a load that changes too much, and nothing of it becomes visible."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from include.ozon.errors import GuardStoppedError
from include.ozon.settings import GuardsSettings
from tests.support.agreement import assert_agreement
from tests.support.pipeline import DATA_TABLES, Pipeline, Row, changed

pytestmark = pytest.mark.faults

# For each guard, the fault that makes it fire.
CAUSES: dict[str, tuple[str, dict[str, Any]]] = {
    "vanished": ("vanish_share", {"share": 0.1}),
    "turned_invisible": ("hide_share", {"share": 0.2}),
    "rejected": ("set_field", {"method": "/v3/product/info/list", "field": "id", "value": None, "share": 0.1}),
    "price_change": ("change_prices", {"share": 0.3}),
}

Truth = dict[int, Row]

every_guard = pytest.mark.parametrize("guard", CAUSES)


@pytest.fixture
def loaded(pipeline: Pipeline) -> Pipeline:
    """Run a first load with all guards off."""
    pipeline.load("before")
    for guard in GuardsSettings.model_fields:
        set_guard(pipeline, guard, level="off")
    return pipeline


def set_guard(pipeline: Pipeline, guard: str, **values: Any) -> None:
    pipeline.settings = changed(pipeline.settings, f"guards.{guard}", **values)


def cause(pipeline: Pipeline, guard: str) -> None:
    name, options = CAUSES[guard]
    pipeline.sandbox.fault(name, **options)


def seen(error: GuardStoppedError) -> tuple[int, int]:
    """Return the count and the total in the sentence."""
    found = re.search(r": (\d+) of (\d+) ", str(error))
    assert found, str(error)
    return int(found[1]), int(found[2])


@every_guard
def test_a_guard_fires_above_its_threshold_and_not_at_it(loaded: Pipeline, guard: str) -> None:
    cause(loaded, guard)
    set_guard(loaded, guard, level="stop", threshold_pct=0.1)
    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products("above")
    assert stopped.value.guards == (guard,)
    count, total = seen(stopped.value)
    assert 0 < count < total

    set_guard(loaded, guard, threshold_pct=100 * count / total)
    loaded.products("at")


@every_guard
def test_a_guard_needs_its_smallest_number_of_products(loaded: Pipeline, guard: str) -> None:
    cause(loaded, guard)
    set_guard(loaded, guard, level="stop", threshold_pct=0.1)
    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products("all")
    count, _ = seen(stopped.value)

    set_guard(loaded, guard, min_count=count)
    with pytest.raises(GuardStoppedError):
        loaded.products("all")
    set_guard(loaded, guard, min_count=count + 1)
    loaded.products("all")


def _vanished(before: Truth, after: Truth) -> tuple[int, int]:
    return len(before.keys() - after.keys()), len(before)


def _turned_invisible(before: Truth, after: Truth) -> tuple[int, int]:
    visible = [product_id for product_id, row in before.items() if row["visibility"] == "VISIBLE"]
    return sum(after[product_id]["visibility"] != "VISIBLE" for product_id in visible), len(visible)


def _new_prices(before: Truth, after: Truth) -> tuple[int, int]:
    return sum(after[product_id]["price"] != row["price"] for product_id, row in before.items()), len(before)


@pytest.mark.parametrize(
    ("guard", "count"),
    [("vanished", _vanished), ("turned_invisible", _turned_invisible), ("price_change", _new_prices)],
)
def test_a_guard_counts_the_changes(
    loaded: Pipeline, guard: str, count: Callable[[Truth, Truth], tuple[int, int]]
) -> None:
    before = loaded.truth()
    cause(loaded, guard)

    set_guard(loaded, guard, level="stop", threshold_pct=0.1)
    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products()

    assert seen(stopped.value) == count(before, loaded.truth())


@every_guard
def test_a_stopped_load_keeps_the_last_good_state_and_reports_the_reason(loaded: Pipeline, guard: str) -> None:
    good = loaded.versions(*DATA_TABLES)
    cause(loaded, guard)
    set_guard(loaded, guard, level="stop", threshold_pct=0.1)

    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products("stopped")

    assert loaded.versions(*DATA_TABLES) == good
    (record,) = loaded.attempts(dag_run_id="stopped")
    assert (record["status"], record["error"]) == ("failed", str(stopped.value))
    assert f'accept_guard = ["{guard}"]' in record["error"]
    assert "at most 0.1 %" in record["error"]
    assert (record["rows_inserted"], record["rows_updated"], record["rows_removed"]) == (0, 0, 0)
    assert record["rows_rejected"] == len(loaded.rejected())
    assert (record["rows_rejected"] > 0) == (guard == "rejected")
    assert loaded.end("stopped") == "failed"
    assert loaded.staging_tables() == set()


@every_guard
def test_accept_guard_accepts_one_run(loaded: Pipeline, guard: str) -> None:
    cause(loaded, guard)
    set_guard(loaded, guard, level="stop", threshold_pct=0.1)

    loaded.products("accepted", accept_guards=[guard])

    details = loaded.workflow("accepted")["execution_details"]
    assert details["accept_guards"] == [guard]
    (noted,) = details["product_etl"]["guards"]
    assert noted.startswith(f"guard {guard}: ")
    # The same change again, from the state before it.
    loaded.sandbox.clear_faults()
    loaded.load("restored", accept_guards=[guard])
    cause(loaded, guard)
    with pytest.raises(GuardStoppedError):
        loaded.products("again")


def test_a_cleared_task_reads_again_after_a_stop(loaded: Pipeline) -> None:
    cause(loaded, "price_change")
    set_guard(loaded, "price_change", level="stop", threshold_pct=0.1)
    with pytest.raises(GuardStoppedError):
        loaded.products("stopped")
    loaded.sandbox.clear_faults()

    assert loaded.load("stopped") == "success"

    assert_agreement(loaded)


def test_no_guard_fires_for_a_first_load(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("set_field", field="id", value=None, method="/v3/product/info/list")
    for guard in GuardsSettings.model_fields:
        set_guard(pipeline, guard, level="stop")

    numbers = pipeline.products()

    assert numbers.rows_rejected == numbers.rows_read == len(pipeline.truth())


def test_by_default_products_that_turn_invisible_only_warn(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("hide_share", share=0.6)

    numbers = pipeline.products("after")

    assert numbers.rows_updated > 0
    (noted,) = pipeline.workflow("after")["execution_details"]["product_etl"]["guards"]
    assert noted.startswith("guard turned_invisible: ")


def test_vanished_products_count_as_no_longer_seen(loaded: Pipeline) -> None:
    loaded.sandbox.fault("vanish_share", share=0.2)
    set_guard(loaded, "turned_invisible", level="stop", threshold_pct=0.1)

    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products()

    assert seen(stopped.value)[0] > 0


def test_guards_that_stop_are_named_together(loaded: Pipeline) -> None:
    for guard in ("vanished", "price_change"):
        cause(loaded, guard)
        set_guard(loaded, guard, level="stop", threshold_pct=0.1)

    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products()
    assert set(stopped.value.guards) == {"vanished", "price_change"}

    with pytest.raises(GuardStoppedError) as stopped:
        loaded.products("half", accept_guards=["vanished"])
    assert stopped.value.guards == ("price_change",)


def test_an_empty_catalogue_stops_before_products_are_requested_by_id(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = pipeline.versions(*DATA_TABLES)
    pipeline.sandbox.fault("empty_catalogue")
    pipeline.sandbox.reset_counters()

    with pytest.raises(GuardStoppedError) as stopped:
        pipeline.products("empty")

    assert stopped.value.guards == ("empty_catalogue",)
    assert "/v3/product/info/list" not in pipeline.requests()
    assert pipeline.versions(*DATA_TABLES) == good


def test_an_empty_catalogue_that_is_accepted_removes_everything(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("empty_catalogue")
    accepted = ["empty_catalogue", "vanished", "turned_invisible"]

    assert pipeline.load("accepted", accept_guards=accepted) == "success"

    assert pipeline.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NULL") == 0
    assert pipeline.value("SELECT count(*) FROM ozon.product_visibility_history WHERE valid_to IS NULL") == 0
    assert pipeline.value("SELECT sum(present + reserved) FROM ozon.inventory") == 0


def test_vanished_stock_stops_inventory_etl(pipeline: Pipeline) -> None:
    pipeline.load("before")
    good = pipeline.versions("inventory", "inventory_history", "inventory_by_warehouse")
    pipeline.products("empty")
    pipeline.sandbox.fault("empty_catalogue")

    with pytest.raises(GuardStoppedError) as stopped:
        pipeline.inventory("empty")

    assert stopped.value.guards == ("empty_catalogue", "vanished")
    assert pipeline.versions("inventory", "inventory_history", "inventory_by_warehouse") == good
    assert pipeline.end("empty") == "failed"
