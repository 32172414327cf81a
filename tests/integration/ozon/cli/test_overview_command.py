"""`ozon` without a command: the state of the installation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.ozon import __version__
from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import Ozon
from tests.support.pipeline import Pipeline

NEXT_LOAD = r"next load +20\d\d-\d\d-\d\d (02|08|14|20):00 MSK, in .+"


def test_the_accounts_the_health_and_the_next_load_are_shown(
    ozon: Ozon, start_sandbox: StartSandbox, warehouse_dsn: str
) -> None:
    Pipeline(start_sandbox({"main": 50}), warehouse_dsn).load()

    done = ozon(warehouse_dsn)

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
    assert len(lines) <= 10
    expected = (
        f"Ozon ETL {re.escape(__version__)}",
        r"environment +testing, .*config/ozon\.toml",
        r"account second +unknown +product_etl never, inventory_etl never",
        r"account main +ok +product_etl \d+ seconds? ago, inventory_etl \d+ seconds? ago",
        r"health +unknown +never checked",
        r"incidents +none",
        NEXT_LOAD,
        r"More: .*ozon --help",
    )
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line


def test_of_many_accounts_the_worst_five_are_shown(ozon: Ozon, warehouse_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "ozon.toml"
    file.write_text("\n".join(f'[default.accounts.a{n}]\ntitle = "{n}"' for n in range(8)))

    shown = ozon(warehouse_dsn, OZON_CONFIG=str(file)).stdout

    assert len(re.findall(r"^account a\d", shown, re.MULTILINE)) == 5
    assert "and 3 more accounts, none of them worse" in shown


@pytest.mark.faults
def test_a_warehouse_that_cannot_be_read_is_one_of_the_lines(ozon: Ozon, empty_database_dsn: str) -> None:
    done = ozon(empty_database_dsn)

    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"warehouse +error +.*`ozon db upgrade`", done.stdout)
    assert re.search(NEXT_LOAD, done.stdout)


def test_an_unknown_name_suggests_the_nearest_one(ozon: Ozon) -> None:
    unknown = {("halth",): "health", ("run", "--account", "second1"): "second", ("--env", "prod"): "production"}
    for arguments, meant in unknown.items():
        done = ozon(None, *arguments)
        assert done.returncode == 2
        assert f"id you mean '{meant}" in done.stderr
