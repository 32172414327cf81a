"""The Makefile's targets on one machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from include.ozon_local.home import LOOPBACK, ROOT
from include.ozon_local.stack import is_empty
from tests.support import process, scratch
from tests.support.make import command, environment, make

AIRFLOW_START = "[DAG TEST] starting task_id=product_etl"


@pytest.fixture(scope="module")
def migrated_home() -> Iterator[Path]:
    home = scratch.new_folder("local")
    yield home
    make("stop", home)


@pytest.fixture
def home(migrated_home: Path) -> Path:
    """A state folder in which nothing runs."""
    make("stop", migrated_home)
    assert scratch.running_in(migrated_home) == []
    return migrated_home


def shell(home: Path, script: str, **variables: str) -> process.Done:
    return process.run("bash", "-euc", script, env=environment(home) | variables, timeout_seconds=120)


def test_help_lists_every_target_except_venv(tmp_path: Path) -> None:
    targets = set(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split())

    listed = {line.split()[1] for line in make("help", tmp_path).stdout.splitlines()}

    assert listed == targets - {"venv"}


def test_env_prints_export_lines_and_starts_nothing() -> None:
    home = scratch.new_folder("untouched")

    printed = make("env", home)

    assert printed.returncode == 0
    assert all(line.startswith("export ") for line in printed.stdout.splitlines())
    assert scratch.running_in(home) == []


@pytest.mark.long
def test_after_env_plain_airflow_ozon_and_psql_work(home: Path) -> None:
    make("services", home)

    done = shell(
        home,
        f"""eval "$({" ".join(command("env"))})"
        airflow dags list --output plain 2>/dev/null
        ozon db status
        psql "$OZON_WAREHOUSE_DSN" --tuples-only --command "SELECT 'rows: ' || count(*) FROM ozon.products" """,
    )

    assert done.returncode == 0, done.stderr
    assert "ozon_etl" in done.stdout
    assert "up to date" in done.stdout
    assert re.search(r"rows: \d+", done.stdout)


def test_a_connection_set_in_the_terminal_takes_precedence(home: Path) -> None:
    mine = "http://42:my-key@real.example"

    done = shell(
        home,
        f"""eval "$({" ".join(command("env"))})"; printf %s "$AIRFLOW_CONN_OZON_API_MAIN" """,
        AIRFLOW_CONN_OZON_API_MAIN=mine,
    )

    assert done.stdout == mine


@pytest.mark.long
def test_concurrent_starts_share_the_services_and_stop_ends_them(home: Path) -> None:
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: make("services", home), range(2)))

    assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
    servers = [
        p
        for p in scratch.running_in(home)
        if {"-D", "include.ozon_sandbox", "include.ozon_local.mail"} & set(p.cmdline())
    ]
    assert len(servers) == 3

    again = make("services", home)
    assert again.stdout.count("(running)") == 3

    make("stop", home)
    assert scratch.running_in(home) == []


def test_arguments_that_are_not_json_are_refused_before_anything_starts(home: Path) -> None:
    done = make("run", home, "ARGS=dry_run")

    assert done.returncode != 0
    assert "ARGS: expected a JSON object" in done.stderr
    assert scratch.running_in(home) == []


@pytest.mark.long
@pytest.mark.parametrize("to_whole_terminal", [True, False], ids=["Ctrl-C", "SIGTERM to make"])
def test_an_interrupted_run_leaves_nothing_behind(home: Path, to_whole_terminal: bool) -> None:
    run = subprocess.Popen(
        command("run"),
        env=environment(home),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert run.stdout
    before = next((line for line in run.stdout if AIRFLOW_START in line), None)
    assert before, "the run ended before it began to load"

    if to_whole_terminal:
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.send_signal(signal.SIGTERM)
    rest = run.communicate(timeout=60)[0]

    assert run.returncode != 0
    assert f"Error {130 if to_whole_terminal else 143}" in rest
    assert scratch.running_in(home) == []


@pytest.mark.long
def test_the_second_run_reuses_everything_and_shows_what_changed(home: Path) -> None:
    # Works also after the interrupted runs above.
    first = make("run", home)
    assert first.returncode == 0, first.stdout + first.stderr
    running = set(scratch.running_in(home))

    second = make("run", home)

    assert second.returncode == 0, second.stdout + second.stderr
    assert "advanced to tick" in second.stdout
    assert set(scratch.running_in(home)) == running
    for done in (first, second):
        address = re.search(r"postgresql://ozon@\S+", done.stdout)
        assert address, "the output contains the warehouse's address"
        with psycopg.connect(address[0]) as connection:
            row = connection.execute("SELECT count(*) FROM ozon.products WHERE removed_at IS NULL").fetchone()
        assert row
        assert row[0] > 3000
        secrets = set(re.findall(r'"(\w{12,})"', (home / "secrets.json").read_text()))
        assert not [secret for secret in secrets if secret in done.stdout + done.stderr]


@pytest.mark.long
def test_make_up_runs_the_dag_and_make_down_leaves_no_process(home: Path) -> None:
    up = make("up", home)
    assert up.returncode == 0, up.stdout + up.stderr
    found = re.search(r"Airflow +(\S+) \(user (\S+), password (\S+)\)", up.stdout)
    assert found
    url, user, password = found.groups()

    assert listening_addresses(home) == {LOOPBACK}
    assert ("trigger ozon_etl" in up.stdout) == is_empty(warehouse_dsn(home))
    assert state_of_a_triggered_run(url, user, password) == "success"
    again = make("up", home).stdout
    assert found[0] in again
    assert "trigger ozon_etl" not in again

    make("down", home)
    assert scratch.running_in(home) == []


def warehouse_dsn(home: Path) -> str:
    return shell(home, f"""eval "$({" ".join(command("env"))})"; printf %s "$OZON_WAREHOUSE_DSN" """).stdout


def listening_addresses(home: Path) -> set[str]:
    found = set()
    for server in scratch.running_in(home):
        # One of Airflow's short-lived processes may have ended meanwhile.
        with suppress(psutil.NoSuchProcess):
            connections = server.net_connections("inet")
            found |= {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    return found


def state_of_a_triggered_run(url: str, user: str, password: str) -> str:
    token = requests.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
    runs = f"{url}/api/v2/dags/ozon_etl/dagRuns"
    started = session.post(runs, json={"logical_date": None}, timeout=30)
    started.raise_for_status()
    waited = session.get(f"{runs}/{started.json()['dag_run_id']}/wait", params={"interval": 1}, timeout=180)
    return str(re.findall(r'"state": ?"(\w+)"', waited.text)[-1])


@pytest.mark.long
def test_an_airflow_component_that_cannot_start_is_named_with_its_log(home: Path) -> None:
    # Only the triggerer reads this setting.
    variables = environment(home) | {"AIRFLOW__TRIGGERER__CAPACITY": "none"}
    up = process.run(*command("up"), env=variables, timeout_seconds=240)

    assert up.returncode != 0
    assert "Airflow's triggerer ended (exit code 1)" in up.stderr
    assert "capacity" in up.stderr
    airflow = [each for each in scratch.running_in(home) if "airflow" in " ".join(each.cmdline())]
    assert airflow == []
