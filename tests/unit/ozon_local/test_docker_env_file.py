"""``.env``: its secrets, and that what a person has written into it stays."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from include.ozon_local.docker import env_file
from include.ozon_local.home import ROOT

pytestmark = pytest.mark.unit


def values(file: Path) -> dict[str, str]:
    return env_file.read(file.read_text())


def test_it_is_private_and_complete_at_once(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    added = env_file.complete(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(added) == set(env_file.NAMES)
    assert values(file)["COMPOSE_PROFILES"] == ""
    warehouse = json.loads(values(file)["AIRFLOW_CONN_OZON_WAREHOUSE"])
    assert warehouse["password"] == values(file)["WAREHOUSE_PASSWORD"]


def test_no_two_secrets_and_no_two_clones_are_alike(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file in files:
        env_file.complete(file)

    secrets = [
        value for file in files for name, value in values(file).items() if name.endswith(("PASSWORD", "KEY", "SECRET"))
    ]
    assert len(secrets) == 16
    assert len(set(secrets)) == len(secrets)
    assert min(map(len, secrets)) >= 16


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    env_file.complete(file)
    before = file.read_bytes()

    assert env_file.complete(file) == []
    assert file.read_bytes() == before


def test_what_is_there_stays_and_what_is_missing_or_empty_is_added(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nWAREHOUSE_PASSWORD=my own\nADMIN_PASSWORD=\nOTHER='x=y'")
    file.chmod(0o644)

    env_file.complete(file)

    lines = file.read_text().splitlines()
    assert lines[:2] == ["# mine", "WAREHOUSE_PASSWORD=my own"]
    assert lines[3] == "OTHER='x=y'"
    assert len(values(file)["ADMIN_PASSWORD"]) >= 16
    assert json.loads(values(file)["AIRFLOW_CONN_OZON_WAREHOUSE"])["password"] == "my own"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_profile_changes_its_two_lines_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    env_file.complete(file)
    before = values(file)

    changed = env_file.complete(file, "celery")

    assert changed == ["COMPOSE_PROFILES", "AIRFLOW_EXECUTOR"]
    assert values(file) == before | {"COMPOSE_PROFILES": "celery", "AIRFLOW_EXECUTOR": "CeleryExecutor"}
    env_file.complete(file)
    assert values(file)["COMPOSE_PROFILES"] == "celery", "nobody asked for another profile"
    env_file.complete(file, "local")
    assert values(file) == before


def test_git_ignores_it() -> None:
    asked = subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=False)

    assert asked.returncode == 0
