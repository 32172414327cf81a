"""`ozon run` as a process: its output, exit codes and records for each way it can end."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from shutil import copy
from typing import Any

import psycopg
import pytest

from include.ozon_local.home import ROOT
from include.ozon_local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from include.ozon_local.processes import tied
from include.ozon_sandbox.process import SandboxProcess
from tests.e2e.conftest import ACCOUNTS
from tests.support import process, scratch
from tests.support.agreement import assert_agreement
from tests.support.airflow_runs import Airflow
from tests.support.airflow_stack import AirflowStack, until
from tests.support.documents import data_of
from tests.support.pipeline import Pipeline, Row

pytestmark = pytest.mark.long

DETAILS = "/v3/product/info/list"

_SECONDS = 120
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Done:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = data_of(self.stdout, "ozon-run")
        return found


class Running:
    """A started command; its stderr is read while it runs, so that a test can wait for a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._lines.append(line)

    def await_line(self, words: str) -> None:
        until(lambda: any(words in line for line in list(self._lines)), words)

    def signalled(self, *numbers: signal.Signals) -> Done:
        for number in numbers:
            self.process.send_signal(number)
        return self.finish(30)

    def finish(self, seconds: float = _SECONDS) -> Done:
        assert self.process.stdout
        try:
            self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        stdout, stderr = self.process.stdout.read(), "".join(self._lines)
        assert "Traceback" not in stdout + stderr, stderr
        return Done(self.process.returncode, stdout, stderr)


@dataclass(frozen=True)
class Ozon:
    """The command with its own Airflow and warehouse."""

    airflow: Airflow

    def start(self, *arguments: str) -> Running:
        return Running(
            subprocess.Popen(
                tied([str(process.OZON), "run", *arguments]),
                env=self.airflow.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )

    @property
    def metadata_dsn(self) -> str:
        return self.airflow.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")

    def run(self, *arguments: str) -> Done:
        return self.start(*arguments).finish()

    def run_on_a_terminal(self, *arguments: str) -> tuple[int, str]:
        """Run the command on a terminal; return its exit code and the terminal's output."""
        ours, its = pty.openpty()
        started = subprocess.Popen(
            tied([str(process.OZON), "run", *arguments]),
            env={**self.airflow.environment, "TERM": "xterm", "COLUMNS": "150"},
            cwd=ROOT,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        shown = b""
        with suppress(OSError):  # raised by a read after the command has closed the terminal
            while read := os.read(ours, 65_536):
                shown += read
        os.close(ours)
        return started.wait(_SECONDS), _COLOURS.sub("", shown.decode())


@pytest.fixture
def ozon(airflow: Airflow) -> Ozon:
    return Ozon(airflow)


def workflows(warehouse: Pipeline) -> list[Row]:
    return warehouse.rows("SELECT * FROM ozon.etl_workflow_executions WHERE dag_run_id <> 'before' ORDER BY account")


def statuses(warehouse: Pipeline) -> list[str]:
    return [row["status"] for row in workflows(warehouse)]


def test_a_run_loads_all_accounts_and_shows_what_ozon_runs_shows(ozon: Ozon, warehouse: Pipeline) -> None:
    done = ozon.run()

    assert done.exit_code == 0, done.stderr
    for account in ACCOUNTS:
        assert_agreement(warehouse, account)
    assert statuses(warehouse) == ["success", "success"]
    assert set(ozon.airflow.states().values()) == {"success in try 1"}
    assert ozon.airflow.announced() == [list(ACCOUNTS)]
    dag_run_id = workflows(warehouse)[0]["dag_run_id"]
    shown = process.run(process.OZON, "runs", "--dag-run", dag_run_id, env=ozon.airflow.environment)
    assert (done.stdout, shown.returncode) == (shown.stdout, 0)
    assert "product_etl of account main ends: 300 read" in done.stderr
    assert "DAG TEST" not in done.stdout + done.stderr, "Airflow's output is in its log"
    (log,) = (ozon.airflow.home / "logs" / "ozon_run").iterdir()
    assert "DAG TEST" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("loaded")
def test_a_dry_run_shows_what_would_change_and_writes_nothing(
    ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    sandbox.tick()
    before = warehouse.everything()

    done = ozon.run("--dry-run", "--output", "json", "--account", "main")

    assert done.exit_code == 0, done.stderr
    assert warehouse.everything() == before
    found = done.document
    assert (found["outcome"], found["dry_run"]) == ("success", True)
    would = {(row["account"], row["component"]): row for row in found["components"]}
    assert list(would) == [("main", "product_etl"), ("main", "inventory_etl")]
    ozon.airflow.environment["OZON__GUARDS__VANISHED__LEVEL"] = "off"
    assert ozon.run("--account", "main").exit_code == 0
    for (account, component), row in would.items():
        (attempt,) = warehouse.attempts(component, workflows(warehouse)[0]["dag_run_id"], account)
        for column in ("rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_removed"):
            assert row[column] == attempt[column], (component, column)
    assert would["main", "product_etl"]["rows_updated"] > 0


@pytest.mark.usefixtures("loaded")
def test_a_guard_stops_the_run_until_it_is_accepted(ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess) -> None:
    sandbox.fault("vanish_share", share=0.5, account="main")
    before = warehouse.versions("products", "inventory")

    stopped = ozon.run("--account", "main")

    assert stopped.exit_code == 1
    assert warehouse.versions("products", "inventory") == before
    assert 'accept_guard = ["vanished"]' in " ".join(stopped.stdout.split())
    assert "product_etl of account main failed in attempt 1." in stopped.stdout
    assert "Airflow's log of the run: " in stopped.stdout

    sandbox.fault("latency", ms=1_500, times=2, method=DETAILS)
    exit_code, shown = ozon.run_on_a_terminal("--account", "main", "--accept-guard", "vanished")

    assert exit_code == 0, shown
    assert_agreement(warehouse, "main")
    assert re.search(r"main product_etl .* \d+ of \d+ listed .* running", shown), "a bar while it reads"
    assert re.search(r"main inventory_etl .* rows .* success", shown)
    assert "Done. Returned value" not in shown, "Airflow's output is in its log"
    assert shown.count("?25l") == shown.count("?25h"), "the cursor is shown again"


def test_if_one_account_fails_the_other_is_loaded_and_the_exit_code_is_1(ozon: Ozon, warehouse: Pipeline) -> None:
    variable = "AIRFLOW_CONN_OZON_API_MAIN"
    wrong = {**json.loads(ozon.airflow.environment[variable]), "password": "no-such-key-0123456789"}
    ozon.airflow.environment[variable] = json.dumps(wrong)

    done = ozon.run()

    assert done.exit_code == 1
    assert statuses(warehouse) == ["failed", "success"]
    assert_agreement(warehouse, "second")
    assert "product_etl of account main failed in attempt 1." in done.stdout
    assert "ozon_api_main" in done.stdout
    assert "no-such-key" not in done.stdout + done.stderr


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.usefixtures("loaded")
def test_a_signal_while_products_are_read_keeps_the_last_good_state(
    ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess, number: signal.Signals, exit_code: int
) -> None:
    sandbox.tick()
    sandbox.fault("latency", ms=60_000, method=DETAILS)
    before = warehouse.versions("products", "inventory")
    running = ozon.start("--output", "json")
    until(lambda: sandbox.faults()[0]["fired_count"] > 0, "product_etl asks for details")

    done = running.signalled(number)

    assert done.exit_code == exit_code, done.stderr
    assert warehouse.versions("products", "inventory") == before
    (cancelled,) = workflows(warehouse)
    assert (cancelled["status"], cancelled["component_statuses"]["product_etl"]) == ("cancelled", "cancelled")
    assert number.name in cancelled["error"]
    assert (done.document["outcome"], done.document["interrupted_by"]) == ("cancelled", number.name)
    assert sandbox.faults()[0]["fired_count"] == 1, "the other account does not begin"


def test_a_signal_while_waiting_for_a_retry_ends_the_run(
    ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    ozon.airflow.environment.update(
        OZON__API__ATTEMPTS="1", OZON__RETRY__FIRST_DELAY_SECONDS="300", OZON__RETRY__MAX_DELAY_SECONDS="300"
    )
    sandbox.fault("server_error", method=DETAILS, account="main", status=503)
    running = ozon.start("--account", "main")
    until(lambda: "up_for_retry in try 1" in ozon.airflow.states().values(), "product_etl waits for its retry")

    done = running.signalled(signal.SIGTERM)

    assert done.exit_code == 143, done.stderr
    (cancelled,) = workflows(warehouse)
    assert (cancelled["status"], cancelled["component_statuses"]["product_etl"]) == ("cancelled", "failed")
    assert "HTTP 503" in cancelled["error"]
    assert "cancelled (SIGTERM) before the next attempt or component began" in cancelled["error"]
    assert ozon.airflow.states()["close_workflow[0]"] == "success in try 1"
    assert len(warehouse.attempts("product_etl", cancelled["dag_run_id"])) == 1


def test_a_second_signal_ends_the_run_at_once(ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess) -> None:
    """The first signal's clean-up hangs: the teardown cannot write the record."""
    sandbox.fault("latency", ms=60_000, method=DETAILS)
    running = ozon.start("--account", "main")
    until(lambda: sandbox.faults()[0]["fired_count"] > 0, "product_etl asks for details")
    with psycopg.connect(warehouse.dsn) as blocker:
        blocker.execute("LOCK TABLE ozon.etl_workflow_executions IN EXCLUSIVE MODE")
        running.process.send_signal(signal.SIGTERM)
        until(lambda: ozon.airflow.states().get("close_workflow[0]", "").startswith("running"), "the teardown waits")

        done = running.signalled(signal.SIGTERM)

    assert done.exit_code == 143
    assert "a second signal stops at once" in done.stderr
    assert statuses(warehouse) == ["running"], "the next run closes it"


def test_a_signal_between_two_tasks_ends_the_run(ozon: Ozon, warehouse: Pipeline, sandbox: SandboxProcess) -> None:
    sandbox.fault("latency", ms=2_000, times=1, method=DETAILS)
    running = ozon.start("--account", "main")
    until(lambda: sandbox.faults()[0]["fired_count"] > 0, "product_etl asks for details")
    with psycopg.connect(ozon.metadata_dsn) as blocker:
        # Airflow updates the row of the run when it looks for the next task.
        blocker.execute("LOCK TABLE dag_run IN EXCLUSIVE MODE")
        until(lambda: ozon.airflow.states()["product_etl[0]"].startswith("success"), "product_etl has ended")
        running.process.send_signal(signal.SIGTERM)
        running.await_line("stopping cleanly")
    done = running.finish(30)

    assert done.exit_code == 143, done.stderr
    (cancelled,) = workflows(warehouse)
    assert (cancelled["status"], cancelled["component_statuses"]["product_etl"]) == ("cancelled", "success")
    assert "inventory_etl" not in cancelled["component_statuses"]
    assert ozon.airflow.states()["inventory_etl[0]"] == "failed in try 1"
    assert ozon.airflow.states()["close_workflow[0]"] == "success in try 1"


@pytest.fixture
def stack(
    postgres: EmbeddedPostgres, metadata_template: str, ozon: Ozon, warehouse_dsn: str
) -> Iterator[tuple[AirflowStack, Ozon]]:
    """All components of Airflow with the DAG, and the command on its metadata database."""
    name = "scheduled_run_metadata"
    postgres.create_database(name, AIRFLOW_ROLE, template=metadata_template)
    home = scratch.new_folder("scheduled_run")
    (home / "dags").mkdir()
    copy(ROOT / "dags" / "ozon_etl.py", home / "dags")
    ours = {key: value for key, value in ozon.airflow.environment.items() if key.startswith(("OZON_", "AIRFLOW_CONN_"))}
    # Far in the future, so that no scheduled run interferes.
    next_month = (datetime.now(tz=UTC) + timedelta(days=40)).month
    variables = {**ours, "OZON__SCHEDULE__ETL": f"0 0 1 {next_month} *"}
    with AirflowStack(home, postgres.dsn(name, AIRFLOW_ROLE), variables) as airflow:
        until(lambda: airflow.call("GET", "/api/v2/dags")["total_entries"] == 1, "the DAG is parsed")
        yield airflow, Ozon(Airflow({**airflow.environment, "PATH": os.environ["PATH"]}))
    postgres.drop_database(name)


def test_with_a_live_scheduler_the_scheduler_runs_it_and_the_command_follows(
    stack: tuple[AirflowStack, Ozon], warehouse: Pipeline, sandbox: SandboxProcess
) -> None:
    airflow, ozon = stack

    done = ozon.run("--account", "main", "--output", "json")

    assert done.exit_code == 0, done.stderr
    assert done.document["by_scheduler"] is True
    assert "A scheduler is running, so the run was started there: manual__" in done.stderr
    assert "product_etl of account main, attempt 1: success, 300 rows read" in done.stderr
    (loaded,) = workflows(warehouse)
    assert (loaded["account"], loaded["status"]) == ("main", "success")
    assert_agreement(warehouse, "main")
    for component in ("product_etl", "inventory_etl"):
        assert len(warehouse.attempts(component, loaded["dag_run_id"])) == 1, "no component ran twice"
    assert ozon.airflow.rows("SELECT run_id FROM dag_run") == [{"run_id": loaded["dag_run_id"]}]

    sandbox.fault("latency", ms=60_000, method=DETAILS)
    first = ozon.start("--account", "second")
    until(lambda: sandbox.faults()[0]["fired_count"] > 0, "product_etl asks for details")
    behind = ozon.start("--account", "main")
    behind.await_line("The run is queued.")
    assert behind.signalled(signal.SIGINT).exit_code == 130
    stopped = first.signalled(signal.SIGTERM)

    assert stopped.exit_code == 143, stopped.stderr
    assert "SIGTERM: stopping cleanly" in stopped.stderr
    _, cancelled = workflows(warehouse)
    assert (cancelled["account"], cancelled["status"], cancelled["component_statuses"]["product_etl"]) == (
        "second",
        "cancelled",
        "cancelled",
    )

    airflow.call("PATCH", "/api/v2/dags/ozon_etl", is_paused=True)
    refused = ozon.run("--account", "main")

    assert (refused.exit_code, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert "ozon_etl is paused there, so no run would start. Run `airflow dags unpause ozon_etl`" in line
    assert len(workflows(warehouse)) == 2
