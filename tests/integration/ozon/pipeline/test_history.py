"""Every change of a product's visibility and stock has its row, and the rows have no gaps."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from include.ozon_local.moved_clock import moved_clock
from tests.faults.invariants import assert_consistent
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline, Row


@pytest.fixture
def moved_on(pipeline: Pipeline) -> Pipeline:
    """Run five loads while the marketplace changes: products vanish, return, and change their state."""
    pipeline.load("0")
    for n in range(1, 5):
        pipeline.sandbox.tick()
        pipeline.load(str(n))
    return pipeline


def chains(pipeline: Pipeline) -> dict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in pipeline.rows("SELECT * FROM ozon.product_visibility_history ORDER BY product_id, valid_from"):
        found[row["product_id"]].append(row)
    return found


def test_history_rows_are_contiguous_and_name_the_previous_value(moved_on: Pipeline) -> None:
    changes = 0
    for rows in chains(moved_on).values():
        assert rows[0]["previous_visibility"] is None
        for before, after in pairwise(rows):
            changes += 1
            assert after["previous_visibility"] == before["visibility"]
            assert before["valid_to"] <= after["valid_from"]
            was_removed = before["valid_to"] < after["valid_from"]
            assert was_removed or after["visibility"] != before["visibility"]
        assert all(row["valid_to"] is not None for row in rows[:-1])
    assert changes


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_wrong_clock_leaves_all_histories_in_order(pipeline: Pipeline, hours: int) -> None:
    pipeline.load("before")
    with moved_clock(pipeline.connect) as clock:
        clock.set(clock.now() + timedelta(hours=hours))
        for dag_run_id in ("wrong", "wrong again"):
            pipeline.sandbox.tick()
            pipeline.load(dag_run_id)
    for dag_run_id in ("right", "right again"):
        pipeline.sandbox.tick()
        pipeline.load(dag_run_id)

    assert_consistent(pipeline)
    assert_agreement(pipeline)
    behind = "wrong" if hours < 0 else "right"
    for dag_run_id in (behind, f"{behind} again"):
        for component in ("product_etl", "inventory_etl"):
            (warning,) = pipeline.workflow(dag_run_id)["execution_details"][component]["warnings"]
            assert "clock" in warning


def test_a_returned_product_keeps_first_seen_at(pipeline: Pipeline) -> None:
    pipeline.load("before")
    first_seen = _first_seen(pipeline)
    pipeline.sandbox.fault("vanish_share", share=0.1)
    pipeline.load("gone")
    gone = {row["product_id"] for row in pipeline.rows("SELECT * FROM ozon.products WHERE removed_at IS NOT NULL")}
    assert 0 < len(gone) < len(first_seen)
    pipeline.sandbox.clear_faults()

    numbers = pipeline.products("back")

    assert numbers.rows_updated == len(gone)
    assert _first_seen(pipeline) == first_seen
    assert pipeline.value("SELECT count(*) FROM ozon.products WHERE removed_at IS NOT NULL") == 0
    for product_id, rows in chains(pipeline).items():
        if product_id not in gone:
            assert len(rows) == 1
            continue
        was, now = rows
        assert was["valid_to"] < now["valid_from"]
        assert (now["valid_to"], now["previous_visibility"]) == (None, was["visibility"])


def test_the_history_of_stock_leads_to_the_stock(moved_on: Pipeline) -> None:
    history: defaultdict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in moved_on.rows("SELECT * FROM ozon.inventory_history ORDER BY changed_at"):
        history[row["product_id"], row["stock_type"], row["sku"]].append(row)
    inventory = moved_on.rows("SELECT * FROM ozon.inventory")
    assert {(row["product_id"], row["stock_type"], row["sku"]) for row in inventory} == history.keys()
    assert any(len(rows) > 1 for rows in history.values())
    for row in inventory:
        rows = history[row["product_id"], row["stock_type"], row["sku"]]
        assert (rows[-1]["present"], rows[-1]["reserved"]) == (row["present"], row["reserved"])
        assert (rows[0]["previous_present"], rows[0]["previous_reserved"]) == (None, None)
        for before, after in pairwise(rows):
            was = (before["present"], before["reserved"])
            assert (after["previous_present"], after["previous_reserved"]) == was
            assert (after["present"], after["reserved"]) != was


def test_the_history_of_prices_leads_to_the_price(moved_on: Pipeline) -> None:
    history: defaultdict[int, list[Row]] = defaultdict(list)
    for row in moved_on.rows("SELECT * FROM ozon.product_price_history ORDER BY valid_from"):
        history[row["product_id"]].append(row)
    products = moved_on.rows("SELECT * FROM ozon.products")
    assert {row["product_id"] for row in products} == history.keys()
    changed = 0
    for row in products:
        chain = history[row["product_id"]]
        assert _price(chain[-1]) == _price(row)
        assert chain[-1]["valid_to"] == row["removed_at"]
        assert chain[0]["valid_from"] == row["first_seen_at"]
        for before, after in pairwise(chain):
            was_removed = before["valid_to"] < after["valid_from"]
            assert was_removed or _price(before) != _price(after)
            changed += not was_removed
    assert changed


def test_the_price_history_has_the_marketplaces_prices(pipeline: Pipeline) -> None:
    truths = []
    for n in range(4):
        pipeline.load(str(n))
        truths.append(pipeline.truth())
        pipeline.sandbox.tick()
    for n, truth in enumerate(truths):
        rows = pipeline.rows(
            "SELECT h.* FROM ozon.product_price_history h JOIN ozon.etl_component_executions c "
            "ON c.workflow_id = %s AND c.component = 'product_etl' "
            "WHERE h.valid_from <= c.finished_at AND (h.valid_to IS NULL OR h.valid_to > c.finished_at)",
            f"{n}/main",
        )
        assert {row["product_id"]: _price(row) for row in rows} == {
            product_id: (
                row["price"] and Decimal(row["price"]),
                row["old_price"] and Decimal(row["old_price"]),
                row["currency_code"],
            )
            for product_id, row in truth.items()
        }


def test_a_returned_product_begins_a_new_price(pipeline: Pipeline) -> None:
    pipeline.load("before")
    pipeline.sandbox.fault("vanish_share", share=0.1)
    pipeline.load("gone")
    pipeline.sandbox.clear_faults()

    pipeline.load("back")

    back = pipeline.rows("SELECT product_id FROM ozon.product_price_history WHERE workflow_id = 'back/main'")
    gone = pipeline.rows("SELECT product_id FROM ozon.product_price_history WHERE valid_to IS NOT NULL")
    assert {row["product_id"] for row in back} == {row["product_id"] for row in gone} != set()


def _price(row: Row) -> tuple[object, ...]:
    return row["price"], row["old_price"], row["currency_code"]


def _first_seen(pipeline: Pipeline) -> dict[int, object]:
    return {row["product_id"]: row["first_seen_at"] for row in pipeline.rows("SELECT * FROM ozon.products")}


@pytest.mark.parametrize(
    ("history", "columns", "change"),
    [
        ("product_price_history", "currency_code, price", "price = price + 1"),
        (
            "product_visibility_history",
            "visibility, hidden_reasons",
            "visibility = CASE visibility WHEN 'HIDDEN' THEN 'UNKNOWN' ELSE 'HIDDEN' END",
        ),
    ],
)
def test_a_long_history_is_not_read_to_end_its_last_row(
    pipeline: Pipeline, history: str, columns: str, change: str
) -> None:
    pipeline.load("first")
    pipeline.execute(
        f"INSERT INTO ozon.{history} (account, product_id, valid_from, valid_to, workflow_id, {columns}) "
        f"SELECT account, product_id, valid_from - n * interval '1 hour', valid_from - (n - 1) * interval '1 hour', "
        f"workflow_id, {columns} FROM ozon.{history}, generate_series(1, 100) n"
    )
    pipeline.execute(f"UPDATE ozon.products SET {change} WHERE product_id % 20 = 0")
    pipeline.execute("ANALYZE")
    changed = pipeline.value("SELECT count(*) FROM ozon.products WHERE product_id % 20 = 0")
    before = _rows_read(pipeline, history)

    pipeline.products("again")

    assert _rows_read(pipeline, history) - before < 10 * changed
    assert pipeline.value(f"SELECT count(*) FROM ozon.{history} WHERE workflow_id = 'again/main'") == changed > 10


def _rows_read(pipeline: Pipeline, table: str) -> int:
    time.sleep(1)  # a session reports its numbers after its end
    return int(
        pipeline.value(f"SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = '{table}'")
    )
