"""The selection of tests by name and by tier for `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ozon.cli import command
from tests.support.run import TIERS, NoSuchTestError, select

PIPELINE = "tests/integration/ozon/pipeline"

# The tests that README names.
PLAIN_NAMES = {
    "complete_workflow": f"{PIPELINE}/test_complete_workflow.py",
    "sequence_and_dependency": f"{PIPELINE}/test_sequence_and_dependency.py",
    "retry_with_controlled_failures": f"{PIPELINE}/test_retry_with_controlled_failures.py",
    "data_consistency": f"{PIPELINE}/test_data_consistency.py",
    "failure_and_rollback": f"{PIPELINE}/test_failure_and_rollback.py",
    "performance_metrics": f"{PIPELINE}/test_performance_metrics.py",
    "alerts": "tests/integration/ozon/monitoring/test_alerts.py",
}


def picked(*names: str, tiers: tuple[str, ...] = ()) -> tuple[list[str], str]:
    """Return the paths and the marker expression for pytest."""
    *paths, option, marks = select(names, tiers)
    assert option == "-m"
    return paths, marks


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_the_plain_names_are_one_file_each(name: str) -> None:
    assert picked(name)[0] == [PLAIN_NAMES[name]]
    assert picked(name.replace("_", " "))[0] == [PLAIN_NAMES[name]]


def test_a_part_of_a_name_picks_all_files_that_contain_it() -> None:
    paths, _ = picked("alert_")

    assert len(paths) > 1
    assert all("alert_" in Path(path).name for path in paths)


def test_a_single_test_is_picked_alone() -> None:
    assert picked("plain_names_are_one_file")[0] == [
        "tests/unit/support/test_picked_tests.py::test_the_plain_names_are_one_file_each"
    ]


def test_paths_and_names_can_be_combined_and_nothing_is_picked_twice() -> None:
    paths, _ = picked("tests/unit/dags", "complete_workflow", "complete_workflow")

    assert paths == ["tests/unit/dags", PLAIN_NAMES["complete_workflow"]]


def test_the_error_for_an_unknown_name_suggests_similar_ones() -> None:
    with pytest.raises(NoSuchTestError, match=r"unknown test 'complte_workflow'; did you mean complete_workflow"):
        picked("complte_workflow")
    with pytest.raises(NoSuchTestError, match=r"tests/nowhere/test_it.py not found in "):
        picked("tests/nowhere/test_it.py")


@pytest.mark.parametrize(
    ("names", "tiers", "marks"),
    [
        ((), (), "not long and not docker and not browser"),
        ((), ("unit",), "(unit) and not long and not docker and not browser"),
        ((), ("unit", "integration"), "(unit or integration) and not long and not docker and not browser"),
        ((), ("long",), "(long) and not docker and not browser"),
        ((), ("docker",), "(docker) and not long and not browser"),
        ((), ("browser",), "(browser) and not long and not docker"),
        (("complete_workflow",), (), "not docker and not browser"),
    ],
)
def test_long_tiers_are_skipped_unless_requested(names: tuple[str, ...], tiers: tuple[str, ...], marks: str) -> None:
    assert picked(*names, tiers=tiers)[1] == marks


def test_a_test_is_in_the_tier_of_its_folder(request: pytest.FixtureRequest) -> None:
    assert [mark.name for mark in request.node.iter_markers() if mark.name in TIERS] == ["unit"]


def test_ozon_itself_has_no_test_command() -> None:
    assert "test" not in command().commands
