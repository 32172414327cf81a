"""Reports in a folder, or in any storage of ObjectStoragePath."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from include.ozon.adapter.connections.object_storage import save_report
from include.ozon.errors import ConfigurationError

CONTENT = "отчёт".encode()


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    address = save_report(str(tmp_path / "new"), "main/report.json", CONTENT)

    assert address == str(tmp_path / "new" / "main" / "report.json")
    assert Path(address).read_bytes() == CONTENT


def test_a_relative_folder_is_below_airflows_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))

    assert save_report("reports", "report.json", CONTENT) == str(tmp_path / "reports" / "report.json")


def test_a_second_report_of_that_name_takes_the_first_ones_place(tmp_path: Path) -> None:
    save_report(str(tmp_path), "report.json", b"a longer first one")
    address = save_report(str(tmp_path), "report.json", CONTENT)

    assert Path(address).read_bytes() == CONTENT


def test_nothing_but_the_report_is_left_where_it_cannot_be_finished(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()

    with pytest.raises(ConfigurationError, match=r"cannot be saved in reports\.folder \(Is a directory\)"):
        save_report(str(tmp_path), "report.json", CONTENT)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_a_full_disk_leaves_the_last_report_whole(tmp_path: Path) -> None:
    address = save_report(str(tmp_path), "report.json", CONTENT)

    # The kernel refuses to write beyond the limit, like on a full disk.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal_before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ConfigurationError, match="File too large"):
            save_report(str(tmp_path), "report.json", b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signal_before)

    assert Path(address).read_bytes() == CONTENT
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_another_storage_goes_by_its_address() -> None:
    address = save_report("memory://reports/ozon", "main/report.json", CONTENT)

    assert address == "memory://reports/ozon/main/report.json"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(
        ConfigurationError, match=r"report\.json cannot be saved in reports\.folder \(Not a directory\)"
    ):
        save_report(str(tmp_path / "file" / "reports"), "report.json", CONTENT)


def test_a_storage_that_is_not_known_is_one_sentence_without_its_address() -> None:
    with pytest.raises(ConfigurationError, match="cannot be saved") as caught:
        save_report("nosuch://user:pass@bucket/ozon", "report.json", CONTENT)
    assert "pass" not in str(caught.value)
