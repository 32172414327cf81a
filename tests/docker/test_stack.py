"""Tests of the running docker-compose.yaml. They share one stack, which is repaired before each test."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psycopg
import pytest

from include.ozon_local.docker.compose import docker
from tests.docker import figures
from tests.docker.stack import PROJECT, Stack, seconds_since
from tests.support import scratch
from tests.support.agreement import assert_agreement
from tests.support.airflow_stack import until

_NEEDS_ENGINE = pytest.mark.skipif(
    figures.VARIABLE not in os.environ, reason="`make test-docker` provides the engine and images"
)
pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500), _NEEDS_ENGINE]
ONE_SHOTS = {"databases", "prepare"}


@pytest.fixture(scope="module")
def shared_stack() -> Iterator[Stack]:
    """A healthy stack with LocalExecutor, removed at the end even if a test fails."""
    stack = Stack(scratch.new_folder("docker"))
    try:
        printed = stack.make("docker-up").stdout
        figures.note(f"stack healthy after {stack.healthy_after_seconds(printed)} s")
        yield stack
    finally:
        stack.make("docker-down", ARGS="--volumes")


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """The healthy stack with LocalExecutor and a sandbox without faults, whatever an earlier test left."""
    if shared_stack.containers("worker"):
        shared_stack.make("docker-down")
    if not shared_stack.is_healthy():
        shared_stack.make("docker-up", PROFILE="local")
    shared_stack.sandbox.clear_faults()
    return shared_stack


@pytest.fixture
def loaded_stack(stack: Stack) -> Stack:
    """The stack after the run ``first``."""
    if "first" not in stack.run_ids():
        stack.trigger("first")
        assert stack.wait_for_end("first") == "success"
    return stack


def test_every_container_is_healthy_limited_not_root_and_cannot_change_its_code(stack: Stack) -> None:
    found = {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in stack.containers()}

    one_shots = {name: each["State"]["ExitCode"] for name, each in found.items() if name in ONE_SHOTS}
    assert one_shots == dict.fromkeys(ONE_SHOTS, 0)
    servers = {name: each for name, each in found.items() if name not in ONE_SHOTS}
    assert {name: each["State"]["Health"]["Status"] for name, each in servers.items()} == dict.fromkeys(
        servers, "healthy"
    )
    assert [name for name, each in found.items() if not each["HostConfig"]["Memory"]] == []
    assert [name for name, each in found.items() if not each["HostConfig"]["PidsLimit"]] == []
    for each in servers.values():
        command = ("exec", "--user", "0", each["Id"], "sh", "-c", "! touch /usr/written /etc/written 2>/dev/null")
        docker(*command)
    ours = [each["Id"] for name, each in servers.items() if each["Config"]["Image"].startswith("ozon-etl:")]
    assert len(ours) == 5
    for container in ours:
        docker("exec", container, "sh", "-c", "! find /opt/airflow/include /opt/airflow/dags -writable | grep .")
    users = {name: docker("exec", each["Id"], "id", "--user").strip() for name, each in servers.items()}
    assert [name for name, user in users.items() if user == "0"] == []
    published = [
        binding["HostIp"]
        for each in servers.values()
        for bindings in each["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    ]
    assert published == ["127.0.0.1"] * len(published)
    assert len(published) == 4


@pytest.mark.parametrize(("role", "others"), [("ozon", "airflow"), ("airflow", "ozon_warehouse"), ("ozon", "postgres")])
def test_a_role_cannot_connect_to_another_roles_database(stack: Stack, role: str, others: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=f'permission denied for database "{others}"'):
        stack.connect(role, others)


def test_a_run_triggered_over_the_rest_api_loads_the_sandboxs_products(stack: Stack) -> None:
    stack.trigger("over_rest")

    assert stack.wait_for_end("over_rest") == "success"
    for account in ("main", "second"):
        assert_agreement(stack, account)  # type: ignore[arg-type]
    figures.note(f"{stack.rows('SELECT count(*) FROM ozon.products')[0]['count']} products agree")


def test_a_missed_deadline_is_a_mail_in_the_inbox(loaded_stack: Stack) -> None:
    stack = loaded_stack  # a new Airflow first starts the last scheduled run, and the run `late` would wait for that
    stack.sandbox.fault("latency", ms=9_000)
    stack.trigger("late")

    def look() -> bool:
        return any("/dags/ozon_etl/runs/late" in mail["Text"] for mail in stack.mails())

    until(look, "the mail about the run `late` arrived", 180)
    stack.sandbox.clear_faults()

    assert stack.wait_for_end("late") == "success"


def test_a_run_survives_a_restart_of_the_database(stack: Stack) -> None:
    stack.sandbox.fault("latency", ms=2_000)
    stack.trigger("restart")
    stack.wait_until_working("restart")

    docker("restart", stack.container("postgres"))
    until(lambda: stack.containers("postgres")[0]["State"]["Health"]["Status"] == "healthy", "PostgreSQL is back")
    stack.sandbox.clear_faults()

    assert stack.wait_for_end("restart") == "success"
    attempts = [(each["attempt"], each["status"]) for each in stack.components("restart")]
    assert (1, "failed") in attempts
    assert (2, "success") in attempts


def test_stopping_the_scheduler_cancels_its_loads(stack: Stack) -> None:
    stack.sandbox.fault("latency", ms=5_000)
    stack.trigger("stopped")
    stack.wait_until_working("stopped")

    docker("stop", "--time", "60", stack.container("scheduler"))

    assert {each["status"] for each in stack.components("stopped")} == {"cancelled"}
    stack.sandbox.clear_faults()


def test_down_and_up_keeps_the_data_and_celery_uses_both_workers(loaded_stack: Stack) -> None:
    stack = loaded_stack
    before = stack.rows("SELECT product_id, changed_at FROM ozon.products ORDER BY account, product_id")
    stack.make("docker-down")
    assert stack.containers() == []

    printed = stack.make("docker-up", PROFILE="celery", WORKERS=2).stdout
    figures.note(f"with Celery after {stack.healthy_after_seconds(printed)} s")
    assert stack.rows("SELECT product_id, changed_at FROM ozon.products ORDER BY account, product_id") == before
    assert stack.run_state("first") == "success", "Airflow's own data is kept too"
    workers = {each["Config"]["Hostname"] for each in stack.containers("worker")}

    # Each worker runs one task at a time; the slow sandbox keeps the first worker busy, so the second takes a task.
    stack.sandbox.fault("latency", ms=1_500)
    stack.trigger("celery")

    assert stack.wait_for_end("celery") == "success"
    used = {task["map_index"]: task["hostname"] for task in stack.tasks("celery") if task["task_id"] == "product_etl"}
    assert set(used) == {0, 1}
    assert set(used.values()) == workers
    assert len(workers) == 2
    figures.note("2 accounts on 2 workers")


def test_down_with_its_volumes_leaves_nothing(stack: Stack) -> None:
    started_at = time.monotonic()
    stack.make("docker-down", ARGS="--volumes")

    ours = ("--filter", f"label=com.docker.compose.project={PROJECT}", "--quiet")
    assert docker("ps", "--all", *ours) == ""
    assert docker("volume", "ls", *ours) == ""
    assert docker("network", "ls", *ours) == ""
    figures.note(f"down in {seconds_since(started_at)}")
