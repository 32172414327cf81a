"""A retry of the same run resumes after the pages read; any other run starts from the beginning."""

from __future__ import annotations

import pytest

from include.ozon.errors import BadDataError, MarketplaceUnavailableError
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.faults

LIST, DETAILS = "/v3/product/list", "/v3/product/info/list"
STOCKS, SELLER_STOCKS = "/v4/product/info/stocks", "/v1/product/info/warehouse/stocks"


def undisturbed_requests(pipeline: Pipeline) -> dict[str, int]:
    """Return the requests of a whole load, from a dry run."""
    pipeline.sandbox.reset_counters()
    pipeline.products("dry", dry_run=True)
    pipeline.inventory("dry", dry_run=True)
    needed = pipeline.requests()
    pipeline.sandbox.reset_counters()
    return needed


def break_off(pipeline: Pipeline, method: str, *, after: int, fault: str = "server_error") -> int:
    """Let the run fail after a number of answers of a method, and return the number of staged pages."""
    pipeline.sandbox.fault(fault, method=method, after=after)
    component = "product" if method in {LIST, DETAILS} else "inventory"
    with pytest.raises(BadDataError if fault == "truncated_json" else MarketplaceUnavailableError):
        (pipeline.products if component == "product" else pipeline.inventory)()
    pipeline.sandbox.clear_faults()
    pipeline.sandbox.reset_counters()
    return int(pipeline.value(f"SELECT sum(pages) FROM ozon_staging.main_{component}_checkpoint"))


@pytest.mark.parametrize(("method", "after"), [(LIST, 1), (LIST, 4), (DETAILS, 0), (DETAILS, 2)])
def test_staged_products_are_not_requested_again(pipeline: Pipeline, method: str, after: int) -> None:
    needed = undisturbed_requests(pipeline)
    pages = break_off(pipeline, method, after=after)

    pipeline.products()

    asked = pipeline.requests()
    assert pages >= (after if method == LIST else 1)
    assert asked[LIST] == needed[LIST] - pages
    # Products that the first attempt listed but did not stage are requested in batches of other sizes.
    assert asked[DETAILS] <= needed[DETAILS] + 1 - (after if method == DETAILS else 0)
    pipeline.inventory()
    assert pipeline.end() == "success"
    assert_agreement(pipeline)
    assert [row["status"] for row in pipeline.attempts()] == ["failed", "success"]
    assert pipeline.attempts()[1]["rows_inserted"] == len(pipeline.truth())


@pytest.mark.parametrize(("method", "after"), [(STOCKS, 2), (SELLER_STOCKS, 1)])
def test_staged_stocks_are_not_requested_again(pipeline: Pipeline, method: str, after: int) -> None:
    needed = undisturbed_requests(pipeline)
    pipeline.products()
    pages = break_off(pipeline, method, after=after)

    pipeline.inventory()

    asked, lists = pipeline.requests(), (STOCKS, SELLER_STOCKS, "/v2/warehouse/list")
    assert pages > 0
    assert sum(asked.get(name, 0) for name in lists) == sum(needed[name] for name in lists) - pages
    assert pipeline.end() == "success"
    assert_agreement(pipeline)


@pytest.mark.parametrize(("minutes_left", "pages_kept"), [(0, 0), (1, 4)])
def test_pages_that_are_too_old_are_read_again(pipeline: Pipeline, minutes_left: int, pages_kept: int) -> None:
    needed = undisturbed_requests(pipeline)
    break_off(pipeline, LIST, after=4)
    minutes = pipeline.settings.load.resume_max_age_minutes - minutes_left
    pipeline.execute("UPDATE ozon_staging.loads SET started_at = started_at - make_interval(mins => %s)", minutes)

    pipeline.products()

    assert pipeline.requests()[LIST] == needed[LIST] - pages_kept


def test_another_run_starts_from_the_beginning(pipeline: Pipeline) -> None:
    break_off(pipeline, LIST, after=4)
    pipeline.sandbox.tick()
    needed = undisturbed_requests(pipeline)

    pipeline.load("another")

    assert pipeline.requests() == needed
    assert_agreement(pipeline)


def test_another_account_starts_on_its_own(pipeline: Pipeline) -> None:
    break_off(pipeline, LIST, after=4)

    pipeline.load("run", "second")
    pipeline.products()

    assert pipeline.requests()[LIST] > 0
    assert {row["account"] for row in pipeline.rows("SELECT DISTINCT account FROM ozon.products")} == {"main", "second"}
    assert_agreement(pipeline, "second")


def test_the_next_days_run_replaces_the_staging_of_a_failed_one(pipeline: Pipeline) -> None:
    break_off(pipeline, LIST, after=4)
    assert pipeline.staging_tables()

    assert pipeline.end() == "failed"

    assert pipeline.staging_tables() == set()
    assert pipeline.value("SELECT count(*) FROM ozon_staging.loads") == 0


def test_staging_that_a_crash_of_postgresql_has_emptied_is_read_again(pipeline: Pipeline) -> None:
    needed = undisturbed_requests(pipeline)
    break_off(pipeline, DETAILS, after=2)
    # As PostgreSQL does with unlogged tables in a recovery.
    unlogged = pipeline.rows(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'"
    )
    assert {f"ozon_staging.{name}" for name in (*pipeline.staging_tables(), "loads")} == {
        row["name"] for row in unlogged
    }
    pipeline.execute(f"TRUNCATE {', '.join(row['name'] for row in unlogged)}")

    assert pipeline.load() == "success"

    assert pipeline.requests()[LIST] == needed[LIST]
    assert_agreement(pipeline)


def test_an_answer_that_is_not_json_keeps_the_pages_before_it(pipeline: Pipeline) -> None:
    needed = undisturbed_requests(pipeline)
    break_off(pipeline, LIST, after=4, fault="truncated_json")

    pipeline.products()

    assert pipeline.requests()[LIST] == needed[LIST] - 4


def test_a_failed_attempts_record_shows_its_progress(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("set_field", method=DETAILS, field="id", value=None, share=0.1)
    break_off(pipeline, LIST, after=6)

    (record,) = pipeline.attempts()
    staged = pipeline.value("SELECT count(*) FROM ozon_staging.main_product_product")
    rejected = pipeline.rejected()
    assert staged > 0
    assert record["rows_rejected"] == len(rejected) > 0
    assert record["rows_read"] == staged + len(rejected)
    assert record["api_requests"] > 0
    assert "503" in record["error"] or "500" in record["error"]


def test_rejected_items_of_all_attempts_are_kept(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("set_field", method=DETAILS, field="id", value=None, share=0.1)
    break_off(pipeline, LIST, after=6)

    numbers = pipeline.products()

    by_attempt = {
        row["attempt"]: row["count"]
        for row in pipeline.rows("SELECT attempt, count(*) FROM ozon.rejected_items GROUP BY attempt")
    }
    assert by_attempt[1] > 0
    assert by_attempt[2] == numbers.rows_rejected
    assert numbers.rows_read == len(pipeline.truth())
