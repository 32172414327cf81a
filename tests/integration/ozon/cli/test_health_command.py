"""`ozon health`, as a process, with a real cause for each exit code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from pydantic import TypeAdapter

from include.ozon.monitoring.alerts.model import Event
from include.ozon.warehouse import schema
from include.ozon_local.airflow import PROGRAM as AIRFLOW
from include.ozon_local.connections import api_connection
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import MakeEnvironment, StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support import process, scratch
from tests.support.airflow_runs import Airflow
from tests.support.documents import data_of
from tests.support.mail import MailServer
from tests.support.pipeline import Pipeline
from tests.support.scripted_server import Server

# Without the areas that depend on the test's machine, and on a scheduler.
OURS = "warehouse,runs,deadlines,data,api"
SMALL = {"main": 60, "second": 30}


def connections(sandbox: SandboxProcess) -> dict[str, str]:
    return dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items())


def expiring(sandbox: SandboxProcess | None, in_days: int) -> dict[str, Any]:
    """Return accounts whose keys end like this; with the keys of another sandbox, if there is one."""
    moment = (datetime.now(UTC) + timedelta(days=in_days)).isoformat()
    known = {
        name: {"client_id": keys.client_id, "api_key": keys.api_key}
        for name, keys in (sandbox.accounts.items() if sandbox else ())
    }
    return {name: {"size": size, "key_expires_at": moment, **known.get(name, {})} for name, size in SMALL.items()}


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = data_of(done.stdout, "ozon-health")
    assert found["exit_code"] == done.returncode
    return found


def statuses(found: dict[str, Any]) -> dict[tuple[str, str | None], str]:
    return {(each["check"], each["account"]): each["status"] for part in found["areas"] for each in part["checks"]}


@pytest.fixture
def load(warehouse_dsn: str) -> Callable[[SandboxProcess], None]:
    """``load(sandbox)``: one run of both accounts."""

    def load(sandbox: SandboxProcess) -> None:
        pipeline = Pipeline(sandbox, warehouse_dsn)
        for account in SMALL:
            pipeline.load("run", account)

    return load


def test_after_a_load_all_is_ok_and_nothing_is_stored(
    ozon: Ozon, warehouse_dsn: str, start_sandbox: StartSandbox, load: Callable[[SandboxProcess], None]
) -> None:
    sandbox = start_sandbox(SMALL)
    load(sandbox)

    done = ozon(warehouse_dsn, "health", "--checks", OURS, "--output", "json", **connections(sandbox))

    found = document(done)
    bad = [each for part in found["areas"] for each in part["checks"] if each["status"] in ("warning", "critical")]
    assert (done.returncode, found["status"], bad, done.stderr) == (0, "ok", [], "")
    assert [part["area"] for part in found["areas"]] == OURS.split(",")
    assert statuses(found)["api_key", "second"] == "ok"
    with psycopg.connect(warehouse_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ozon.health_checks").fetchone() == (0,)


def test_a_key_that_ends_soon_is_a_warning_and_an_expired_one_critical(
    ozon: Ozon, start_sandbox: StartSandbox, warehouse_dsn: str
) -> None:
    soon = start_sandbox(expiring(None, in_days=10))
    done = ozon(warehouse_dsn, "health", "--checks", "api", **connections(soon))
    assert (done.returncode, done.stderr) == (1, "")
    assert "api_key_expires_days" in done.stdout
    assert "The state is warning: " in done.stdout

    gone = start_sandbox(expiring(soon, in_days=-1))
    done = ozon(warehouse_dsn, "health", "--checks", "api", "--quiet", **connections(gone))
    assert (done.returncode, done.stderr) == (2, "")
    assert "api_key of main, api_key of second" in done.stdout
    assert "api_reachable" not in done.stdout
    assert not any(keys.api_key in done.stdout for keys in gone.accounts.values())


def test_with_the_database_stopped_the_other_checks_are_still_made(ozon: Ozon, start_sandbox: StartSandbox) -> None:
    server = EmbeddedPostgres(scratch.new_folder("postgres"), durable=False)
    server.start()
    server.create_database("warehouse", WAREHOUSE_ROLE)
    dsn = server.dsn("warehouse", WAREHOUSE_ROLE)
    schema.upgrade(lambda: psycopg.connect(dsn))
    server.stop()

    done = ozon(dsn, "health", "--checks", OURS, "--output", "json", **connections(start_sandbox(SMALL)))

    found = document(done)
    assert (done.returncode, done.stderr) == (2, "")
    seen = statuses(found)
    assert seen["warehouse_reachable", None] == "critical"
    assert seen["warehouse_schema", None] == seen["failures_in_a_row", "main"] == "error"
    assert seen["api_key", "main"] == "ok"
    assert [name for name, status in seen.items() if status == "critical"] == [("warehouse_reachable", None)]


def test_an_error_of_a_check_has_its_own_exit_code(ozon: Ozon, empty_database_dsn: str) -> None:
    done = ozon(empty_database_dsn, "health", "--checks", "runs")
    assert (done.returncode, done.stderr) == (3, "")
    assert "ozon db upgrade" in " ".join(done.stdout.split())
    assert "The state is error: " in done.stdout


def test_without_any_connection_it_is_a_report_all_the_same(ozon: Ozon) -> None:
    done = ozon(None, "health", "--output", "json")
    found = document(done)
    assert done.returncode == 2
    seen = statuses(found)
    assert (seen["warehouse_reachable", None], seen["api_key", "main"]) == ("critical", "critical")
    # No scheduler has ever run here, which is not a failure.
    assert seen["airflow_scheduler", None] == "unknown"
    assert seen["disk_used_pct", None] not in {"unknown", "error"}


def test_an_unknown_area_is_a_wrong_command_line(ozon: Ozon) -> None:
    done = ozon(None, "health", "--checks", "warehouse,nonsense")
    assert_one_sentence(done, 2, "--checks: expected one of ")


@pytest.fixture
def switch() -> Iterator[tuple[Server, dict[str, str]]]:
    """A dead man's switch, and the variables with its connection."""
    server = Server()
    connection = json.dumps({"conn_type": "http", "host": f"{server.url}/5f2c-token"})
    yield server, {"AIRFLOW_CONN_DEAD_MAN": connection, "OZON__HEALTH__HEARTBEAT_CONNECTION": "dead_man"}
    server.close()


def test_with_alert_results_are_stored_and_sent_and_the_switch_is_called(
    ozon: Ozon, warehouse_dsn: str, start_sandbox: StartSandbox, switch: tuple[Server, dict[str, str]]
) -> None:
    server, variables = switch
    variables |= connections(start_sandbox(expiring(None, in_days=-1)))

    done = ozon(warehouse_dsn, "health", "--checks", "api", "--alert", **variables)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert [asked.path for asked in server.asked] == ["/5f2c-token"]
    assert "5f2c-token" not in done.stdout + done.stderr
    with psycopg.connect(warehouse_dsn) as warehouse:
        stored = warehouse.execute(
            'SELECT account, status FROM ozon.health_checks WHERE "check" = %s ORDER BY account', ("api_key",)
        ).fetchall()
        opened = warehouse.execute(
            "SELECT account FROM ozon.alerts WHERE rule = %s ORDER BY 1", ("api_key",)
        ).fetchall()
    assert stored == [("main", "critical"), ("second", "critical")]
    assert opened == [("main",), ("second",)]


@pytest.mark.long
def test_under_cron_nothing_is_printed_that_the_alerts_have_sent(
    ozon: Ozon, warehouse_dsn: str, start_sandbox: StartSandbox
) -> None:
    with MailServer() as mails:
        variables = {
            **connections(start_sandbox(expiring(None, in_days=-1))),
            "AIRFLOW_CONN_SMTP_DEFAULT": mails.connection,
        }
        quietly = ("health", "--checks", "api", "--alert", "--quiet")

        done = ozon(warehouse_dsn, *quietly, **variables)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
        assert len(mails.messages) == 1


@pytest.mark.long
def test_with_alert_a_failure_that_a_task_has_handed_over_is_notified_once(
    ozon: Ozon, warehouse_dsn: str, sandbox: SandboxProcess, make_airflow_environment: MakeEnvironment
) -> None:
    variables = make_airflow_environment(warehouse_dsn, sandbox)
    airflow = Airflow(variables)
    event = Event("task_failed", "ozon_etl.announce", "critical", "The task failed.", datetime.now(UTC))
    text = TypeAdapter(Event).dump_json(event).decode()
    process.run(AIRFLOW, "variables", "set", "ozon_alert_event.0", text, env=variables)
    process.run(AIRFLOW, "variables", "set", "ozon_alert_event.1", "{}", env=variables)

    for _ in range(2):
        done = ozon(warehouse_dsn, "health", "--checks", "machine", "--alert", "--quiet", **variables)
        assert "Traceback" not in done.stderr

    with psycopg.connect(warehouse_dsn) as warehouse:
        opened = warehouse.execute("SELECT message FROM ozon.alerts WHERE rule = %s", ("task_failed",)).fetchall()
    assert opened == [("The task failed.",)]
    # The state of the alerts is a Variable, and not the file of an Airflow whose database is down.
    assert [row["key"] for row in airflow.rows("SELECT key FROM variable")] == ["ozon_alerts"]
    assert not (airflow.home / "ozon_alerts.json").exists()


@pytest.mark.long
def test_with_alert_a_warehouse_that_is_down_keeps_the_switch_from_nothing(
    ozon: Ozon, switch: tuple[Server, dict[str, str]]
) -> None:
    server, variables = switch

    done = ozon(
        "postgresql://ozon:pass-word-1@127.0.0.1:1/warehouse", "health", "--checks", "warehouse", "--alert", **variables
    )

    assert done.returncode == 2
    assert "The results could not be stored in ozon.health_checks" in done.stderr
    assert "Traceback" not in done.stderr
    assert "pass-word-1" not in done.stdout + done.stderr
    assert [asked.path for asked in server.asked] == ["/5f2c-token"]
