"""Transitions between measurements, with the history of real loads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include.ozon.monitoring.metrics.model import Product
from tests.integration.ozon.monitoring.metrics.conftest import Measured


def ids(products: tuple[Product, ...]) -> set[int]:
    return {product.product_id for product in products}


def visible(pipeline: Measured) -> set[int]:
    """The products that the marketplace shows."""
    return {product_id for product_id, product in pipeline.truth().items() if product["visibility"] == "VISIBLE"}


def test_a_first_load_is_no_transition(pipeline: Measured) -> None:
    pipeline.load()
    turned = pipeline.measure().transitions

    assert (turned.turned_invisible, turned.turned_visible, turned.removed) == ((), (), ())
    assert turned.basis == "previous_load"
    assert turned.visible_before == len(visible(pipeline))


def test_a_first_measurement_shows_the_changes_of_the_last_load(pipeline: Measured) -> None:
    pipeline.load("0")
    pipeline.sandbox.tick()
    pipeline.load("1")
    was_visible = visible(pipeline)
    pipeline.sandbox.fault("hide_share", share=0.3)
    pipeline.load("2")

    turned = pipeline.measure().transitions

    assert turned.since == pipeline.attempts(dag_run_id="1")[0]["finished_at"]
    assert ids(turned.turned_invisible) == was_visible - visible(pipeline)
    assert turned.turned_visible == ()


def test_hidden_products_are_named_with_when_and_why(pipeline: Measured) -> None:
    pipeline.load("0")
    first = pipeline.measure(store=True)
    was_visible = visible(pipeline)
    pipeline.sandbox.fault("hide_share", share=0.3)
    pipeline.load("1")

    turned = pipeline.measure().transitions

    assert (turned.basis, turned.since) == ("last_measurement", first.measured_at)
    assert turned.visible_before == first.counts["VISIBLE"]
    assert ids(turned.turned_invisible) == was_visible - visible(pipeline)
    assert turned.turned_invisible
    truth = pipeline.truth()
    loaded_at = pipeline.value("SELECT max(valid_from) FROM ozon.product_visibility_history")
    for product in turned.turned_invisible:
        expected = truth[product.product_id]
        assert (product.name, product.offer_id) == (expected["name"], expected["offer_id"])
        assert (product.previous, product.visibility) == ("VISIBLE", expected["visibility"])
        assert product.reasons == tuple(expected["hidden_reasons"])
        assert product.since == loaded_at
        assert not product.is_since_first_seen

    pipeline.measure(store=True)
    pipeline.sandbox.clear_faults()
    pipeline.load("2")

    back = pipeline.measure().transitions
    assert ids(back.turned_visible) == ids(turned.turned_invisible)
    assert back.turned_invisible == ()


def test_a_product_that_turned_twice_counts_by_its_last_state(pipeline: Measured) -> None:
    pipeline.load("0")
    before = pipeline.measure(store=True)
    pipeline.sandbox.fault("hide_share", share=0.3)
    pipeline.load("1")
    assert pipeline.measure().transitions.turned_invisible
    pipeline.sandbox.clear_faults()
    pipeline.load("2")

    turned = pipeline.measure().transitions

    assert (turned.turned_invisible, turned.turned_visible) == ((), ())
    assert turned.visible_before == before.counts["VISIBLE"]


def test_many_changes_agree_with_the_marketplace_before_and_after(pipeline: Measured) -> None:
    pipeline.load("0")
    before, was_visible = pipeline.measure(store=True), visible(pipeline)
    known = pipeline.truth().keys()
    for n in range(1, 4):
        pipeline.sandbox.tick()
        pipeline.load(str(n))

    metrics = pipeline.measure()

    turned, now_visible, truth = metrics.transitions, visible(pipeline), pipeline.truth()
    assert ids(turned.turned_invisible) == {p for p in was_visible - now_visible if p in truth}
    assert ids(turned.turned_visible) == (now_visible - was_visible) & known
    assert ids(turned.removed) == was_visible - truth.keys()
    assert turned.removed
    assert turned.visible_before == before.counts["VISIBLE"] == len(was_visible)
    change = metrics.changes["last"]
    assert change is not None
    assert change.counts["VISIBLE"] == metrics.counts["VISIBLE"] - before.counts["VISIBLE"]


def test_a_requested_moment_has_precedence_over_the_last_measurement(pipeline: Measured) -> None:
    pipeline.load("0")
    moment = datetime.now(tz=UTC)
    pipeline.sandbox.fault("hide_share", share=0.3)
    pipeline.load("1")
    last = pipeline.measure(store=True)

    assert pipeline.measure().transitions.turned_invisible == ()
    asked = pipeline.measure(since=moment).transitions
    assert (asked.basis, asked.since) == ("asked", moment)
    assert len(asked.turned_invisible) == asked.visible_before - last.counts["VISIBLE"] > 0


def test_a_load_that_committed_just_after_a_measurement_is_in_the_next_one(pipeline: Measured) -> None:
    """A merge sets its rows' moment when it begins: a measurement meanwhile is later, but did not read them."""
    pipeline.load("0")
    meanwhile = pipeline.measure(now=datetime.now(tz=UTC) + timedelta(seconds=60), store=True)
    pipeline.sandbox.fault("hide_share", share=0.3)
    pipeline.load("1")
    turned_at = pipeline.value("SELECT max(valid_from) FROM ozon.product_visibility_history")
    assert turned_at < meanwhile.measured_at

    turned = pipeline.measure(now=meanwhile.measured_at + timedelta(seconds=60), store=True).transitions
    again = pipeline.measure(now=meanwhile.measured_at + timedelta(seconds=120)).transitions

    assert turned.turned_invisible
    assert again.turned_invisible == ()


def test_all_numbers_are_of_one_moment(pipeline: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that commits during a measurement is in none of its numbers."""
    pipeline.load("0")
    pipeline.measure(store=True)
    from include.ozon.monitoring.metrics import measurement

    read_cells = measurement.read_cells

    def with_load_behind_it(connection: psycopg.Connection, account: str) -> object:
        cells = read_cells(connection, account)
        pipeline.sandbox.fault("hide_share", share=0.5)
        pipeline.load("1")
        return cells

    monkeypatch.setattr(measurement, "read_cells", with_load_behind_it)
    metrics = pipeline.measure()

    assert metrics.transitions.turned_invisible == ()
    assert len(metrics.longest_hidden) == metrics.out_of_sight
    assert len(metrics.impact.hidden_with_stock_products) == metrics.impact.hidden_with_stock


def test_nothing_is_written_by_measuring(pipeline: Measured) -> None:
    pipeline.load()
    before = pipeline.everything()
    pipeline.measure()
    assert pipeline.everything() == before
