"""Progress of a run by its records, while it goes on."""

from __future__ import annotations

import psycopg
import pytest

from include.ozon.errors import MarketplaceUnavailableError
from include.ozon.pipeline.run_records import Listed, component_states, listed
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.faults


def test_a_component_that_was_broken_off_shows_how_much_of_its_longest_list_was_read(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method="/v3/product/list", after=2)
    with pytest.raises(MarketplaceUnavailableError):
        pipeline.products("run")
    most = pipeline.value("SELECT max(items) FROM ozon_staging.main_product_checkpoint")

    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        (state,) = component_states(connection, "run")
        found = listed(connection, state)
    assert found == Listed(most, len(pipeline.truth()))
    assert most > 0


def test_after_its_merge_a_component_shows_no_list(pipeline: Pipeline) -> None:
    pipeline.products("run")

    with psycopg.connect(pipeline.dsn, autocommit=True) as connection:
        (state,) = component_states(connection, "run")
        assert listed(connection, state) is None
