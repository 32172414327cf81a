"""Contradictions: values that are valid alone, but not together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Load = Callable[..., object]
Problems = Callable[..., list[str]]


def test_a_run_may_take_exactly_the_time_to_the_next_one(load: Load, problems: Problems) -> None:
    # 10 + 20 + 40 minutes of waits for each component, and time-outs of 60 and 160: 360 minutes.
    load(OZON__COMPONENTS__INVENTORY_ETL__TIMEOUT_MINUTES="160")

    [line] = problems(OZON__COMPONENTS__INVENTORY_ETL__TIMEOUT_MINUTES="161")

    assert "two runs are only 360 minutes apart, but one can take 361" in line
    assert 'schedule.etl = "0 2,8,14,20 * * *" (built-in)' in line
    assert "components.inventory_etl.timeout_minutes = 161 (OZON__COMPONENTS__INVENTORY_ETL__TIMEOUT_MINUTES)" in line


def test_skipped_hour_of_the_clock_counts(load: Load, problems: Problems) -> None:
    load(OZON__TIME_ZONE="Europe/Berlin", OZON__COMPONENTS__PRODUCT_ETL__TIMEOUT_MINUTES="100")

    [line] = problems(OZON__TIME_ZONE="Europe/Berlin", OZON__COMPONENTS__PRODUCT_ETL__TIMEOUT_MINUTES="101")

    assert "two runs are only 300 minutes apart, but one can take 301" in line


def test_uneven_schedule_is_judged_by_its_smallest_gap(problems: Problems) -> None:
    [line] = problems(OZON__SCHEDULE__ETL="0 2,3 * * *")

    assert "two runs are only 60 minutes apart, but one can take 260" in line


def test_longest_wait_is_not_shorter_than_the_first(load: Load, problems: Problems) -> None:
    load(OZON__RETRY__MAX_DELAY_SECONDS="300")

    [line] = problems(OZON__RETRY__MAX_DELAY_SECONDS="299")

    assert "the longest wait, 299 seconds, is shorter than the first, 300; raise retry.max_delay_seconds" in line


def test_retry_has_to_come_while_pages_may_be_reused(load: Load, problems: Problems) -> None:
    load(OZON__LOAD__RESUME_MAX_AGE_MINUTES="6")
    load(OZON__LOAD__RESUME_MAX_AGE_MINUTES="5", OZON__RETRY__RETRIES="0")

    [line] = problems(OZON__LOAD__RESUME_MAX_AGE_MINUTES="5")

    assert "pages can be reused for 300 seconds, but a retry starts after 300 at the earliest" in line


def test_both_request_rates_share_ozons_limit(load: Load, problems: Problems) -> None:
    load(OZON__API__REQUESTS_PER_SECOND="40", OZON__API__OTHER_REQUESTS_PER_SECOND="10")

    [line] = problems(OZON__API__REQUESTS_PER_SECOND="41", OZON__API__OTHER_REQUESTS_PER_SECOND="10")

    assert "together 51 requests per second, but Ozon allows 50" in line


@pytest.mark.parametrize("component", ["product_etl", "inventory_etl"])
def test_one_request_ends_before_its_task(load: Load, problems: Problems, component: str) -> None:
    # 5 attempts of 120 seconds and 180 of waits are 780 seconds, 13 minutes.
    short = {"OZON__WAREHOUSE__STATEMENT_TIMEOUT_SECONDS": "60"}
    variable = f"OZON__COMPONENTS__{component.upper()}__TIMEOUT_MINUTES"
    load(**short, **{variable: "14"})

    [line] = problems(**short, **{variable: "13"})

    assert f"one request alone can take 780 seconds (attempts x time-out + waits), but all of {component}" in line
    assert "has 780; " in line


@pytest.mark.parametrize("name", ["connect_timeout_seconds", "read_timeout_seconds"])
def test_no_single_wait_is_longer_than_its_exchange(load: Load, problems: Problems, name: str) -> None:
    load(**{f"OZON__API__{name.upper()}": "120"})

    [line] = problems(**{f"OZON__API__{name.upper()}": "121"})

    assert f"api.{name}" in line
    assert "the time-out of 121 seconds is never reached: the whole exchange ends after 120" in line


def test_ozons_warehouses_leave_time_for_the_rest(load: Load, problems: Problems) -> None:
    load(OZON__INVENTORY__OZON_WAREHOUSES_BUDGET_MINUTES="60")
    load(OZON__INVENTORY__OZON_WAREHOUSES="true", OZON__INVENTORY__OZON_WAREHOUSES_BUDGET_MINUTES="59")

    [line] = problems(OZON__INVENTORY__OZON_WAREHOUSES="true", OZON__INVENTORY__OZON_WAREHOUSES_BUDGET_MINUTES="60")

    assert "FBO warehouses may take 60 minutes, but all of inventory_etl has 60" in line


def test_statement_ends_before_its_task(load: Load, problems: Problems) -> None:
    load(OZON__WAREHOUSE__STATEMENT_TIMEOUT_SECONDS="3599")

    product, inventory = problems(OZON__WAREHOUSE__STATEMENT_TIMEOUT_SECONDS="3600")

    assert "the statement time-out, 3600 seconds, is never reached: product_etl is stopped after 3600" in product
    assert "inventory_etl is stopped after 3600" in inventory


def test_lock_time_out_comes_before_the_statements(load: Load, problems: Problems) -> None:
    load(OZON__WAREHOUSE__LOCK_TIMEOUT_SECONDS="1799")

    [line] = problems(OZON__WAREHOUSE__LOCK_TIMEOUT_SECONDS="1800")

    assert "the lock time-out, 1800 seconds, is never reached: the statement time-out, 1800, comes first" in line


@pytest.mark.parametrize("guard", ["vanished", "turned_invisible", "rejected", "price_change"])
def test_threshold_that_never_fires(load: Load, problems: Problems, guard: str) -> None:
    threshold, level = (
        f"OZON__GUARDS__{guard.upper()}__THRESHOLD_PCT",
        f"OZON__GUARDS__{guard.upper()}__LEVEL",
    )
    load(**{threshold: "99.9"})
    load(**{threshold: "100", level: "off"})

    [line] = problems(**{threshold: "100"})

    assert f'lower guards.{guard}.threshold_pct below 100, or set guards.{guard}.level to "off"' in line


def test_listing_that_always_counts_as_complete(problems: Problems) -> None:
    [line] = problems(OZON__LOAD__LISTING_SHORTFALL_PCT="100")

    assert line.startswith("ozon.toml: load.listing_shortfall_pct = 100.0 (OZON__LOAD__LISTING_SHORTFALL_PCT): ")


def test_contradiction_is_not_reported_for_an_invalid_setting(problems: Problems) -> None:
    [line] = problems(OZON__RETRY__MAX_DELAY_SECONDS="0", OZON__RETRY__FIRST_DELAY_SECONDS="4000")

    assert line.startswith("OZON__RETRY__MAX_DELAY_SECONDS: retry.max_delay_seconds = 0; allowed")
