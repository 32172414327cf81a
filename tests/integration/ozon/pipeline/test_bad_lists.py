"""Lists that repeat, loop, or end early: only complete ones are loaded."""

from __future__ import annotations

from typing import Any

import pytest

from include.ozon.errors import BadDataError
from tests.support.agreement import assert_agreement, warehouse_products
from tests.support.pipeline import DATA_TABLES, Pipeline

pytestmark = pytest.mark.faults

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"

COMPLETE: dict[str, tuple[str, dict[str, Any]]] = {
    "every page comes twice": ("repeated_page", {}),
    "entries come twice on a page": ("duplicate_items", {"count": 3}),
    "no totals": ("totals", {"mode": "missing"}),
    "the old total only": ("totals", {"mode": "legacy"}),
    "a total that is a little too high": ("totals", {"mode": "wrong", "by": 1}),
}

INCOMPLETE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a cursor that stands still": ("looping_mark", {"length": 1}, "goes in circles"),
    "cursors in turns": ("looping_mark", {"length": 2}, "goes in circles"),
    "a list that ends early": ("short_page", {"missing": 5}, "Ozon's total"),
    "a total far too high": ("totals", {"mode": "wrong", "by": 100}, "Ozon's total"),
    "half an answer": ("truncated_json", {}, "not complete JSON"),
    "a page for people": ("not_json", {}, "not complete JSON"),
    "another answer": (
        "set_field",
        {"where": "answer", "field": "{entries}", "value": "none"},
        "answered with unexpected JSON",
    ),
}


@pytest.mark.parametrize("case", COMPLETE)
@pytest.mark.parametrize("method", [LIST, STOCKS])
def test_an_odd_list_that_is_complete_is_loaded(pipeline: Pipeline, method: str, case: str) -> None:
    name, params = COMPLETE[case]
    pipeline.sandbox.fault(name, method=method, **params)

    assert pipeline.load() == "success"

    pipeline.sandbox.clear_faults()
    assert_agreement(pipeline)
    component = "product_etl" if method == LIST else "inventory_etl"
    (record,) = pipeline.attempts(component)
    assert (record["rows_repeated"] > 0) == (name in {"repeated_page", "duplicate_items"})
    assert record["rows_rejected"] == 0


@pytest.mark.parametrize("case", INCOMPLETE)
@pytest.mark.parametrize("method", [LIST, STOCKS])
def test_a_list_that_is_not_complete_loads_nothing(pipeline: Pipeline, method: str, case: str) -> None:
    name, params, words = INCOMPLETE[case]
    pipeline.load("before")
    pipeline.sandbox.tick()
    good = pipeline.versions(*DATA_TABLES)
    entries = {LIST: "result.items", STOCKS: "items"}[method]
    params = {key: entries if value == "{entries}" else value for key, value in params.items()}
    component = "product_etl" if method == LIST else "inventory_etl"
    if method == STOCKS:
        pipeline.products("bad")
        good = pipeline.versions(*DATA_TABLES)
    pipeline.sandbox.fault(name, method=method, **params)

    with pytest.raises(BadDataError, match=words) as found:
        (pipeline.products if method == LIST else pipeline.inventory)("bad")

    assert pipeline.versions(*DATA_TABLES) == good
    (record,) = pipeline.attempts(component, "bad")
    assert (record["status"], record["error"]) == ("failed", str(found.value))
    pipeline.sandbox.clear_faults()
    assert pipeline.load("bad") == "success"
    assert_agreement(pipeline)


def test_the_staging_of_a_looping_list_is_dropped(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("looping_mark", method=LIST)

    with pytest.raises(BadDataError):
        pipeline.products()

    assert pipeline.staging_tables() == set()


def test_a_known_product_missing_from_all_lists_is_requested_by_id(pipeline: Pipeline) -> None:
    pipeline.load("before")
    slipped = [product_id for product_id, row in pipeline.truth().items() if row["visibility"] == "HIDDEN"][:2]
    pipeline.sandbox.fault("omitted_from_lists", product_ids=slipped)
    good = pipeline.versions("products")

    numbers = pipeline.products("after")

    assert (numbers.rows_removed, numbers.rows_unchanged) == (0, len(pipeline.truth()))
    assert pipeline.versions("products") == good


def test_a_new_product_that_only_the_visible_list_has_is_loaded(pipeline: Pipeline) -> None:
    slipped = next(product_id for product_id, row in pipeline.truth().items() if row["visibility"] == "VISIBLE")
    # The first request is that for the first page of ALL.
    pipeline.sandbox.fault("omitted_from_lists", method=LIST, times=1, product_ids=[slipped])

    pipeline.products()

    pipeline.sandbox.clear_faults()
    assert warehouse_products(pipeline, "main").keys() == pipeline.truth().keys()
    assert pipeline.value("SELECT visibility FROM ozon.products WHERE product_id = %s", slipped) == "VISIBLE"


def test_repeated_and_unrequested_details_are_loaded_once(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("duplicate_items", method=DETAILS, count=2)

    numbers = pipeline.products()

    assert numbers.rows_inserted == len(pipeline.truth())
    assert numbers.rows_repeated > 0
