"""The numbers of one attempt."""

from __future__ import annotations

from include.ozon.marketplace.client import RequestUsage
from include.ozon.pipeline.numbers import ComponentNumbers, peak_memory_mb, reset_peak_memory
from include.ozon.pipeline.phases import PhaseSeconds


def full() -> ComponentNumbers:
    return ComponentNumbers(
        rows_read=10,
        rows_inserted=1,
        rows_updated=2,
        rows_unchanged=3,
        rows_rejected=4,
        rows_removed=5,
        rows_repeated=6,
        rows_written={"products": 8},
    )


def test_the_line_for_a_log_has_every_number() -> None:
    numbers = full()
    numbers.set_usage(RequestUsage(requests=7, retries=8, rate_limited=5, wait_seconds=9.04))
    numbers.seconds = PhaseSeconds(waiting=1, downloading=2.04, staging=3, comparing=4, merging=5)

    assert numbers.describe() == (
        "10 read = 1 inserted + 2 updated + 3 unchanged + 4 rejected; 5 removed, 6 repeated; "
        "7 requests, 8 retries, 5 rate-limited, 9.0 s waited for the API's limits; "
        "1.0 s waiting, 2.0 s downloading, 3.0 s staging, 4.0 s comparing, 5.0 s merging"
    )


def test_a_rolled_back_merge_resets_changes_but_not_reads() -> None:
    numbers = full()

    numbers.reset_changes()

    assert numbers == ComponentNumbers(rows_read=10, rows_rejected=4, rows_repeated=6)


def test_usage_is_copied() -> None:
    numbers = ComponentNumbers()
    numbers.set_usage(RequestUsage(requests=1, retries=0, wait_seconds=0.12345))
    numbers.set_usage(RequestUsage(requests=3, retries=1, rate_limited=1, wait_seconds=0.98765))

    assert (numbers.api_requests, numbers.api_retries, numbers.api_wait_seconds) == (3, 1, 0.988)
    assert numbers.api_rate_limited == 1


def test_peak_memory_is_the_highest_since_the_reset() -> None:
    block = bytearray(64 * 1024 * 1024)
    with_block = peak_memory_mb()
    del block
    # The kernel counts pages in batches.
    assert abs(peak_memory_mb() - with_block) < 8

    reset_peak_memory()

    assert peak_memory_mb() < with_block - 32
