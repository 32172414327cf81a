"""Deleted and kept logs; no other file is ever touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.ozon.cli.run_log import log_file
from include.ozon.maintenance import folders
from include.ozon.maintenance.logs import LogFolder, clean_logs
from include.ozon.maintenance.steps import Outcome
from include.ozon.settings.maintenance import MaintenanceSettings

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
OLD_TASK = "dag_id=ozon_etl/run_id=a/task_id=product_etl/map_index=0/attempt=1.log"
NEW_TASK = "dag_id=ozon_etl/run_id=b/task_id=product_etl/attempt=1.log"
OLD_PROCESS = "dag_processor/2026-10-01/dags-folder/ozon_etl.py.log"
NEW_PROCESS = "scheduler/2026-11-23/ozon_etl.py.log"

Write = Callable[..., Path]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def write(logs: Path) -> Write:
    """``write(name, days=31)``: write a log of that age; its folders have the same age."""

    def write(name: str, days: float = 0.0, kilobytes: int = 4, root: Path = logs) -> Path:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(kilobytes * 1024))
        moment = (NOW - timedelta(days=days)).timestamp()
        for place in (file, *file.parents):
            if place == root.parent:
                break
            os.utime(place, (moment, moment))
        return file

    return write


def clean(*roots: Path | LogFolder, dry_run: bool = False, **settings: Any) -> Outcome:
    places = [root if isinstance(root, LogFolder) else LogFolder(root) for root in roots]
    return clean_logs(places, ("ozon_etl",), MaintenanceSettings(**settings), NOW, dry_run=dry_run)


def everything(folder: Path) -> dict[str, tuple[int, float]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_ino, path.lstat().st_mtime)
        for path in sorted(folder.rglob("*"))
    }


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def test_task_logs_and_the_processes_logs_have_days_of_their_own(logs: Path, write: Write) -> None:
    write(OLD_TASK, days=31)
    write(NEW_TASK, days=29)
    write(OLD_PROCESS, days=8)
    write(NEW_PROCESS, days=6)

    outcome = clean(logs, task_logs_days=30, scheduler_logs_days=7)

    assert files(logs) == {NEW_TASK, NEW_PROCESS}
    assert (outcome.status, outcome.files, outcome.bytes) == ("done", 2, 8192)
    assert outcome.details[0] == "expired: 2 files (8.0 kB)"


def test_the_logs_of_runs_by_cron_expire_too(logs: Path) -> None:
    file = log_file(logs)
    moment = (NOW - timedelta(days=8)).timestamp()
    os.utime(file, (moment, moment))

    clean(logs, scheduler_logs_days=7)

    assert not file.exists()


def test_folders_that_are_empty_then_are_removed_unless_they_are_young(logs: Path, write: Write) -> None:
    write(OLD_TASK, days=31)
    write(NEW_TASK, days=2)
    (logs / "dag_id=ozon_etl/run_id=new").mkdir()
    os.utime(logs / "dag_id=ozon_etl/run_id=new", (NOW.timestamp(), NOW.timestamp()))

    outcome = clean(logs)

    left = {str(path.relative_to(logs)) for path in logs.rglob("*") if path.is_dir()}
    assert left == {
        "dag_id=ozon_etl",
        "dag_id=ozon_etl/run_id=b",
        "dag_id=ozon_etl/run_id=b/task_id=product_etl",
        "dag_id=ozon_etl/run_id=new",
    }
    assert outcome.folders == 3


def test_above_the_total_size_the_oldest_go_first(logs: Path, write: Write) -> None:
    for day in range(1, 7):
        kind = "dag_processor/d" if day % 2 else "dag_id=ozon_etl/run_id=r"
        write(f"{kind}{day}/x.log", days=day, kilobytes=400)

    outcome = clean(logs, logs_max_mb=1)

    assert files(logs) == {"dag_processor/d1/x.log", "dag_id=ozon_etl/run_id=r2/x.log"}
    assert outcome.files == 4
    assert outcome.details == [
        "expired: none", "above the limit of 1.0 MB: 4 files (1.6 MB)", "kept: 800.0 kB"
    ]  # fmt: skip


def test_of_logs_of_one_minute_only_as_many_go_as_it_takes(logs: Path, write: Write) -> None:
    for number in range(8):
        write(f"dag_id=ozon_etl/run_id=r/{number}.log", days=1, kilobytes=256)

    assert clean(logs, logs_max_mb=1).files == 4
    assert len(files(logs)) == 4


def test_a_log_of_the_last_hour_stays_however_little_room_there_is(logs: Path, write: Write) -> None:
    write(NEW_TASK, days=0.01, kilobytes=3000)
    write(OLD_TASK, days=0.1, kilobytes=100)

    clean(logs, logs_max_mb=1)

    assert files(logs) == {NEW_TASK}


def test_a_dry_run_reports_the_same_and_changes_nothing(logs: Path, write: Write) -> None:
    write(OLD_TASK, days=31, kilobytes=700)
    write(OLD_PROCESS, days=8)
    for day in range(1, 6):
        write(f"dag_id=ozon_etl/run_id=r{day}/task_id=t/x.log", days=day, kilobytes=400)
    empty = logs / "dag_id=ozon_etl" / "run_id=empty"
    empty.mkdir()
    os.utime(empty, (0, 0))
    os.utime(empty.parent, (0, 0))
    before = everything(logs)

    shown = clean(logs, dry_run=True, logs_max_mb=1)
    assert everything(logs) == before
    done = clean(logs, logs_max_mb=1)

    assert (shown.files, shown.bytes, shown.folders) == (done.files, done.bytes, done.folders)
    assert (shown.details, shown.dry_run) == (done.details, True)
    assert done.files == 5


def test_foreign_files_and_other_file_types_stay(logs: Path, write: Write) -> None:
    others = {
        "dag_id=others/run_id=a/attempt=1.log",
        "dag_id=ozon_etl_of_others/run_id=a/attempt=1.log",
        "others/app.log",
        "top.log",
        "dag_id=ozon_etl/run_id=a/notes.txt",
        "dag_id=ozon_etl/run_id=a/.log",
    }
    for name in others:
        write(name, days=4000)

    assert clean(logs, logs_max_mb=1).files == 0
    assert files(logs) == others


def test_where_airflow_is_ours_alone_other_dags_logs_go_too(logs: Path, write: Write) -> None:
    write("dag_id=others/run_id=a/attempt=1.log", days=31)
    write("others/app.log", days=31)

    assert clean(logs, other_dags=True).files == 1
    assert files(logs) == {"others/app.log"}


def test_links_are_neither_followed_nor_deleted(logs: Path, write: Write, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    precious = write("dag_id=ozon_etl/precious.log", days=4000, root=outside)
    in_it = write("precious.log", days=4000, root=outside)
    (logs / "dag_id=ozon_etl").symlink_to(outside / "dag_id=ozon_etl")
    (logs / "scheduler").mkdir()
    (logs / "scheduler" / "latest").symlink_to(outside)
    (logs / "scheduler" / "a.log").symlink_to(in_it)

    assert clean(logs, logs_max_mb=1).files == 0
    assert precious.exists()
    assert in_it.exists()
    assert (logs / "scheduler" / "a.log").is_symlink()


def test_a_configured_folder_that_is_a_link_itself_is_cleaned(logs: Path, write: Write, tmp_path: Path) -> None:
    write(OLD_TASK, days=31)
    (tmp_path / "link").symlink_to(logs)

    assert clean(tmp_path / "link").files == 1


def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(
    logs: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check of a folder and its opening."""
    outside = tmp_path / "outside"
    precious = write("attempt=1.log", days=4000, root=outside)
    write("dag_id=ozon_etl/run_id=a/attempt=1.log", days=31)
    real_stat = os.stat

    def exchanging(name: Any, **options: Any) -> os.stat_result:
        found = real_stat(name, **options)
        if name == "run_id=a":
            (logs / "dag_id=ozon_etl/run_id=a").rename(tmp_path / "moved")
            (logs / "dag_id=ozon_etl/run_id=a").symlink_to(outside)
        return found

    monkeypatch.setattr(folders.os, "stat", exchanging)
    outcome = clean(logs)

    assert precious.exists()
    assert outcome.files == 0
    assert outcome.status == "failed"


def test_a_file_that_vanishes_meanwhile_is_ignored(logs: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = write("dag_id=ozon_etl/run_id=a/attempt=1.log", days=31)
    write("dag_id=ozon_etl/run_id=a/attempt=2.log", days=31)
    real_unlink = os.unlink

    def vanishing(name: str, **options: Any) -> None:
        if name == gone.name:
            gone.unlink()
        real_unlink(name, **options)

    monkeypatch.setattr(folders.os, "unlink", vanishing)
    outcome = clean(logs)

    assert (outcome.status, outcome.files, outcome.folders) == ("done", 1, 2)
    assert not list(logs.iterdir())


def test_a_file_that_cannot_be_deleted_is_named_and_the_others_are_deleted(
    logs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("dag_id=ozon_etl/run_id=a/attempt=1.log", days=31)
    write("dag_id=ozon_etl/run_id=a/attempt=2.log", days=31)
    real_unlink = os.unlink

    def refusing(name: str, **options: Any) -> None:
        if name == "attempt=1.log":
            raise PermissionError(13, "Permission denied")
        real_unlink(name, **options)

    monkeypatch.setattr(folders.os, "unlink", refusing)
    outcome = clean(logs)

    assert (outcome.status, outcome.files) == ("failed", 1)
    assert (
        "1 file cannot be read or deleted (dag_id=ozon_etl/run_id=a/attempt=1.log: Permission denied)"
        in outcome.message
    )


def test_a_folder_of_the_processes_elsewhere_is_cleaned_too(logs: Path, write: Write, tmp_path: Path) -> None:
    write(OLD_TASK, days=31)
    elsewhere = tmp_path / "elsewhere"
    write("2026-10-01/ozon_etl.py.log", days=31, root=elsewhere)

    assert clean(logs, LogFolder(elsewhere, of_processes=True)).files == 2
    assert not files(elsewhere)


def test_no_folder_at_all_is_a_reason_to_skip(tmp_path: Path) -> None:
    outcome = clean(tmp_path / "nowhere")
    assert (outcome.status, outcome.message) == (
        "skipped",
        f"Folder {tmp_path}/nowhere does not exist on this machine.",
    )


@pytest.mark.long
def test_a_huge_folder_is_cleaned_without_keeping_a_list_of_it(logs: Path) -> None:
    """As many as after a month of health checks; one file with many hard links."""
    folder = logs / "dag_id=ozon_etl" / "run_id=a"
    folder.mkdir(parents=True)
    for number in range(20_000):
        descriptor = os.open(folder / f"attempt={number}.log", os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
        os.utime(folder / f"attempt={number}.log", (0, 0))
    os.utime(folder, (0, 0))

    outcome = clean(logs)

    assert (outcome.files, outcome.folders) == (20_000, 1)
    assert not folder.exists()


def test_a_file_with_a_second_name_elsewhere_gives_no_room_back(logs: Path, write: Write, tmp_path: Path) -> None:
    os.link(write(OLD_TASK, days=31), tmp_path / "copy.log")

    outcome = clean(logs)

    assert (outcome.files, outcome.bytes) == (1, 0)
    assert (tmp_path / "copy.log").exists()


def test_a_bind_mount_of_the_same_file_system_is_not_entered(logs: Path, write: Write, tmp_path: Path) -> None:
    outside = write(OLD_TASK, days=31, root=tmp_path / "outside" / "logs")
    source, place = outside.parents[4], logs / "dag_id=ozon_etl"
    place.mkdir()
    if subprocess.run(["mount", "--bind", source, place], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    try:
        assert place.stat().st_dev == logs.stat().st_dev
        outcome = clean(logs)
    finally:
        subprocess.run(["umount", place], check=True)

    assert (outcome.files, outcome.folders) == (0, 0)
    assert outside.exists()
