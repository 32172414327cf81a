"""Failures while a load writes: readers keep the last good state, and the next run loads the new one."""

from __future__ import annotations

import pytest

from include.ozon.errors import OzonError, WarehouseUnavailableError
from include.ozon_local.postgres import EmbeddedPostgres
from tests.support.agreement import assert_agreement
from tests.support.load_process import loading, until
from tests.support.pipeline import DATA_TABLES, Pipeline
from tests.support.servers import kill

pytestmark = pytest.mark.faults

# In the order in which a load writes; the last one is the record of the success.
WRITES = [
    ("product_etl", "products"),
    ("product_etl", "product_visibility_history"),
    ("product_etl", "product_price_history"),
    ("product_etl", "etl_component_executions"),
    ("inventory_etl", "inventory"),
    ("inventory_etl", "inventory_history"),
    ("inventory_etl", "inventory_by_warehouse"),
    ("inventory_etl", "etl_component_executions"),
]

_BREAK = """
CREATE FUNCTION ozon.break_it() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {action} END $$;
CREATE CONSTRAINT TRIGGER break_it AFTER INSERT OR UPDATE ON ozon.{table} {when}
    FOR EACH ROW {condition} EXECUTE FUNCTION ozon.break_it();
"""
_MEND = "DROP FUNCTION ozon.break_it CASCADE"


def break_writes(pipeline: Pipeline, table: str, action: str = "RAISE disk_full;", *, at_commit: bool = False) -> None:
    """Make every write to the table fail; for the records only those of a success."""
    pipeline.execute(
        _BREAK.format(
            table=table,
            action=action,
            when="DEFERRABLE INITIALLY DEFERRED" if at_commit else "",
            condition="WHEN (NEW.status = 'success')" if table == "etl_component_executions" else "",
        )
    )


def loaded_and_moved_on(pipeline: Pipeline, component: str) -> None:
    """Prepare a good state, a changed marketplace, and the run up to the component."""
    pipeline.load("before")
    pipeline.sandbox.tick()
    if component == "inventory_etl":
        pipeline.products("broken")


@pytest.mark.parametrize("at_commit", [False, True], ids=["in the merge", "at the commit"])
@pytest.mark.parametrize(("component", "table"), WRITES)
def test_a_write_that_fails_leaves_the_last_good_state(
    pipeline: Pipeline, component: str, table: str, at_commit: bool
) -> None:
    loaded_and_moved_on(pipeline, component)
    good = pipeline.versions(*DATA_TABLES)
    break_writes(pipeline, table, at_commit=at_commit)

    with pytest.raises(OzonError):
        (pipeline.products if component == "product_etl" else pipeline.inventory)("broken")

    assert pipeline.versions(*DATA_TABLES) == good
    (record,) = pipeline.attempts(component, "broken")
    assert record["status"] == "failed"
    assert (record["rows_inserted"], record["rows_updated"], record["rows_removed"]) == (0, 0, 0)
    assert record["error"]
    assert pipeline.end("broken") == "failed"

    pipeline.execute(_MEND)
    assert pipeline.load("next") == "success"
    assert_agreement(pipeline)


@pytest.mark.parametrize("condition", ["deadlock_detected", "serialization_failure"])
def test_a_conflict_with_another_session_is_retriable_with_its_own_message(pipeline: Pipeline, condition: str) -> None:
    loaded_and_moved_on(pipeline, "product_etl")
    break_writes(pipeline, "products", f"RAISE {condition};")

    with pytest.raises(WarehouseUnavailableError, match=r"Another session.*The next attempt") as failed:
        pipeline.products("broken")

    assert "host and port" not in str(failed.value)
    pipeline.execute(_MEND)
    assert pipeline.load("broken") == "success"
    assert_agreement(pipeline)


@pytest.mark.long
@pytest.mark.parametrize(("component", "table"), [("product_etl", "products"), ("inventory_etl", "inventory")])
def test_a_server_that_crashes_in_the_merge_recovers_the_last_good_state(
    own_server: EmbeddedPostgres, on_own_server: Pipeline, component: str, table: str
) -> None:
    pipeline = on_own_server
    loaded_and_moved_on(pipeline, component)
    good = pipeline.versions(*DATA_TABLES)
    break_writes(pipeline, table, "PERFORM pg_sleep(60); RETURN NULL;")

    with loading(pipeline, component, "broken") as process:
        until(pipeline.is_sleeping, process)
        kill(own_server)
        assert process.wait(30) != 0
    own_server.start()

    assert pipeline.versions(*DATA_TABLES) == good
    pipeline.execute(_MEND)
    # The same run again, as Airflow would retry it: the records that the dead server left open are closed first.
    pipeline.load("broken")
    assert [row["status"] for row in pipeline.attempts(component, "broken")] == ["failed", "success"]
    assert_agreement(pipeline)


def test_an_unreachable_server_is_one_retriable_sentence(own_server: EmbeddedPostgres, on_own_server: Pipeline) -> None:
    own_server.stop()
    with pytest.raises(WarehouseUnavailableError, match="Check that PostgreSQL runs"):
        on_own_server.products()
    own_server.start()

    assert on_own_server.load() == "success"
