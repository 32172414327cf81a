"""docker-compose.yaml, really started: what it promises, with LocalExecutor and with two Celery workers.

The tests are in the order of the story: each goes on with the stack as the one before has left it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.docker.conftest import HEALTHY
from tests.docker.stack import PROJECT, RUN_SECONDS, Stack, docker, until
from tests.support import scratch
from tests.support.agreement import assert_agreement

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

ACCOUNTS = ("main", "second")
LIST = "/v3/product/list"


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack(scratch.new_folder("docker") / "env")
    try:
        stack.up()
        yield stack
    finally:
        stack.make("docker-down", "ARGS=--volumes")
        request.config.stash[HEALTHY] = stack.healthy_seconds


def test_all_is_healthy_and_limited_and_nothing_is_root_or_listens_beyond_this_machine(stack: Stack) -> None:
    services = set()
    for container in stack.containers():
        name = container["Config"]["Labels"]["com.docker.compose.service"]
        services.add(name)
        assert container["HostConfig"]["Memory"] > 0, name
        assert container["Config"]["User"].partition(":")[0] not in {"", "0", "root"}, name
        for published in (container["HostConfig"]["PortBindings"] or {}).values():
            assert [each["HostIp"] for each in published] == ["127.0.0.1"], name
        if container["State"]["Running"]:
            assert container["State"]["Health"]["Status"] == "healthy", name
            assert docker("exec", container["Id"], "id", "-u").strip() != "0", name
        else:
            assert (name in {"databases", "prepare"}, container["State"]["ExitCode"]) == (True, 0), name
    assert services == {
        *("postgres", "databases", "prepare", "api-server", "scheduler", "dag-processor", "triggerer"),
        *("sandbox", "mail"),
    }


def test_neither_database_lets_the_others_role_in(stack: Stack) -> None:
    for database, role, password in (
        ("airflow", "ozon", "WAREHOUSE_PASSWORD"),
        ("ozon_warehouse", "airflow", "AIRFLOW_DB_PASSWORD"),
    ):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(stack.dsn(database, role, password))


def test_a_run_that_is_triggered_over_the_rest_api_loads_both_accounts(stack: Stack) -> None:
    assert stack.ended(stack.trigger()) == "success"

    for account in ACCOUNTS:
        assert_agreement(stack.warehouse, account)


def test_a_missed_deadline_reaches_the_inbox(stack: Stack) -> None:
    before = len(stack.mails())
    stack.sandbox.fault("latency", ms=25_000, method=LIST)
    started_at = datetime.now(tz=UTC)
    run = stack.trigger()

    def late() -> list[str]:
        found = [mail["Subject"] for mail in stack.mails()[: len(stack.mails()) - before]]
        return [subject for subject in found if "deadline" in subject]

    try:
        (subject,) = until(late, "a mail about the deadline", RUN_SECONDS)
    finally:
        stack.sandbox.clear_faults()
    assert "a run missed its deadline" in subject
    assert datetime.now(tz=UTC) - started_at > timedelta(minutes=1)
    assert stack.ended(run) == "success"


def test_a_database_that_is_restarted_in_the_middle_of_a_run_costs_an_attempt_and_no_more(stack: Stack) -> None:
    stack.sandbox.tick()
    stack.sandbox.fault("latency", ms=5_000, method=LIST)
    run = stack.trigger()
    warehouse = stack.warehouse
    running = (
        "SELECT count(*) FROM ozon.etl_component_executions WHERE status = 'running' AND workflow_id LIKE %s || '/%%'"
    )
    until(lambda: warehouse.value(running, run) == len(ACCOUNTS), "both accounts are loading", RUN_SECONDS)

    docker("restart", stack.container("postgres"))
    stack.sandbox.clear_faults()

    assert stack.ended(run) == "success"
    for account in ACCOUNTS:
        attempts = warehouse.attempts("product_etl", run, account)
        assert [attempt["status"] for attempt in attempts[:-1]] == ["failed"] * (len(attempts) - 1)
        assert len(attempts) > 1
        assert attempts[-1]["status"] == "success"
        assert_agreement(warehouse, account)


def test_two_workers_share_the_accounts_of_a_run(stack: Stack) -> None:
    stack.up("PROFILE=celery", "WORKERS=2")
    # Long enough for both accounts to be loading at once, and each worker runs one task at a time.
    stack.sandbox.fault("latency", ms=3_000, method=LIST)
    run = stack.trigger()

    assert stack.ended(run) == "success"

    stack.sandbox.clear_faults()
    workers = {
        each["Config"]["Hostname"]
        for each in stack.containers()
        if each["Config"]["Labels"]["com.docker.compose.service"] == "worker"
    }
    ran_on = {task["hostname"] for task in stack.tasks(run) if task["task_id"] == "product_etl"}
    assert len(workers) == len(ACCOUNTS)
    assert ran_on == workers
    for account in ACCOUNTS:
        assert_agreement(stack.warehouse, account)


def test_going_down_leaves_nothing(stack: Stack) -> None:
    stack.make("docker-down", "ARGS=--volumes")

    label = f"label=com.docker.compose.project={PROJECT}"
    assert docker("ps", "--all", "--quiet", "--filter", label) == ""
    assert docker("volume", "ls", "--quiet", "--filter", label) == ""
    assert docker("network", "ls", "--quiet", "--filter", label) == ""
