"""The probes of Airflow.

The API server is a small fake with answers copied from Airflow 3.3.2; the DAGs are those of a real Airflow.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from include.ozon.adapter.health.probe import ProcessProbe, error_line, health_url
from include.ozon.configuration import load_settings
from include.ozon.errors import RetriableError
from include.ozon_local.airflow import PROGRAM
from include.ozon_local.home import ROOT
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support import process, scratch
from tests.support.pipeline import changed
from tests.support.scripted_server import Answer, Server

SETTINGS = changed(load_settings(environment="testing", environ={}), "health", airflow_timeout_seconds=1)

HEALTHY = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-11-24T12:03:27.592250+00:00"},
    "triggerer": {"status": "healthy", "latest_triggerer_heartbeat": "2026-11-24T12:03:27.894454+00:00"},
    "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": "2026-11-24T12:03:27.630496+00:00"},
}


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Airflow's API server at the address for tasks."""
    server = Server()
    server.answers = [Answer(body=HEALTHY)]
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", f"{server.url}/execution/")
    yield server
    server.close()


def test_the_heartbeats_are_read(api_server: Server) -> None:
    found = ProcessProbe(SETTINGS).heartbeats()
    assert found["dag_processor"] == ("healthy", datetime(2026, 11, 24, 12, 3, 27, 630496, tzinfo=UTC))
    assert list(found) == ["scheduler", "triggerer", "dag_processor"]
    assert [asked.path for asked in api_server.asked] == ["/api/v2/monitor/health"]


def test_processes_that_never_ran_have_no_heartbeat(api_server: Server) -> None:
    never = {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": None},
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
    }
    api_server.answers = [Answer(body=never)]
    found = ProcessProbe(SETTINGS).heartbeats()
    assert found == {"scheduler": ("unhealthy", None), "triggerer": ("", None), "dag_processor": ("", None)}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(body=HEALTHY | {"metadatabase": {"status": "unhealthy"}}), "its metadata database"),
        (Answer(503, HEALTHY), "answered with HTTP 503"),
        (Answer(body=b"<html>"), "did not answer with its health"),
        (Answer(body=b"[1]"), "did not answer with its health"),
        (Answer(seconds=3), "did not answer (ReadTimeout)"),
    ],
    ids=str,
)
def test_a_bad_answer_of_the_server_is_one_sentence(answer: Answer, sentence: str, api_server: Server) -> None:
    api_server.answers = [answer]
    with pytest.raises(RetriableError) as caught:
        ProcessProbe(SETTINGS).heartbeats()
    assert sentence in str(caught.value)
    assert api_server.url.removeprefix("http://") in str(caught.value)


def test_an_unreachable_server_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://user:pass-word-1@127.0.0.1:1/execution/")
    with pytest.raises(RetriableError, match=r"127\.0\.0\.1:1 did not answer") as caught:
        ProcessProbe(SETTINGS).heartbeats()
    assert "pass-word-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("execution_url", "base_url", "url"),
    [
        ("http://api:8080/execution/", "https://airflow.example/", "http://api:8080/api/v2/monitor/health"),
        ("http://api:8080/airflow/execution", "", "http://api:8080/airflow/api/v2/monitor/health"),
        ("", "https://airflow.example/x/", "https://airflow.example/x/api/v2/monitor/health"),
        ("http://own-gateway/tasks", "https://airflow.example", "https://airflow.example/api/v2/monitor/health"),
        ("", "/x", "http://localhost:8080/x/api/v2/monitor/health"),
        ("", "", "http://localhost:8080/api/v2/monitor/health"),
    ],
)
def test_the_tasks_address_comes_before_the_browsers_one(
    execution_url: str, base_url: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", execution_url)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert health_url() == url


CHAINED = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 2, in <module>
    1 / 0
include.ozon.errors.ConfigurationError: The configuration has 2 problems:
- one
- two
"""


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        (CHAINED, "include.ozon.errors.ConfigurationError: The configuration has 2 problems:"),
        ('  File "a.py", line 3\n    x x\n      ^\nSyntaxError: invalid syntax\n', "SyntaxError: invalid syntax"),
        ("DAG has a cycle", "DAG has a cycle"),
        ("", "unknown error"),
    ],
)
def test_the_line_that_names_the_error_is_found(trace: str, line: str) -> None:
    assert error_line(trace) == line


LOOKING = """
import json
from datetime import datetime
from airflow.sdk import dag, task

@dag(schedule=None)
def ozon_etl():
    @task
    def look():
        from dataclasses import asdict
        from include.ozon.adapter.health.probe import ProcessProbe, TaskProbe, task_probe
        from include.ozon.configuration import load_settings
        settings = load_settings()
        seen = {
            "task": [asdict(state) for state in TaskProbe(settings).dags()],
            "paused": TaskProbe(settings).paused_dag_ids(),
            "process": [asdict(state) for state in ProcessProbe(settings).dags()],
            "has_probe": task_probe(settings) is not None,
        }
        print("SEEN " + json.dumps(seen))
    look()
ozon_etl()
"""
BROKEN = "from airflow.sdk import dag\nimport module_that_is_not_there\n"


@pytest.mark.long
def test_the_real_airflow_names_its_import_errors(
    warehouse_dsn: str,
    start_sandbox: StartSandbox,
    make_airflow_environment: MakeEnvironment,
) -> None:
    """In a task and outside; if no scheduler has ever run, there is no probe."""
    folder = scratch.new_folder("dags")
    (folder / "ozon_etl.py").write_text(LOOKING)
    (folder / "ozon_health_check.py").write_text(BROKEN)
    environment = make_airflow_environment(warehouse_dsn, start_sandbox())
    environment |= {"AIRFLOW__CORE__DAGS_FOLDER": str(folder), "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "none")}

    def airflow(*arguments: str) -> str:
        return process.run(PROGRAM, *arguments, env=environment).stdout

    airflow("dags", "reserialize")
    airflow("dags", "pause", "ozon_etl", "--yes")
    printed = airflow("dags", "test", "ozon_etl")

    (line,) = [line for line in printed.splitlines() if "SEEN {" in line]
    seen, _ = json.JSONDecoder().raw_decode(line.partition("SEEN ")[2])
    etl = {"dag_id": "ozon_etl", "is_known": True, "is_paused": True, "import_error": None}
    error = "ozon_health_check.py: ModuleNotFoundError: No module named 'module_that_is_not_there'"
    health = {"dag_id": "ozon_health_check", "is_known": False, "is_paused": False, "import_error": error}
    metrics = {"dag_id": "ozon_visibility_metrics", "is_known": False, "is_paused": False, "import_error": None}
    missing = metrics | {"import_error": "ozon_visibility_metrics.py is missing"}
    assert seen["task"][:3] == [etl, health, missing]
    assert seen["process"][:3] == [etl, health, metrics]
    assert seen["paused"] == ["ozon_etl"]
    assert not seen["has_probe"]

    assert _process_probe(environment) == "None"
    with psycopg.connect(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")) as connection:
        connection.execute("INSERT INTO job (job_type, state) VALUES ('SchedulerJob', 'running')")
    assert "ProcessProbe" in _process_probe(environment)


def test_a_metadata_database_that_is_down_is_a_failed_check(tmp_path: Path) -> None:
    """An unreachable database does not mean that there is no Airflow."""
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow:pass-word-1@127.0.0.1:1/airflow",
        "PYTHONPATH": str(ROOT),
    }
    output = _process_probe(environment, "\ntry: probe.dags()\nexcept Exception as error: print(repr(error))")
    assert "ProcessProbe" in output
    assert "RetriableError" in output
    assert "metadata database does not answer" in output
    assert "pass-word-1" not in output


def _process_probe(environment: dict[str, str], more: str = "") -> str:
    """Return the results of a separate process, like `ozon health`."""
    program = (
        "from include.ozon.adapter.health.probe import process_probe\n"
        "from include.ozon.configuration import load_settings\n"
        f"probe = process_probe(load_settings())\nprint(probe)\n{more}"
    )
    variables = {"_AIRFLOW_PROCESS_CONTEXT": "server", "OZON_ENV": "testing", **environment}
    return process.run(sys.executable, "-c", program, env=variables).stdout.strip()
