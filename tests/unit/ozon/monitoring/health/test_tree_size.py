"""Counting files and bytes below a folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from include.ozon.monitoring.health.tree import TreeSize, measure_tree


def write(path: Path, kib: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(b"x" * 1024 * kib)
        os.fsync(file.fileno())
    return path


def test_everything_below_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.log", 64)
    write(tmp_path / "deep/er/b.log", 128)
    write(tmp_path / "deep/empty.log", 0)

    assert measure_tree(tmp_path) == TreeSize(3, 192 * 1024, is_complete=True)


def test_a_hole_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "cut.log").open("wb") as file:
        file.truncate(10**9)

    size = measure_tree(tmp_path)

    assert (size.file_count, size.byte_count < 10**6) == (1, True)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside/big.log", 1024)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "loop").symlink_to(logs)
    (logs / "folder").symlink_to(outside.parent)
    (logs / "file").symlink_to(outside)
    (logs / "nowhere").symlink_to(tmp_path / "missing")

    size = measure_tree(logs)

    assert size.file_count == 4
    assert size.byte_count < 64 * 1024


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert measure_tree(tmp_path / "missing") == TreeSize(0, 0, is_complete=True)


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        measure_tree(write(tmp_path / "logs", 1))


def test_many_files_are_not_all_counted(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / str(number % 3) / f"{number}.log", 4)

    assert measure_tree(tmp_path, most_files=4) == TreeSize(4, 4 * 4096, is_complete=False)


def test_after_the_time_limit_the_size_is_a_minimum(tmp_path: Path) -> None:
    write(tmp_path / "a.log", 4)
    write(tmp_path / "b.log", 4)

    assert measure_tree(tmp_path, most_seconds=0) == TreeSize(1, 4096, is_complete=False)


def test_a_file_that_vanishes_meanwhile_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean-up removes a folder and a file after they were listed and before they are read."""
    write(tmp_path / "kept.log", 4)
    write(tmp_path / "gone/one.log", 4)
    scan = os.scandir

    def scan_and_clean(path: str) -> object:
        if path.endswith("gone"):
            (tmp_path / "gone/one.log").unlink(missing_ok=True)
            (tmp_path / "gone").rmdir()
        return scan(path)

    monkeypatch.setattr(os, "scandir", scan_and_clean)

    assert measure_tree(tmp_path).file_count == 1


def test_sockets_and_pipes_are_no_reason_to_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))

        assert measure_tree(tmp_path).file_count == 2
