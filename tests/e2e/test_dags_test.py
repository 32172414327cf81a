"""``airflow dags test ozon_etl`` as a process, with real retries, records and asset events."""

from __future__ import annotations

import json
import re
import signal
from urllib.parse import urlsplit

import psycopg
import pytest

from include.ozon.warehouse.lock import account_lock
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import MakeEnvironment
from tests.e2e.conftest import ACCOUNTS
from tests.support import scratch
from tests.support.agreement import assert_agreement
from tests.support.airflow_runs import Airflow, FinishedRun
from tests.support.airflow_stack import until
from tests.support.pipeline import Pipeline

COMPONENTS = ("product_etl", "inventory_etl")


def last_dag_run(warehouse: Pipeline) -> str:
    query = "SELECT dag_run_id FROM ozon.etl_workflow_executions ORDER BY started_at DESC LIMIT 1"
    return str(warehouse.value(query))


def assert_complete_records(warehouse: Pipeline, dag_run_id: str) -> None:
    for account in ACCOUNTS:
        workflow = warehouse.workflow(dag_run_id, account)
        assert workflow["status"] == "success"
        assert workflow["component_statuses"] == dict.fromkeys(COMPONENTS, "success")
        assert workflow["trigger"] == "manual"
        assert workflow["environment"] == "testing"
        assert workflow["duration_seconds"] > 0
        for component in COMPONENTS:
            (attempt,) = warehouse.attempts(component, dag_run_id, account)
            parts = [attempt[f"rows_{part}"] for part in ("inserted", "updated", "unchanged", "rejected")]
            assert attempt["rows_read"] == sum(parts) > 0
            assert attempt["api_requests"] > 0
            assert attempt["duration_seconds"] > 0
            assert attempt["peak_memory_mb"] > 0


def test_each_run_updates_the_warehouse_and_announces_it_once(
    airflow: Airflow, sandbox: SandboxProcess, warehouse: Pipeline
) -> None:
    for ticks in (0, 1):
        if ticks:
            sandbox.tick(ticks)
        done = airflow.run()

        assert done.exit_code == 0, done.output
        for account in ACCOUNTS:
            assert_agreement(warehouse, account)
        assert_complete_records(warehouse, last_dag_run(warehouse))
        assert airflow.announced() == [list(ACCOUNTS)] * (1 + ticks)
        assert warehouse.staging_tables() == set()
        assert_no_secrets(airflow, warehouse, done)
    assert set(airflow.states().values()) == {"success in try 1"}


def assert_no_secrets(airflow: Airflow, warehouse: Pipeline, done: FinishedRun) -> None:
    secrets = {keys.api_key for keys in warehouse.sandbox.accounts.values()} | {urlsplit(warehouse.dsn).password}
    assert not [secret for secret in secrets for text in (done.output, *airflow.written_texts()) if str(secret) in text]


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    airflow: Airflow, sandbox: SandboxProcess, warehouse: Pipeline
) -> None:
    sandbox.tick()
    before = warehouse.everything()

    done = airflow.run(dry_run=True)

    assert done.exit_code == 0, done.output
    assert warehouse.everything() == before
    assert airflow.announced() == []
    assert airflow.states()["announce"] == "skipped in try 1"
    would_change = re.findall(r"would have done .*?(\d+) inserted \+ (\d+) updated", done.output)
    assert len(would_change) == len(ACCOUNTS) * len(COMPONENTS)
    assert any(int(updated) for _, updated in would_change)


@pytest.mark.long
def test_a_wrong_key_fails_only_its_account_without_a_retry(airflow: Airflow, warehouse: Pipeline) -> None:
    variable = "AIRFLOW_CONN_OZON_API_MAIN"
    wrong = {**json.loads(airflow.environment[variable]), "password": "no-such-key-0123456789"}
    airflow.environment[variable] = json.dumps(wrong)

    done = airflow.run()

    assert done.exit_code == 1, done.output
    states = airflow.states()
    assert states["product_etl[0]"] == "failed in try 1"
    assert states["inventory_etl[0]"].startswith("upstream_failed")
    assert states["close_workflow[0]"] == "success in try 1"
    failed = warehouse.workflow(last_dag_run(warehouse), "main")
    assert failed["status"] == "failed"
    assert "check login and password of connection ozon_api_main" in failed["error"]
    assert re.search(r"product_etl of run \S+ failed in attempt 1: .*ozon_api_main", done.output)
    assert_agreement(warehouse, "second")
    assert airflow.announced() == [["second"]]
    assert "no-such-key" not in done.output
    assert_no_secrets(airflow, warehouse, done)


@pytest.mark.long
def test_a_fault_longer_than_the_retry_budget_is_retried_from_the_last_page(
    airflow: Airflow, sandbox: SandboxProcess, warehouse: Pipeline
) -> None:
    airflow.environment.update(
        OZON__API__ATTEMPTS="2", OZON__API__RETRY_BUDGET_SECONDS="1.5", OZON__RETRY__FIRST_DELAY_SECONDS="1"
    )
    method = "/v3/product/info/list"
    sandbox.fault("server_error", method=method, account="main", after=2, times=2, status=503)
    sandbox.fault("rate_limited", method=method, account="second", times=2, retry_after_seconds=1)

    done = airflow.run()

    assert done.exit_code == 0, done.output
    assert airflow.announced() == [list(ACCOUNTS)]
    for account, sentence in (("main", "HTTP 503"), ("second", "HTTP 429")):
        first, second = warehouse.attempts("product_etl", last_dag_run(warehouse), account)
        assert (first["status"], second["status"]) == ("failed", "success")
        assert sentence in first["error"]
        assert_agreement(warehouse, account)
    assert "Account main: resuming from what an earlier attempt has read" in done.output
    assert "Ozon asked to wait" in done.output


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_guard_stops_a_load_until_it_is_accepted(
    airflow: Airflow, sandbox: SandboxProcess, warehouse: Pipeline
) -> None:
    sandbox.fault("vanish_share", share=0.5, account="main")
    before = warehouse.versions("products", "inventory")

    stopped = airflow.run(accounts=["main"])

    assert stopped.exit_code == 1
    assert warehouse.versions("products", "inventory") == before
    assert airflow.states()["product_etl[0]"] == "failed in try 1"
    error = warehouse.workflow(last_dag_run(warehouse))["error"]
    assert 'accept_guard = ["vanished"]' in error
    assert error.removeprefix("product_etl: ") in stopped.output

    accepted = airflow.run(accounts=["main"], accept_guard=["vanished"])

    assert accepted.exit_code == 0, accepted.output
    assert_agreement(warehouse, "main")
    assert airflow.announced() == [["main"]]


@pytest.mark.long
def test_an_account_that_another_session_loads_is_skipped_with_the_reason(
    airflow: Airflow, warehouse: Pipeline
) -> None:
    with (
        psycopg.connect(warehouse.dsn, autocommit=True, application_name="somebody") as other,
        account_lock(other, "main"),
    ):
        done = airflow.run()

    assert done.exit_code == 0, done.output
    assert airflow.states()["product_etl[0]"] == "skipped in try 1"
    skipped = warehouse.workflow(last_dag_run(warehouse), "main")
    assert skipped["status"] == "skipped"
    reason = r"Account main is already running since .* UTC, by somebody\. This run is skipped"
    assert re.search(reason, skipped["error"])
    assert re.search(reason, done.output)
    assert_agreement(warehouse, "second")
    assert airflow.announced() == [["second"]]


@pytest.mark.long
@pytest.mark.usefixtures("loaded")
def test_a_run_ends_seconds_after_sigterm_and_keeps_the_last_good_state(
    airflow: Airflow, sandbox: SandboxProcess, warehouse: Pipeline
) -> None:
    sandbox.tick()
    sandbox.fault("latency", ms=60_000, method="/v3/product/info/list")
    before = warehouse.versions("products", "inventory")
    running = airflow.start()
    until(lambda: sandbox.faults()[0]["fired_count"] > 0, "product_etl asks for details")

    running.process.send_signal(signal.SIGTERM)
    done = running.finish(timeout_seconds=30)

    assert done.exit_code != 0
    assert warehouse.versions("products", "inventory") == before
    # Airflow may begin with either account.
    (cancelled,) = warehouse.rows(
        "SELECT * FROM ozon.etl_workflow_executions WHERE dag_run_id = %s", last_dag_run(warehouse)
    )
    other = 1 - ACCOUNTS.index(cancelled["account"])
    assert (cancelled["status"], cancelled["component_statuses"]["product_etl"]) == ("cancelled", "cancelled")
    assert "cancelled (SIGTERM)" in cancelled["error"]
    assert airflow.states()[f"product_etl[{other}]"] == "failed in try 1", "the other account does not begin"
    assert sandbox.faults()[0]["fired_count"] == 1
    assert [process for process in scratch.running_in(airflow.home.parent) if process.is_running()] == []
    with psycopg.connect(warehouse.dsn) as connection, account_lock(connection, cancelled["account"]):
        pass


@pytest.mark.long
def test_an_error_that_a_person_has_to_fix_is_one_sentence_without_a_retry(
    airflow: Airflow,
    sandbox: SandboxProcess,
    empty_database_dsn: str,
    make_airflow_environment: MakeEnvironment,
) -> None:
    unmigrated = Airflow(make_airflow_environment(empty_database_dsn, sandbox))

    started = [airflow.start(accounts=["nobody"]), unmigrated.start(accounts=["main"])]
    unknown_account, schema_behind = [running.finish() for running in started]

    assert unknown_account.exit_code == 1
    assert "Parameter accounts: expected one of main, second; found 'nobody'." in unknown_account.output
    assert airflow.states()["select_accounts"] == "failed in try 1"
    assert schema_behind.exit_code == 1
    assert re.search(r"schema is at revision none; this version needs \w+. Run `ozon db upgrade`", schema_behind.output)
    assert unmigrated.states()["product_etl[0]"] == "failed in try 1"


@pytest.mark.long
def test_an_unreachable_warehouse_is_retried(airflow: Airflow) -> None:
    nowhere = {**json.loads(airflow.environment[WAREHOUSE_CONNECTION]), "port": 1}
    airflow.environment.update(
        {
            WAREHOUSE_CONNECTION: json.dumps(nowhere),
            "OZON__RETRY__RETRIES": "1",
            "OZON__RETRY__FIRST_DELAY_SECONDS": "1",
        }
    )

    done = airflow.run(accounts=["main"])

    assert done.exit_code == 1
    assert airflow.states()["product_etl[0]"] == "failed in try 2"
    assert "Check that PostgreSQL runs and that host and port of connection ozon_warehouse are right" in done.output
    assert nowhere["password"] not in done.output
