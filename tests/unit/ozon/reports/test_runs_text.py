"""The tables that `ozon runs` and `make run` print."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from include.ozon.reports.runs import ComponentRow
from include.ozon.reports.runs_text import runs_tables
from include.ozon.words import NOTHING

LOADED = ComponentRow(
    workflow_id="run/main", account="main", dag_run_id="run", workflow_status="success", error=None,
    component="product_etl", attempt=2, status="success",
    rows_read=1_234_567, rows_inserted=1, rows_updated=2, rows_unchanged=1_234_564, rows_removed=3, rows_rejected=0,
    api_requests=2_500, api_retries=4, duration_seconds=61.26, peak_memory_mb=120.4,
    visibility_counts={"VISIBLE": 750, "HIDDEN": 250},
)  # fmt: skip
NEVER_STARTED = ComponentRow(
    workflow_id="run/second", account="second", dag_run_id="run", workflow_status="failed",
    error="Connection ozon_api_second: found nothing.", component=None, attempt=None, status=None,
    rows_read=None, rows_inserted=None, rows_updated=None, rows_unchanged=None, rows_removed=None, rows_rejected=None,
    api_requests=None, api_retries=None, duration_seconds=None, peak_memory_mb=None, visibility_counts=None,
)  # fmt: skip


def shown(*rows: ComponentRow) -> list[list[str]]:
    """Return the lines as words, without the tables' frames."""
    console = Console(width=200)
    with console.capture() as capture:
        console.print(runs_tables(rows))
    return [[word for word in line.split() if word.isascii() or word == NOTHING] for line in capture.get().splitlines()]


def test_a_component_is_a_line_with_its_numbers() -> None:
    line = "main product_etl 2 success 1 234 567 1 2 1 234 564 3 0 2 500 4 61.3 120"
    assert line.split() in shown(LOADED)


def test_the_seconds_by_phase_are_a_table_of_their_own() -> None:
    timed = replace(LOADED, seconds={"waiting": 1.04, "downloading": 30, "staging": 20, "comparing": 4, "merging": 6})
    assert ["product_etl", "main", "1.0", "30.0", "20.0", "4.0", "6.0"] in shown(timed)


def test_warnings_follow_the_tables_each_with_its_workflow() -> None:
    warned = replace(LOADED, warnings=["Warehouse 5 cannot be read.", "FBO stock is kept."])
    assert shown(LOADED, warned)[-2:] == [
        ["run/main:", "warning:", "Warehouse", "5", "cannot", "be", "read."],
        ["run/main:", "warning:", "FBO", "stock", "is", "kept."],
    ]


def test_a_workflow_without_a_component_shows_its_own_status_and_why() -> None:
    lines = shown(LOADED, NEVER_STARTED)
    assert ["second", NOTHING, NOTHING, "failed", *[NOTHING] * 10] in lines
    assert ["run/second:", "Connection", "ozon_api_second:", "found", "nothing."] in lines


def test_a_success_has_nothing_to_explain() -> None:
    assert not [line for line in shown(LOADED) if "run/main:" in line]


def test_an_error_is_shown_once_for_both_components() -> None:
    failed = replace(LOADED, error="It broke.")
    lines = shown(failed, replace(failed, component="inventory_etl"))
    assert lines.count(["run/main:", "It", "broke."]) == 1


def test_the_distribution_is_in_the_order_of_the_contract_with_shares() -> None:
    lines = shown(LOADED)
    visible, hidden = ["main", "VISIBLE", "750", "75.0", "%"], ["main", "HIDDEN", "250", "25.0", "%"]
    assert lines.index(visible) < lines.index(hidden)


def test_square_brackets_in_an_error_are_no_markup() -> None:
    (error_line,) = [
        line for line in shown(replace(LOADED, error='accept_guard = ["vanished"]')) if "run/main:" in line
    ]
    assert error_line[-1] == '["vanished"]'


def test_no_runs_are_a_sentence() -> None:
    assert "No workflow is recorded." in " ".join(shown()[0])
