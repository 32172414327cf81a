"""The numbers of one attempt."""

from __future__ import annotations

from include.ozon.marketplace.client import RequestUsage
from include.ozon.pipeline.numbers import ComponentNumbers, peak_memory_mb, reset_peak_memory


def full() -> ComponentNumbers:
    return ComponentNumbers(
        rows_read=10,
        rows_inserted=1,
        rows_updated=2,
        rows_unchanged=3,
        rows_rejected=4,
        rows_removed=5,
        rows_repeated=6,
    )


def test_the_line_for_a_log_has_every_number() -> None:
    numbers = full()
    numbers.take_usage(RequestUsage(requests=7, retries=8, rate_limited=5, wait_seconds=9.04))

    assert numbers.describe() == (
        "10 read = 1 inserted + 2 updated + 3 unchanged + 4 rejected; 5 removed, 6 repeated; "
        "7 requests, 8 retries, 5 refused as too many, 9.0 s waited for the API's limits"
    )


def test_a_merge_that_is_rolled_back_has_changed_nothing_and_read_all_the_same() -> None:
    numbers = full()

    numbers.forget_changes()

    assert numbers == ComponentNumbers(rows_read=10, rows_rejected=4, rows_repeated=6)


def test_usage_is_taken_as_it_stands() -> None:
    numbers = ComponentNumbers()
    numbers.take_usage(RequestUsage(requests=1, retries=0, wait_seconds=0.12345))
    numbers.take_usage(RequestUsage(requests=3, retries=1, rate_limited=1, wait_seconds=0.98765))

    assert (numbers.api_requests, numbers.api_retries, numbers.api_wait_seconds) == (3, 1, 0.988)
    assert numbers.api_rate_limited == 1


def test_the_peak_of_memory_is_the_highest_since_it_was_reset() -> None:
    block = bytearray(64 * 1024 * 1024)
    with_block = peak_memory_mb()
    del block
    # The kernel counts pages in batches.
    assert abs(peak_memory_mb() - with_block) < 8

    reset_peak_memory()

    assert peak_memory_mb() < with_block - 32
