"""A component with a temporary failure of each kind succeeds in the next attempt."""

from __future__ import annotations

from typing import Any

import pytest

from include.ozon.errors import AccessDeniedError, FatalError, ObsoleteMethodError, RetriableError
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline, changed

pytestmark = pytest.mark.faults

# The API's fault, its parameters, and the text in the failed attempts' records.
FAILURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a fault of Ozon's": ("server_error", {"status": 500}, "HTTP 500"),
    "an edge that is down": ("server_error", {"status": 503}, "HTTP 503"),
    "too many requests": ("rate_limited", {"retry_after_seconds": 0}, "HTTP 429"),
    "a connection that breaks off": ("broken_connection", {}, ""),
    "half an answer": ("truncated_json", {}, "JSON"),
    "a page for people": ("not_json", {}, "JSON"),
}
METHODS = {"product_etl": "/v3/product/list", "inventory_etl": "/v4/product/info/stocks"}
FAILED_ATTEMPTS = 2


def run(pipeline: Pipeline, component: str) -> None:
    (pipeline.products if component == "product_etl" else pipeline.inventory)()


@pytest.mark.parametrize("component", METHODS)
@pytest.mark.parametrize("failure", FAILURES)
def test_the_attempt_after_the_failures_loads_everything_once(pipeline: Pipeline, component: str, failure: str) -> None:
    fault, parameters, sentence = FAILURES[failure]
    pipeline.settings = changed(pipeline.settings, "api", retry_budget_seconds=0)
    if component == "inventory_etl":
        pipeline.products()

    for _ in range(FAILED_ATTEMPTS):
        # One for each attempt: lists are read in parallel, and one attempt could use up the faults of two.
        pipeline.sandbox.fault(fault, method=METHODS[component], times=1, **parameters)
        with pytest.raises(RetriableError):
            run(pipeline, component)
    run(pipeline, component)

    attempts = pipeline.attempts(component)
    assert [(row["attempt"], row["status"]) for row in attempts] == [(1, "failed"), (2, "failed"), (3, "success")]
    assert all(sentence in row["error"] for row in attempts[:FAILED_ATTEMPTS])
    assert [row["rows_inserted"] > 0 for row in attempts] == [False, False, True]
    if component == "product_etl":
        pipeline.inventory()
    assert pipeline.end() == "success"
    assert pipeline.workflow()["error"] is None
    assert_agreement(pipeline)


def test_permanent_failures_leave_a_failed_workflow_with_the_last_reason(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method=METHODS["product_etl"], status=502)
    for _ in range(3):
        with pytest.raises(RetriableError):
            pipeline.products()

    assert pipeline.end() == "failed"

    workflow = pipeline.workflow()
    assert workflow["component_statuses"] == {"product_etl": "failed"}
    assert "HTTP 502" in workflow["error"]
    assert pipeline.value("SELECT count(*) FROM ozon.products") == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [("key_unknown", AccessDeniedError), ("role_missing", AccessDeniedError), ("method_obsolete", ObsoleteMethodError)],
)
def test_a_fault_that_a_person_has_to_fix_is_requested_once(
    pipeline: Pipeline, fault: str, error: type[FatalError]
) -> None:
    pipeline.sandbox.fault(fault)

    with pytest.raises(error):
        pipeline.products()

    (record,) = pipeline.attempts()
    assert record["status"] == "failed"
    assert record["api_retries"] == 0


def test_failures_of_one_account_do_not_affect_the_others(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("server_error", method=METHODS["product_etl"], account="main")
    with pytest.raises(RetriableError):
        pipeline.products()

    assert pipeline.load("run", "second") == "success"

    assert_agreement(pipeline, "second")
    assert pipeline.end() == "failed"
