"""The progress messages of a component."""

from __future__ import annotations

import logging
import re

import pytest

from include.ozon.pipeline.progress import ComponentProgress

logger = logging.getLogger("test.progress")


def test_the_sentence_counts_pages_and_rows_and_estimates_what_is_left() -> None:
    with ComponentProgress(logger, "product_etl of account main", 600) as progress:
        progress.expect("ALL", 300)
        progress.expect("ARCHIVED", 100)
        progress.expect("VISIBLE", None)
        progress.add_page()
        progress.advance(60)
        progress.advance(40)

    found = re.fullmatch(
        r"product_etl of account main: 1 pages, 100 rows, (\d+) rows/s, about (\d+) s left of reading",
        progress.describe(),
    )
    assert found, progress.describe()
    assert int(found[1]) > 0


@pytest.mark.parametrize(("total", "rows"), [(None, 10), (10, 12), (10, 0)])
def test_no_estimate_without_a_total_after_the_end_or_before_the_first_row(total: int | None, rows: int) -> None:
    progress = ComponentProgress(logger, "inventory_etl", 600)
    progress.expect("ALL", total)
    progress.advance(rows)

    assert f"0 pages, {rows} rows" in progress.describe()
    assert "left" not in progress.describe()


@pytest.mark.parametrize(("interval_seconds", "lines"), [(600, 0), (0, 3)])
def test_a_line_is_logged_at_most_once_in_its_interval(
    caplog: pytest.LogCaptureFixture, interval_seconds: float, lines: int
) -> None:
    progress = ComponentProgress(logger, "product_etl", interval_seconds)

    with caplog.at_level(logging.INFO, logger="test.progress"):
        for _ in range(3):
            progress.advance(1)

    assert len(caplog.records) == lines
