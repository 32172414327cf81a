"""The recorded time of a load by phase."""

from __future__ import annotations

import pytest

from include.ozon.errors import OzonError
from include.ozon.pipeline.phases import PHASES
from tests.support.pipeline import Pipeline

LIST = "/v3/product/list"


def seconds(pipeline: Pipeline) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = pipeline.workflow()["execution_details"]["seconds"]
    return found


def test_each_attempt_records_its_seconds_and_they_are_all_of_its_time(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("not_json", times=1)
    with pytest.raises(OzonError):
        pipeline.products()
    pipeline.products()
    pipeline.inventory()

    recorded = seconds(pipeline)

    assert set(recorded) == {"product_etl/1", "product_etl/2", "inventory_etl/1"}
    for component in ("product_etl", "inventory_etl"):
        for attempt in pipeline.attempts(component):
            found = recorded[f"{component}/{attempt['attempt']}"]
            assert set(found) == set(PHASES)
            assert sum(found.values()) == pytest.approx(attempt["duration_seconds"], abs=0.3)
    assert [recorded[f"product_etl/{number}"]["merging"] > 0 for number in (1, 2)] == [False, True]


@pytest.mark.long
def test_a_slow_answer_is_downloading_and_ozon_s_limit_is_waiting(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("latency", method=LIST, ms=700)
    pipeline.products()
    slow = seconds(pipeline)["product_etl/1"]
    pipeline.sandbox.clear_faults()
    pipeline.sandbox.fault("rate_limited", times=1, retry_after_seconds=1)
    pipeline.products()
    limited = seconds(pipeline)["product_etl/2"]

    assert (slow["downloading"] > 0.7, slow["waiting"] < 0.2) == (True, True)
    assert (limited["waiting"] > 0.5, limited["downloading"] < 0.5) == (True, True)
