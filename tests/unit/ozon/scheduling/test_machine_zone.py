"""The time zone of this machine's cron."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include.ozon.errors import ConfigurationError
from include.ozon.scheduling.zones import machine_zone

ZONES = Path("/usr/share/zoneinfo")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    return tmp_path


def test_a_link_names_the_zone(etc: Path) -> None:
    (etc / "localtime").symlink_to(ZONES / "Europe/Berlin")

    assert machine_zone({}, etc).name == "Europe/Berlin"


def test_a_copy_uses_the_named_zone_if_it_is_the_same(etc: Path) -> None:
    shutil.copy(ZONES / "Europe/Berlin", etc / "localtime")
    (etc / "timezone").write_text("Europe/Berlin\n")
    assert machine_zone({}, etc).name == "Europe/Berlin"

    (etc / "timezone").write_text("Asia/Tokyo\n")
    with pytest.raises(ConfigurationError, match="has an unknown name"):
        machine_zone({}, etc)


def test_a_machine_without_a_zone_has_utc(etc: Path) -> None:
    assert machine_zone({}, etc).name == "UTC"


@pytest.mark.parametrize("value", ["Asia/Tokyo", ":Asia/Tokyo", "/usr/share/zoneinfo/Asia/Tokyo"])
def test_tz_comes_first_and_a_difference_is_reported(value: str, etc: Path) -> None:
    (etc / "localtime").symlink_to(ZONES / "Europe/Berlin")

    found = machine_zone({"TZ": value}, etc)

    assert (found.name, found.source) == ("Asia/Tokyo", "TZ")
    assert "TZ is Asia/Tokyo" in found.note
    assert "is Europe/Berlin" in found.note


def test_an_empty_tz_is_utc(etc: Path) -> None:
    assert machine_zone({"TZ": ""}, etc).name == "UTC"


@pytest.mark.parametrize("value", ["MSK-3", "Nowhere/Town", "../../etc/passwd"])
def test_a_tz_that_names_no_zone_is_refused(value: str, etc: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of a time zone"):
        machine_zone({"TZ": value}, etc)
