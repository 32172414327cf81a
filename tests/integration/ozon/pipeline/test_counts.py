"""The numbers of a load add up and agree with the rows that it wrote."""

from __future__ import annotations

from collections import Counter

from include.ozon.pipeline.numbers import ComponentNumbers
from tests.support.pipeline import DATA_TABLES, Pipeline, Row


def assert_sums(numbers: ComponentNumbers) -> None:
    changed = numbers.rows_inserted + numbers.rows_updated
    assert numbers.rows_read == changed + numbers.rows_unchanged + numbers.rows_rejected


def test_a_first_load_inserts_everything_it_reads(pipeline: Pipeline) -> None:
    truth = pipeline.truth()

    numbers = pipeline.products()

    assert (numbers.rows_read, numbers.rows_inserted) == (len(truth), len(truth))
    assert numbers.rows_updated == numbers.rows_unchanged == numbers.rows_removed == numbers.rows_rejected == 0
    assert numbers.visibility_counts == Counter(row["visibility"] for row in truth.values())


def test_the_numbers_are_the_changes_of_the_marketplace(pipeline: Pipeline) -> None:
    pipeline.load("before")
    before, columns = pipeline.truth(), _columns(pipeline)
    pipeline.sandbox.tick()

    products, inventory = pipeline.products("after"), pipeline.inventory("after")

    after, now = pipeline.truth(), _columns(pipeline)
    assert products.rows_inserted == len(after.keys() - before.keys())
    assert products.rows_removed == len(before.keys() - after.keys())
    assert products.rows_updated == sum(columns[key] != now[key] for key in before.keys() & after.keys())
    assert products.rows_updated > 0
    assert_sums(products)
    assert inventory.rows_read == sum(len(row["stocks"]) for row in after.values())
    assert_sums(inventory)


def test_a_reload_without_changes_writes_no_row(pipeline: Pipeline) -> None:
    pipeline.load("first")
    before = pipeline.versions(*DATA_TABLES)

    products, inventory = pipeline.products("second"), pipeline.inventory("second")

    assert pipeline.versions(*DATA_TABLES) == before
    assert products.rows_unchanged == products.rows_read == len(pipeline.truth())
    assert inventory.rows_unchanged == inventory.rows_read > 0
    assert pipeline.end("second") == "success"


def test_the_same_run_again_changes_nothing_twice_and_is_a_new_attempt(pipeline: Pipeline) -> None:
    pipeline.load()
    before = pipeline.versions(*DATA_TABLES)

    pipeline.load()

    assert pipeline.versions(*DATA_TABLES) == before
    for component in ("product_etl", "inventory_etl"):
        assert [(row["attempt"], row["status"]) for row in pipeline.attempts(component)] == [
            (1, "success"),
            (2, "success"),
        ]


def test_workflow_id_names_the_run_that_last_changed_a_row(pipeline: Pipeline) -> None:
    pipeline.load("first")
    before = _columns(pipeline)
    pipeline.sandbox.tick()

    pipeline.load("second")

    now = _columns(pipeline)
    writers = {row["product_id"]: row["workflow_id"] for row in pipeline.rows("SELECT * FROM ozon.products")}
    for product_id in now:
        changed = before.get(product_id) != now[product_id]
        assert writers[product_id] == ("second/main" if changed else "first/main")


def _columns(pipeline: Pipeline) -> dict[int, Row]:
    """Return the columns of each product that come from Ozon."""
    own = {"first_seen_at", "changed_at", "visibility_changed_at", "workflow_id"}
    return {
        row["product_id"]: {name: value for name, value in row.items() if name not in own}
        for row in pipeline.rows("SELECT * FROM ozon.products WHERE account = 'main'")
    }
