"""`ozon config validate`, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.ozon_local.home import ROOT

pytestmark = pytest.mark.unit


def ozon(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("ozon")), *arguments],
        env={**os.environ, **variables},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_valid_configuration_is_named_with_its_accounts() -> None:
    done = ozon("config", "validate", OZON_ENV="testing")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The configuration is valid: environment testing, accounts main, second.\n"


def test_all_mistakes_are_told_at_once_without_a_traceback() -> None:
    done = ozon("config", "validate", OZON_ENV="testin", OZON__SCHEDULE__ETL="daily", OZON__RETRY__RETRIES="many")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ozon: The configuration has 3 problems:")
    assert all(name in done.stderr for name in ("OZON_ENV", "OZON__SCHEDULE__ETL", "OZON__RETRY__RETRIES"))
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = ozon("config", "validate", OZON_CONFIG=str(tmp_path / "none.toml"))

    assert done.returncode == 2
    assert str(tmp_path / "none.toml") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["runs", "--last", "none"], ["runs", "--last", "0"], ["runs", "--since", "yesterday"]]
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    done = ozon(*arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_help_needs_neither_airflow_nor_a_valid_configuration() -> None:
    done = ozon("--help", OZON_ENV="nonsense", PYTHONVERBOSE="1")

    assert done.returncode == 0
    assert all(command in done.stdout for command in ("db", "config", "runs"))
    assert "import 'typer'" in done.stderr
    assert "import 'airflow" not in done.stderr
