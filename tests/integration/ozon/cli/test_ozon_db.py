"""`ozon db`, as a process against a real PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest

from include.ozon_local.airflow import PROGRAM
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from tests.conftest import MakeEnvironment, StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.documents import data_of


def test_an_empty_database_is_brought_to_the_head_and_a_step_back(ozon: Ozon, empty_database_dsn: str) -> None:
    behind = ozon(empty_database_dsn, "db", "status")
    assert (behind.returncode, behind.stderr) == (0, "")
    assert "warehouse at revision none" in behind.stdout
    assert "run `ozon db upgrade`" in behind.stdout

    for _ in range(2):
        upgraded = ozon(empty_database_dsn, "db", "upgrade")
        assert upgraded.returncode == 0, upgraded.stderr
        assert re.fullmatch(r"warehouse at revision (\w+), this version needs \1: up to date\n", upgraded.stdout)

    back = ozon(empty_database_dsn, "db", "downgrade", "-1")
    assert back.returncode == 0, back.stderr
    assert "run `ozon db upgrade`" in back.stdout


def test_a_login_becomes_a_member_of_a_role(ozon: Ozon, warehouse_dsn: str) -> None:
    granted = ozon(warehouse_dsn, "db", "grant", "reader", "airflow")
    again = ozon(warehouse_dsn, "db", "grant", "reader", "airflow", "--output", "json")
    with psycopg.connect(warehouse_dsn) as connection:
        connection.execute("REVOKE ozon_reader FROM airflow")

    assert granted.stdout.startswith("airflow is now a member of ozon_reader, which reads")
    assert data_of(again.stdout) == {"role": "ozon_reader", "login": "airflow", "is_new": False}


@pytest.mark.parametrize(
    ("role", "login", "hint"),
    [("readr", "airflow", "did you mean 'reader'?"), ("reader", "airflo", "did you mean 'airflow'?")],
)
def test_a_wrong_role_or_login_has_the_nearest_name(
    role: str, login: str, hint: str, ozon: Ozon, warehouse_dsn: str
) -> None:
    assert_one_sentence(ozon(warehouse_dsn, "db", "grant", role, login), 2, hint)


def test_a_grant_needs_the_schema(ozon: Ozon, empty_database_dsn: str) -> None:
    done = ozon(empty_database_dsn, "db", "grant", "reader", "airflow")

    assert_one_sentence(done, 1, "Run `ozon db upgrade`")


def test_a_warehouse_of_a_newer_version_is_reported(ozon: Ozon, warehouse_dsn: str) -> None:
    with psycopg.connect(warehouse_dsn) as connection:
        connection.execute("UPDATE ozon.alembic_version SET version_num = '9999'")

    assert "a newer version of this package has migrated it" in ozon(warehouse_dsn, "db", "status").stdout
    assert_one_sentence(ozon(warehouse_dsn, "runs"), 1, "Install that one, or go back")


def test_an_unknown_revision_is_a_wrong_command_line(ozon: Ozon, warehouse_dsn: str) -> None:
    assert_one_sentence(ozon(warehouse_dsn, "db", "upgrade", "nonsense"), 2, "`ozon db status` shows the current one")


@pytest.mark.parametrize("command", [["db", "upgrade"], ["runs"]])
def test_an_unreachable_warehouse_is_one_sentence(command: list[str], ozon: Ozon) -> None:
    done = ozon("postgresql://ozon:pass-word-1@127.0.0.1:1/warehouse", *command)

    assert_one_sentence(done, 1, "Check that PostgreSQL runs and that host and port of connection ozon_warehouse")
    assert "pass-word-1" not in done.stderr


def test_a_wrong_password_is_one_sentence_without_it(ozon: Ozon, warehouse_dsn: str) -> None:
    right = urlsplit(warehouse_dsn)
    wrong = right._replace(netloc=f"{right.username}:pass-word-1@{right.hostname}:{right.port}").geturl()

    done = ozon(wrong, "db", "status")

    assert_one_sentence(done, 1, "Check login and password of connection ozon_warehouse")
    assert "pass-word-1" not in done.stderr


def test_a_missing_connection_or_configuration_is_a_wrong_command_line(ozon: Ozon, warehouse_dsn: str) -> None:
    assert_one_sentence(ozon(None, "db", "status"), 2, "Airflow has no connection ozon_warehouse")
    broken = ozon(warehouse_dsn, "db", "status", OZON__RETRY__RETRIES="many")
    assert broken.returncode == 2
    assert "OZON__RETRY__RETRIES" in broken.stderr
    assert "Traceback" not in broken.stderr


@pytest.mark.long
def test_a_connection_in_airflows_own_database_is_found(
    warehouse_dsn: str,
    start_sandbox: StartSandbox,
    make_airflow_environment: MakeEnvironment,
    ozon: Ozon,
) -> None:
    environment = make_airflow_environment(warehouse_dsn, start_sandbox())
    del environment[WAREHOUSE_CONNECTION]
    fields = json.loads(postgres_connection(warehouse_dsn))
    add = [str(PROGRAM), "connections", "add", "ozon_warehouse", "--conn-json", json.dumps(fields)]
    subprocess.run(add, env=environment, cwd=ROOT, check=True, capture_output=True)

    done = ozon(None, "db", "status", **environment)

    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
