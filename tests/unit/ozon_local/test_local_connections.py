from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from include.ozon_local.connections import (
    dsn_of_connection,
    dsn_with_passfile,
    postgres_connection,
    without_password,
)


@pytest.mark.parametrize(
    ("connection", "dsn"),
    [
        pytest.param(
            '{"conn_type": "postgres", "host": "db", "port": 6432, "schema": "w", "login": "u", "password": "p@/:"}',
            "postgresql://u:p%40%2F%3A@db:6432/w",
            id="json",
        ),
        pytest.param(
            '{"conn_type": "postgres", "host": "db", "login": "u", "extra": {"sslmode": "require", "cursor": "x"}}',
            "postgresql://u@db:5432?sslmode=require",
            id="json with an object of extras and no password",
        ),
        pytest.param(
            '{"host": "db", "login": "u", "schema": "w", "extra": "{\\"sslmode\\": \\"require\\"}"}',
            "postgresql://u@db:5432/w?sslmode=require",
            id="json with extras as text",
        ),
        pytest.param(
            "postgres://u:p%40@db:6432/w?sslmode=require&__extra__=%7B%7D",
            "postgresql://u:p%40@db:6432/w?sslmode=require",
            id="uri",
        ),
    ],
)
def test_an_airflow_connection_becomes_a_dsn_for_psql(connection: str, dsn: str) -> None:
    assert dsn_of_connection(connection) == dsn


def test_an_address_survives_as_a_connection() -> None:
    dsn = "postgresql://ozon:secret@127.0.0.1:5433/ozon_warehouse"

    assert json.loads(postgres_connection(dsn))["schema"] == "ozon_warehouse"
    assert dsn_of_connection(postgres_connection(dsn)) == dsn


@pytest.mark.parametrize("password", ["p@/#%?$x 'y'", "100%41", 'a\\b"c'])
def test_a_password_survives_every_notation(password: str) -> None:
    dsn = f"postgresql://u:{quote(password, safe='')}@db:1/w"

    assert json.loads(postgres_connection(dsn))["password"] == password
    assert dsn_of_connection(postgres_connection(dsn)) == dsn
    assert dsn_of_connection(dsn.replace("postgresql:", "postgres:")) == dsn
    assert conninfo_to_dict(dsn)["password"] == password, "libpq reads a different one"


@pytest.mark.parametrize("password", ["p@/#%?$x 'y'", "a:b\\c"])
def test_an_address_for_psql_has_its_password_in_a_file(password: str, tmp_path: Path) -> None:
    file = tmp_path / "pg pass"

    address = dsn_with_passfile(f"postgresql://u:{quote(password, safe='')}@db:1/w?sslmode=require", file)

    found = conninfo_to_dict(address)
    assert (found["user"], found["host"], found["sslmode"], found["passfile"]) == ("u", "db", "require", str(file))
    assert "password" not in found
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    assert file.read_text() == f"db:1:*:u:{escaped}\n"
    assert dsn_with_passfile("postgresql://u@db:1/w", file) == "postgresql://u@db:1/w"


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("postgresql://u:secret@db:1/w?sslmode=require") == "postgresql://u@db:1/w?sslmode=require"
    assert without_password("postgresql://db:1/w") == "postgresql://db:1/w"
