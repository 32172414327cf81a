from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

from include.ozon_local.environment import export_lines, local_environment, proxy_exceptions
from include.ozon_local.home import LocalHome

PERSONS_WAREHOUSE = '{"conn_type": "postgres", "host": "db.example", "login": "me", "schema": "mine"}'


def test_it_names_everything_that_airflow_ozon_and_psql_need(tmp_path: Path) -> None:
    environment = local_environment(LocalHome(tmp_path), {"PATH": "/usr/bin"})

    assert environment["PATH"].endswith(":/usr/bin")
    assert environment["OZON_ENV"] == "development"
    assert environment["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    passfile = tmp_path / "pgpass"
    assert re.fullmatch(
        rf"postgresql://ozon@127\.0\.0\.1:\d+/ozon_warehouse\?passfile={passfile}", environment["OZON_WAREHOUSE_DSN"]
    )
    assert stat.S_IMODE(passfile.stat().st_mode) == 0o600
    assert passfile.read_text().count(":") == 4
    assert json.loads(environment["AIRFLOW_CONN_OZON_WAREHOUSE"])["schema"] == "ozon_warehouse"
    for account, client_id in (("MAIN", "1000001"), ("SECOND", "1000002")):
        connection = json.loads(environment[f"AIRFLOW_CONN_OZON_API_{account}"])
        assert connection["conn_type"] == "http"
        assert connection["host"].startswith("http://127.0.0.1:")
        assert connection["login"] == client_id
        assert connection["password"]
    mail = json.loads(environment["AIRFLOW_CONN_SMTP_DEFAULT"])
    assert (mail["conn_type"], mail["host"]) == ("smtp", "127.0.0.1")
    assert environment["OZON__ALERTS__INBOX_FOLDER"] == str(tmp_path / "mail" / "inbox")


def test_variables_of_the_terminal_take_precedence(tmp_path: Path) -> None:
    terminal = {
        "AIRFLOW_CONN_OZON_WAREHOUSE": PERSONS_WAREHOUSE,
        "AIRFLOW_CONN_SMTP_DEFAULT": "smtp://mail.example",
        "OZON__ALERTS__INBOX_FOLDER": "/srv/mails",
        "OZON_ENV": "production",
    }

    environment = local_environment(LocalHome(tmp_path), terminal)

    assert not environment.keys() & (terminal.keys() - {"OZON_ENV"})
    assert environment["OZON_WAREHOUSE_DSN"] == "postgresql://me@db.example:5432/mine"
    assert environment["OZON_ENV"] == "production"
    assert "AIRFLOW_CONN_OZON_API_MAIN" in environment


def test_variables_that_an_earlier_call_exported_are_replaced(tmp_path: Path) -> None:
    terminal = local_environment(LocalHome(tmp_path / "other_clone"), {"PATH": "/usr/bin"})

    environment = local_environment(LocalHome(tmp_path / "this_clone"), terminal)

    assert environment["AIRFLOW_CONN_OZON_WAREHOUSE"] != terminal["AIRFLOW_CONN_OZON_WAREHOUSE"]
    assert environment["PATH"] == terminal["PATH"]


def test_an_exported_variable_that_was_changed_by_hand_stays(tmp_path: Path) -> None:
    terminal = local_environment(LocalHome(tmp_path), {"PATH": "/usr/bin"})
    terminal["AIRFLOW_CONN_OZON_API_MAIN"] = "http://42:key@real.example"

    environment = local_environment(LocalHome(tmp_path), terminal)

    assert "AIRFLOW_CONN_OZON_API_MAIN" not in environment
    assert "AIRFLOW_CONN_OZON_API_SECOND" in environment


def test_a_shell_reads_the_exported_values_unchanged() -> None:
    value = """a 'quoted' "value" with $HOME, `id` and a \\ backslash"""

    shell = subprocess.run(
        ["bash", "-c", export_lines({"FIRST": value, "SECOND": "x"}) + '\nprintf %s "$FIRST$SECOND"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shell.stdout == f"{value}x"


def test_airflow_listens_only_on_the_loopback_address(tmp_path: Path) -> None:
    environment = local_environment(LocalHome(tmp_path), {})

    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://127.0.0.1:")


def test_this_machine_is_not_reached_through_the_terminals_proxy() -> None:
    assert proxy_exceptions({"PATH": "/usr/bin"}) == {}
    assert proxy_exceptions({"https_proxy": "http://proxy:3128", "no_proxy": "intra"}) == {
        "no_proxy": "intra,127.0.0.1",
        "NO_PROXY": "intra,127.0.0.1",
    }
    assert proxy_exceptions({"HTTP_PROXY": "x", "NO_PROXY": "127.0.0.1"})["no_proxy"] == "127.0.0.1"
