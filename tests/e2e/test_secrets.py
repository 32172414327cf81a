"""Secrets after failures of every kind in a real Airflow that logs at level DEBUG: each is only where it has to be."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.mail import CONNECTION as MAIL_CONNECTION
from include.ozon_sandbox.process import SandboxProcess
from tests.e2e.conftest import StartStack
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import AirflowStack, until
from tests.support.mail import MailServer
from tests.support.pipeline import Pipeline
from tests.support.scripted_server import Answer, Server

pytestmark = [pytest.mark.long, pytest.mark.faults]

SMTP_PASSWORD, CHAT_TOKEN, HEARTBEAT_TOKEN, WRONG_PASSWORD = (
    "smtp-pw-71c2e9",
    "chat-tk-83d1fa",
    "beat-tk-95e0ab",
    "wrong-pw-07b4dc",
)

# Airflow 3.3.2 writes what it masks into the log of `airflow dags test` at level DEBUG.
OUTPUT_OF_DAGS_TEST = "run-0.log"
MASKED_BY_AIRFLOW = re.compile(r".*msg=MaskSecret\(.*")
# Children read their connections and Airflow's settings from these.
MAY_HAVE_SECRETS = re.compile(
    r"AIRFLOW_CONN_\w+|AIRFLOW__(CORE__FERNET_KEY|DATABASE__SQL_ALCHEMY_CONN|API__SECRET_KEY|API_AUTH__JWT_SECRET)"
)
# Airflow's local home: the passwords that it has generated, and the simple auth manager's.
FILES_WITH_SECRETS = {"secrets.json", "passwords.json"}


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_secrets_are_only_in_connections_and_settings(
    start_stack: StartStack, sandbox: SandboxProcess, warehouse: Pipeline, web: Server
) -> None:
    with MailServer("ozon", SMTP_PASSWORD) as mails:
        stack = start_stack(*("ozon_etl", "ozon_health_check"), variables=variables(mails, web))
        secrets = secrets_of(stack, sandbox, warehouse)
        for number, (main, second) in enumerate([("key_unknown", "html_forbidden"), ("method_obsolete", "not_json")]):
            sandbox.fault(main, account="main")
            sandbox.fault(second, account="second")
            stack.trigger("ozon_etl", f"manual__{number}")
            assert ended_with_clean_processes(stack, f"manual__{number}", secrets) == "failed"
            stack.finished_run("ozon_health_check", f"manual__{number}", 180)
            sandbox.clear_faults()
            # Mails and chats are refused from the second round on.
            mails.refuse("451 Come back later")
            web.answers = [Answer(500, b"<html>no</html>")]
        assert wrong_password_fails(stack)

        assert mails.messages, "the test has to see a mail"
        assert web.asked, "the test has to see a chat message and the heartbeat"
        home = Path(stack.environment["AIRFLOW_HOME"]).parent
        texts = {
            **{f"mail {number}": each.as_string() for number, each in enumerate(mails.messages)},
            **{f"chat {number}": json.dumps(each.body) for number, each in enumerate(web.asked)},
            **tables_of("metadata", stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")),
            **tables_of("warehouse", warehouse.dsn),
            **{str(file.relative_to(home)): text for file, text in files_of(home)},
        }
    logs = "".join(text for place, text in texts.items() if place.endswith(".log"))
    assert "Traceback (most recent call last)" in logs, "the test has to see a traceback"
    assert '"level":"debug"' in logs, "the test has to see the log at level DEBUG"
    found = [(name, place) for name, secret in secrets.items() for place, text in texts.items() if secret in text]
    assert [each for each in found if Path(each[1]).name not in FILES_WITH_SECRETS] == []
    readable = [file for file, text in files_of(home) if any(each in text for each in secrets.values())]
    assert readable, "the test has to find the files that may have secrets"
    assert [file for file in readable if stat.S_IMODE(file.stat().st_mode) & 0o077] == []


def variables(mails: MailServer, web: Server) -> dict[str, str]:
    chat = {"path": f"{web.url.replace('http', 'json')}/{CHAT_TOKEN}", "tag": "all"}
    return {
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        MAIL_CONNECTION: mails.connection,
        "AIRFLOW_CONN_OZON_CHAT": json.dumps({"conn_type": "apprise", "extra": {"config": chat}}),
        "AIRFLOW_CONN_OZON_BEAT": json.dumps({"conn_type": "http", "host": f"{web.url}/{HEARTBEAT_TOKEN}"}),
        "OZON__HEALTH__HEARTBEAT_CONNECTION": "ozon_beat",
        "OZON__ALERTS__CHANNELS__TEAM__KIND": "email",
        "OZON__ALERTS__CHANNELS__TEAM__RECIPIENTS": '["team@ozon.example"]',
        "OZON__ALERTS__CHANNELS__CHAT__KIND": "apprise",
        "OZON__ALERTS__CHANNELS__CHAT__CONNECTION": "ozon_chat",
        "OZON__RETRY__RETRIES": "0",
    }


def secrets_of(stack: AirflowStack, sandbox: SandboxProcess, warehouse: Pipeline) -> dict[str, str]:
    """Return each secret by its name."""
    settings = stack.environment
    return {
        **{f"key of {name}": keys.api_key for name, keys in sandbox.accounts.items()},
        "warehouse": str(urlsplit(warehouse.dsn).password),
        "metadata": str(urlsplit(settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]).password),
        "SMTP": SMTP_PASSWORD,
        "chat": CHAT_TOKEN,
        "heartbeat": HEARTBEAT_TOKEN,
        "wrong password": WRONG_PASSWORD,
        "Fernet key": settings["AIRFLOW__CORE__FERNET_KEY"],
        "JWT secret": settings["AIRFLOW__API_AUTH__JWT_SECRET"],
        "API secret": settings["AIRFLOW__API__SECRET_KEY"],
    }


def wrong_password_fails(stack: AirflowStack) -> bool:
    """Run a load with a wrong password of the warehouse; its output is a file below Airflow's home."""
    connection = json.loads(stack.environment[WAREHOUSE_CONNECTION]) | {"password": WRONG_PASSWORD}
    return Airflow(stack.environment | {WAREHOUSE_CONNECTION: json.dumps(connection)}).run().exit_code != 0


def ended_with_clean_processes(stack: AirflowStack, run_id: str, secrets: dict[str, str]) -> str:
    """Look at all processes of Airflow while a run of ozon_etl is under way; return how it ended."""

    def look() -> str:
        assert processes_with(secrets, stack) == []
        state: str = stack.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{run_id}")["state"]
        return state if state in {"success", "failed"} else ""

    return until(look, f"run {run_id} ended", 240)


def processes_with(secrets: dict[str, str], stack: AirflowStack) -> list[str]:
    """Return command lines, and variables other than connections and settings, that contain a secret."""
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
            if variables.get("AIRFLOW_HOME") != stack.environment["AIRFLOW_HOME"]:
                continue
            texts = {"command line": " ".join(process.cmdline())}
        except psutil.Error:
            continue
        texts |= {key: value for key, value in variables.items() if not MAY_HAVE_SECRETS.fullmatch(key)}
        found += [f"{name} in {key}" for name, each in secrets.items() for key, text in texts.items() if each in text]
    return found


def tables_of(database: str, dsn: str) -> dict[str, str]:
    """Return the text of every table; JSON in bytes too."""
    texts = {}
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
        ).fetchall()
        for table in tables:
            with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(*table))) as copy:
                texts[f"{database} {'.'.join(table)}"] = b"".join(copy).decode(errors="replace")
    return texts


def files_of(home: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(home.rglob("*")):
        if file.is_file() and not file.is_symlink():
            text = file.read_text(errors="replace")
            yield file, MASKED_BY_AIRFLOW.sub("", text) if file.name == OUTPUT_OF_DAGS_TEST else text
