"""The files that the page and the report are made of: unchanged third-party scripts, and what a wheel contains."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from include.ozon.reports import visibility_html
from include.ozon_local.home import ROOT

VENDOR = ROOT / "include" / "ozon" / "reports" / "assets" / "vendor"
LISTED = tomllib.loads((VENDOR / "vendor.toml").read_text())


@pytest.mark.parametrize("name", LISTED)
def test_a_third_party_script_is_the_one_that_is_named(name: str) -> None:
    entry = LISTED[name]
    content = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"], f"{entry['file']} is not that of vendor.toml"
    assert f'"{entry["version"]}"'.encode() in content, f"{entry['file']} does not name version {entry['version']}"
    assert entry["source"]
    assert entry["license"] == "Apache-2.0"


def test_each_file_of_the_folder_is_listed_with_its_licence() -> None:
    files = {entry["file"] for entry in LISTED.values()}
    notices = {notice for entry in LISTED.values() for notice in entry["notices"]}
    assert all(entry["notices"] for entry in LISTED.values())
    assert {file.name for file in VENDOR.iterdir()} == {"vendor.toml", *files, *notices}
    assert "Apache License" in (VENDOR / "echarts.LICENSE").read_text()


def test_the_report_contains_the_library_as_it_is() -> None:
    (entry,) = LISTED.values()
    assert str(visibility_html._charts_script()).startswith((VENDOR / entry["file"]).read_text())


@pytest.mark.long
def test_a_wheel_contains_templates_assets_and_catalogues(tmp_path: Path) -> None:
    uv_build = (Path(sys.executable).with_name("uv"), "build", "--no-build-isolation", "--python", sys.executable)
    done = subprocess.run(
        [*uv_build, "--wheel", "--quiet", "--out-dir", tmp_path, ROOT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("include/ozon/")}
    suffixes = {".html", ".txt", ".css", ".js", ".po", ".toml", ".LICENSE", ".NOTICE"}
    expected = {
        str(file.relative_to(ROOT)) for file in (ROOT / "include" / "ozon").rglob("*") if file.suffix in suffixes
    }
    assert expected
    assert expected <= packed
