"""``.env``: its secrets, and values that a person wrote, which stay."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from include.ozon.errors import FatalError
from include.ozon_local.docker import env_file
from include.ozon_local.home import ROOT


def values(file: Path) -> dict[str, str]:
    return env_file.read(file.read_text())


def test_a_new_file_is_private_and_complete(tmp_path: Path) -> None:
    file = tmp_path / ".env"

    added = env_file.complete(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(added) == set(env_file.NAMES)
    assert values(file)["COMPOSE_PROFILES"] == ""
    warehouse = json.loads(values(file)["AIRFLOW_CONN_OZON_WAREHOUSE"])
    assert warehouse["password"] == values(file)["WAREHOUSE_PASSWORD"]


def test_all_secrets_of_all_clones_differ(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file in files:
        env_file.complete(file)

    secrets = [
        value for file in files for name, value in values(file).items() if name.endswith(("PASSWORD", "KEY", "SECRET"))
    ]
    assert len(secrets) == 16
    assert len(set(secrets)) == len(secrets)
    assert min(map(len, secrets)) >= 16


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    env_file.complete(file)
    before = file.read_bytes()

    assert env_file.complete(file) == []
    assert file.read_bytes() == before


def test_existing_values_stay_and_missing_or_empty_ones_are_added(tmp_path: Path) -> None:
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


# A value as a person may write it, and as every compose reads it.
PASSWORDS = {
    "'p@/#%?$x \"y\" z'": 'p@/#%?$x "y" z',
    '"it\'s @/#%?"': "it's @/#%?",
    "'a\\b'": "a\\b",
    "my own": "my own",
    "100%41@/?": "100%41@/?",
}


@pytest.mark.parametrize("written", PASSWORDS)
def test_a_persons_password_is_the_same_in_every_address(tmp_path: Path, written: str) -> None:
    file = tmp_path / ".env"
    names = ("AIRFLOW_DB_PASSWORD", "REDIS_PASSWORD", "WAREHOUSE_PASSWORD", "SANDBOX_KEY_MAIN")
    file.write_text("".join(f"{name}={written}\n" for name in names))

    env_file.complete(file)

    found = values(file)
    assert {found[name] for name in names} == {PASSWORDS[written]}
    for name in ("AIRFLOW_DB_PASSWORD_IN_URI", "REDIS_PASSWORD_IN_URI"):
        assert re.fullmatch(r"([\w.~-]|%[0-9A-F]{2})+", found[name])
        assert unquote(found[name]) == PASSWORDS[written]
    for name in ("AIRFLOW_CONN_OZON_WAREHOUSE", "AIRFLOW_CONN_OZON_API_MAIN"):
        assert json.loads(found[name])["password"] == PASSWORDS[written]
        assert not re.search(r"""'|\\[^u]""", found[name]), "compose would interpret it"
    assert env_file.complete(file) == [], "its own output is refused or changed"


@pytest.mark.parametrize(
    "written", ["a#b", "a$b", "it's", "'it's'", "'a${b}'", '"a$b"', '"a\\b"', "a\\b", "'a\\'", "'a' # mine", "'a\\\\b'"]
)
def test_a_password_that_compose_would_read_differently_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"AIRFLOW_DB_PASSWORD={written}\n")

    with pytest.raises(FatalError, match=r"AIRFLOW_DB_PASSWORD in .*single quotes") as refused:
        env_file.complete(file)

    assert written not in str(refused.value)
    assert file.read_text() == f"AIRFLOW_DB_PASSWORD={written}\n"


def test_a_changed_password_is_changed_in_the_addresses(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    env_file.complete(file)
    file.write_text(file.read_text() + "REDIS_PASSWORD='another/one'\n")

    assert env_file.complete(file) == ["REDIS_PASSWORD_IN_URI"]
    assert values(file)["REDIS_PASSWORD_IN_URI"] == "another%2Fone"


def test_a_profile_changes_only_its_two_lines(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    env_file.complete(file)
    before = values(file)

    changed = env_file.complete(file, "celery")

    assert changed == ["COMPOSE_PROFILES", "AIRFLOW_EXECUTOR"]
    assert values(file) == before | {"COMPOSE_PROFILES": "celery", "AIRFLOW_EXECUTOR": "CeleryExecutor"}
    env_file.complete(file)
    assert values(file)["COMPOSE_PROFILES"] == "celery", "the profile stays"
    env_file.complete(file, "local")
    assert values(file) == before


def test_git_ignores_it() -> None:
    asked = subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=False)

    assert asked.returncode == 0
