"""Mutations of recorded answers: a field that is missing, null, of another type or duplicated never breaks a load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.ozon.errors import OzonError
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import Pacer
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from tests.support.pipeline import Pipeline, changed, quick_settings
from tests.support.recorded import DETAILS, FIRST_ID, LIST, Mutation, RecordedApi, mutations

pytestmark = pytest.mark.faults


def examples(number: int) -> settings:
    """Set the number of mutations; each is a load, without a time limit."""
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=number, deadline=None, suppress_health_check=slow, database=None)


_numbers = count(1)


class Recorded(Pipeline):
    """A pipeline with the recorded account only."""

    api: RecordedApi

    def run(self, dag_run_id: str = "run", account: str = "main", **_: object) -> Run:
        credentials = Credentials(self.api.url, "101", "key", f"ozon_api_{account}")
        return Run(
            account=account,
            dag_run_id=dag_run_id,
            trigger="manual",
            settings=self.settings,
            connect=self.connect,
            open_client=lambda stop: SellerClient(credentials, self.settings.api, stop=stop, pacer=Pacer(10_000)),
        )


@pytest.fixture
def recorded(warehouse_dsn: str) -> Iterator[Recorded]:
    sets = changed(quick_settings(), "inventory", ozon_warehouses=True)
    for guard in ("rejected", "vanished", "turned_invisible", "empty_catalogue", "price_change"):
        sets = changed(sets, f"guards.{guard}", level="off")
    made = Recorded(None, warehouse_dsn, sets)  # type: ignore[arg-type]
    made.api = RecordedApi()
    assert made.load("as recorded") == "success"
    yield made
    made.api.close()


def assert_the_load_ends(recorded: Recorded, changes: list[Mutation]) -> None:
    """Load the recorded answers with the changes, after a load without them or with others."""
    recorded.api.mutations = changes
    before = product_ids(recorded)
    run = recorded.run(f"changed {next(_numbers)}")
    for component in COMPONENTS:
        try:
            numbers = run_component(component, run)
        except OzonError as error:
            assert_names_its_cause(error, changes)
            break
        changed_count = numbers.rows_inserted + numbers.rows_updated + numbers.rows_unchanged
        assert numbers.rows_read == changed_count + numbers.rows_rejected
    else:
        assert_reasons_are_sentences(recorded, run.workflow_id)
        # A product that Ozon lists has not vanished, whatever its details.
        on_lists = [change.entry for change in changes if change.method == LIST]
        gone = before if None in on_lists else {FIRST_ID + entry for entry in on_lists if entry is not None}
        assert before - product_ids(recorded) <= gone
    assert end_workflow(run) in {"success", "failed"}


def assert_names_its_cause(error: OzonError, changes: list[Mutation]) -> None:
    methods = {change.method for change in changes}
    assert any(method in str(error) for method in methods) or "The list" in str(error), error
    assert re.search(r"[Ee]xpected|Ozon's total|goes in circles", str(error)), error


def product_ids(recorded: Recorded) -> set[int]:
    rows = recorded.rows("SELECT product_id FROM ozon.products WHERE removed_at IS NULL")
    return {row["product_id"] for row in rows}


def assert_reasons_are_sentences(recorded: Recorded, workflow_id: str) -> None:
    for row in recorded.rows("SELECT reason FROM ozon.rejected_items WHERE workflow_id = %s", workflow_id):
        reason = row["reason"]
        assert re.match(r"\S.*: expected .+, found .+|Ozon lists this product", reason, re.S), reason


@examples(25)
@given(change=mutations())
@example(change=Mutation(DETAILS, ("items",), "set", None))
def test_one_odd_field_never_stops_the_load_of_readable_entries(recorded: Recorded, change: Mutation) -> None:
    assert_the_load_ends(recorded, [change])


@pytest.mark.long
@pytest.mark.timeout(1800)
@examples(1100)
@given(changes=st.lists(mutations(), min_size=1, max_size=5, unique_by=lambda change: change.path[:3]))
def test_one_to_five_odd_fields_never_stop_the_load_of_readable_entries(
    recorded: Recorded, changes: list[Mutation]
) -> None:
    assert_the_load_ends(recorded, changes)
