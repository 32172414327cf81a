"""Deleted report files: those with a report's name, by the moment in it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.ozon.maintenance.reports import clean_report_folder, measured_at
from include.ozon.reports.visibility import file_name
from include.ozon.settings.monitoring import REPORT_FORMATS

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(days=365)
OLD = "visibility-20251123T110500Z.html"
NEW = "visibility-20251125T110500Z.html"


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"report")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("format", REPORT_FORMATS)
def test_every_name_that_we_give_is_known_again(format: str) -> None:
    assert measured_at(file_name(format, NOW)) == NOW


@pytest.mark.parametrize(
    "name",
    [
        "visibility-2025.html", "visibility-20251123T110500Z.html.bak", "visibility-20251123T110500Z.html.12345678",
        ".visibility-20251123T110500Z.html", "visibility-20259923T110500Z.html", "x-visibility-20251123T110500Z.html",
        "visibility-20251123T110500Z.pdf", "visibility-20251123T110500Z.html\n",
    ],
)  # fmt: skip
def test_other_names_are_not_ours(name: str) -> None:
    assert measured_at(name) is None


def test_old_reports_go_from_the_folder_and_those_of_the_accounts(tmp_path: Path) -> None:
    unfinished = f"main/.{OLD}.0123abcd"
    make(
        tmp_path, OLD, f"main/{OLD}", unfinished, NEW, f"main/{NEW}", f"main/deeper/{OLD}", "notes.html", f".git/{OLD}"
    )

    outcome = clean_report_folder(tmp_path, BEFORE, NOW, dry_run=False)

    assert names(tmp_path) == {NEW, f"main/{NEW}", f"main/deeper/{OLD}", "notes.html", f".git/{OLD}"}
    assert (outcome.status, outcome.files) == ("done", 3)


def test_a_dry_run_counts_and_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, f"main/{OLD}", f"main/{NEW}")
    os.utime(tmp_path / "main", (0, 0))

    outcome = clean_report_folder(tmp_path, BEFORE, NOW, dry_run=True)

    assert (outcome.files, outcome.folders, outcome.dry_run) == (1, 0, True)
    assert names(tmp_path) == {f"main/{OLD}", f"main/{NEW}"}


def test_an_accounts_folder_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "outside", OLD)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "main").symlink_to(tmp_path / "outside")

    assert clean_report_folder(tmp_path / "reports", BEFORE, NOW, dry_run=False).files == 0
    assert names(tmp_path / "outside") == {OLD}


def test_where_no_report_was_ever_saved_the_step_is_skipped(tmp_path: Path) -> None:
    assert clean_report_folder(tmp_path / "none", BEFORE, NOW, dry_run=False).status == "skipped"
