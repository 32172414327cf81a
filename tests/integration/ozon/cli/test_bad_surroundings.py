"""Missing surroundings: a command reports them in one sentence or in its report, with its exit code.

How each command ends stands in tests/support/commands.py.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.scheduling.wrapper import NOT_DUE_EXIT_CODE
from include.ozon_local.airflow import airflow_environment
from include.ozon_local.postgres import AIRFLOW_ROLE, SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support import scratch
from tests.support.commands import ROWS, Reported

pytestmark = pytest.mark.long

SECRET = "pass-word-1"
STRANGER = "stranger_of_bad_surroundings"
METADATA, WAREHOUSE = "surroundings_metadata", "surroundings_warehouse"
SQL_ALCHEMY_CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
# The messages for a metadata database that is gone.
METADATA_IS_GONE = {"maintenance": "`airflow db clean` failed"}
NOBODYS_API = json.dumps({"conn_type": "http", "host": "http://127.0.0.1:1", "login": "7", "password": SECRET})
# Not even root may create anything there.
CLOSED_FOLDER = "/sys/airflow"


@pytest.fixture(scope="module")
def airflow(postgres: EmbeddedPostgres, metadata_template: str) -> Iterator[dict[str, str]]:
    """The variables of an Airflow with a metadata database."""
    postgres.create_database(METADATA, AIRFLOW_ROLE, template=metadata_template)
    yield airflow_environment(scratch.new_folder("surroundings"), postgres.dsn(METADATA, AIRFLOW_ROLE))
    postgres.drop_database(METADATA)


@pytest.fixture(scope="module")
def warehouse(postgres: EmbeddedPostgres, warehouse_template: str) -> Iterator[str]:
    """A warehouse that the tests of this file do not change."""
    postgres.create_database(WAREHOUSE, WAREHOUSE_ROLE, template=warehouse_template)
    yield postgres.dsn(WAREHOUSE, WAREHOUSE_ROLE)
    postgres.drop_database(WAREHOUSE)


@pytest.fixture(scope="module")
def strangers_dsn(postgres: EmbeddedPostgres, warehouse: str) -> Iterator[str]:
    """The warehouse for a role that may only sign in."""
    role = sql.Identifier(STRANGER)
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, SECRET))
        found = urlsplit(warehouse)
        yield found._replace(netloc=f"{STRANGER}:{SECRET}@{found.hostname}:{found.port}").geturl()
        superuser.execute(sql.SQL("DROP ROLE {}").format(role))


def needs(name: str) -> list[str]:
    return [words for words, row in ROWS.items() if getattr(row, name) is not None]


def line(words: str) -> tuple[str, ...]:
    """Return the command with JSON output, if it has any."""
    return (*words.split(), *ROWS[words].arguments)


def answers(
    ozon_process: Ozon, words: str, expected: int | Reported | None, message: str, dsn: str | None, **variables: str
) -> None:
    if isinstance(expected, Reported):
        done = ozon_process(dsn, *line(words), "--output", "json", **variables)
        assert (done.returncode, done.stderr) == (expected.exit_code, ""), done.stdout + done.stderr
        assert message in json.dumps(json.loads(done.stdout), ensure_ascii=False)
    else:
        assert expected is not None
        done = ozon_process(dsn, *line(words), **variables)
        assert_one_sentence(done, expected, message)
    assert_no_secret_and_no_traceback(done)


def assert_no_secret_and_no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert SECRET not in text


@pytest.mark.parametrize("words", needs("connection"))
def test_a_connection_that_is_missing(words: str, ozon_process: Ozon, airflow: dict[str, str]) -> None:
    answers(ozon_process, words, ROWS[words].connection, "Airflow has no connection ozon_warehouse", None, **airflow)


@pytest.mark.parametrize("words", needs("warehouse"))
def test_a_warehouse_that_cannot_be_reached(words: str, ozon_process: Ozon, airflow: dict[str, str]) -> None:
    nowhere = f"postgresql://ozon:{SECRET}@127.0.0.1:1/warehouse"
    answers(ozon_process, words, ROWS[words].warehouse, "The warehouse cannot be reached", nowhere, **airflow)


@pytest.mark.parametrize("words", needs("warehouse"))
def test_a_role_that_may_do_nothing(
    words: str, ozon_process: Ozon, airflow: dict[str, str], strangers_dsn: str
) -> None:
    answers(ozon_process, words, ROWS[words].warehouse, "permission denied for", strangers_dsn, **airflow)


@pytest.mark.parametrize("words", needs("metadata"))
def test_a_metadata_database_that_cannot_be_reached(
    words: str, ozon_process: Ozon, airflow: dict[str, str], warehouse: str
) -> None:
    variables = {**airflow, SQL_ALCHEMY_CONN: f"postgresql+psycopg2://airflow:{SECRET}@127.0.0.1:1/airflow"}
    message = METADATA_IS_GONE.get(words, "etadata database does not answer")
    answers(ozon_process, words, ROWS[words].metadata, message, warehouse, **variables)


@pytest.mark.parametrize("words", [words for words, row in ROWS.items() if row.has_json])
def test_a_home_of_airflows_that_cannot_be_written(words: str, ozon_process: Ozon, warehouse_dsn: str) -> None:
    """Without other settings, Airflow would store its database and logs there, and warns that it cannot."""
    done = ozon_process(warehouse_dsn, *line(words), "--output", "json", AIRFLOW_HOME=CLOSED_FOLDER)

    assert_no_secret_and_no_traceback(done)
    lines = done.stderr.splitlines()
    assert all(each.startswith("ozon: ") or CLOSED_FOLDER in each for each in lines), done.stderr
    assert "unexpected" not in done.stderr
    if done.stdout:
        json.loads(done.stdout)
    else:
        assert done.returncode in (1, 2)
        assert [each.startswith("ozon: ") for each in lines].count(True) == 1


def test_verbose_adds_the_traceback_to_the_sentence(ozon_process: Ozon) -> None:
    done = ozon_process(None, "db", "status", "--verbose")

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ozon: Airflow has no connection")


@pytest.mark.parametrize("words", sorted({*ROWS} - {*needs("warehouse"), "schedule restore", "alerts inbox"}))
def test_commands_that_need_no_warehouse_work_without_it(
    words: str, ozon_process: Ozon, airflow: dict[str, str]
) -> None:
    """Otherwise a row that says so would leave its command untested."""
    # `probe` needs an account's connection, even if no server answers.
    done = ozon_process(None, *line(words), AIRFLOW_CONN_OZON_API_MAIN=NOBODYS_API, **airflow)

    assert "ozon_warehouse" not in done.stderr
    assert done.returncode in (0, 1, NOT_DUE_EXIT_CODE)
