from __future__ import annotations

import importlib.metadata
import shutil
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.specifiers import SpecifierSet

from include.ozon.checks import Check
from include.ozon.diagnosis import machine
from include.ozon_local.home import ROOT


class Version(NamedTuple):
    major: int
    minor: int
    micro: int = 0


def requirements(folder: Path, *lines: str) -> Path:
    file = folder / "requirements.txt"
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10), "failed"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "failed")],
)
def test_python_has_to_be_one_of_the_versions_of_the_project(
    version: tuple[int, int], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.sys, "version_info", Version(*version))

    (check,) = machine.python()

    assert check.status == status
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert (f"{version[0]}.{version[1]}" in SpecifierSet(wanted)) == (status == "ok")


def test_packages_as_they_are_here_are_those_that_were_tested() -> None:
    (check,) = machine.packages()

    assert check.status == "ok", check.message


def test_a_missing_package_comes_before_another_version(tmp_path: Path) -> None:
    rich = importlib.metadata.version("rich")
    file = requirements(
        tmp_path,
        "# a comment",
        "rich==0.1",
        "no-such-package-anywhere==1.0",
        'not-for-this-python==1.0 ; python_version < "3"',
    )

    (check,) = machine.packages(file)

    assert check.status == "failed"
    assert "Not installed: no-such-package-anywhere." in check.message
    assert f"pip install -r {file}" in check.message
    (other,) = machine.packages(requirements(tmp_path, "rich==0.1"))
    assert other.status == "warning"
    assert f"rich {rich} (tested: 0.1)" in other.message


def test_without_the_file_the_versions_are_unknown(tmp_path: Path) -> None:
    (check,) = machine.packages(tmp_path / "requirements.txt")

    assert check.status == "unknown"


def test_this_copy_of_the_project_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert [check.status for check in machine.project()] == ["ok"]

    monkeypatch.setattr(machine, "PROJECT", tmp_path)
    (check,) = machine.project()

    assert check.status == "failed"
    assert f"found it in {ROOT}" in check.message
    assert f"PYTHONPATH={tmp_path}" in check.message


def test_an_environment_that_was_not_chosen_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OZON_ENV", "production")
    assert [check.status for check in machine.environment()] == ["ok"]

    monkeypatch.delenv("OZON_ENV")
    assert [check.status for check in machine.environment()] == ["warning"]


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    good, bad = machine.folders([tmp_path / "new" / "logs", tmp_path / "file" / "reports"])

    assert (good.name, good.status) == ("folder logs", "ok")
    assert (bad.name, bad.status) == ("folder reports", "failed")
    assert "cannot be written to" in bad.message


def test_a_disk_that_is_nearly_full_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**29})())

    (check,) = machine.folders([tmp_path])

    assert check == Check(
        f"folder {tmp_path.name}",
        "failed",
        f"{tmp_path} has 0.50 GB of free space, expected 1 GB. Free some, or move it.",
    )
