"""`ozon maintenance`, as a process, with a real warehouse, real files and Airflow's metadata database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.ozon.maintenance.steps import STEPS
from tests.conftest import MakeEnvironment, StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support import forked
from tests.support.airflow_runs import Airflow
from tests.support.documents import data_of
from tests.support.process import Done

OLD_RUNS = """
INSERT INTO dag_run (dag_id, run_id, state, run_type, run_after, start_date, logical_date, clear_number)
SELECT dag_id, 'run' || n, 'success', 'manual', moment, moment, moment, 0
FROM unnest(ARRAY['ozon_etl', 'others']) dag_id, generate_series(1, 20) n,
     LATERAL (SELECT now() - make_interval(days => 20 * n) AS moment) at
"""

OLD_INCIDENTS = """
INSERT INTO ozon.incidents (incident_id, "group", level, opened_at, resolved_at)
SELECT 'i' || n, 'rule', 'warning', now(), now() - make_interval(days => n) FROM generate_series(1, 2000) n
"""


class Site:
    """An Airflow's home with old logs and reports, its metadata database, and a warehouse with old incidents."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.airflow = Airflow(environment)
        self.log = self._file("airflow/logs/dag_id=ozon_etl/run_id=a/task_id=t/attempt=1.log")
        self.report = self._file("airflow/reports/main/visibility-20200101T000000Z.html")
        self.others = self._file("airflow/reports/notes.html")

    def _file(self, name: str) -> Path:
        file = self.airflow.home.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 5000)
        os.utime(file, (0, 0))
        return file

    def __call__(self, *arguments: str, **variables: str) -> Done:
        return forked.ozon("maintenance", *arguments, env={**self.environment, **variables})

    def json(self, *arguments: str, exit_code: int = 0, **variables: str) -> dict[str, dict[str, Any]]:
        done = self(*arguments, "--output", "json", **variables)
        assert (done.returncode, "Traceback" in done.stderr) == (exit_code, False), done.stderr + done.stdout
        return {step["step"]: step for step in data_of(done.stdout, "ozon-maintenance")["steps"]}

    def old_runs(self) -> dict[str, int]:
        rows = self.airflow.rows("SELECT dag_id, count(*) AS runs FROM dag_run GROUP BY dag_id ORDER BY dag_id")
        return {row["dag_id"]: row["runs"] for row in rows}

    def incidents(self) -> int:
        with psycopg.connect(self.environment["OZON_WAREHOUSE_DSN"]) as connection:
            (count,) = connection.execute("SELECT count(*) FROM ozon.incidents").fetchone() or (0,)
        return int(count)


@pytest.fixture
def site(
    warehouse_dsn: str,
    start_sandbox: StartSandbox,
    make_airflow_environment: MakeEnvironment,
) -> Site:
    made = Site(make_airflow_environment(warehouse_dsn, start_sandbox({"main": 1})))
    with psycopg.connect(warehouse_dsn, autocommit=True) as connection:
        connection.execute(OLD_INCIDENTS)
    metadata = made.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "")
    with psycopg.connect(metadata, autocommit=True) as connection:
        connection.execute(OLD_RUNS)
    return made


@pytest.mark.long
def test_a_dry_run_shows_the_same_numbers_as_the_real_one(site: Site) -> None:
    shown = site.json("--dry-run")

    assert list(shown) == list(STEPS)
    assert all(step["dry_run"] for step in shown.values())
    assert (site.log.exists(), site.report.exists(), site.incidents()) == (True, True, 2000)
    assert site.old_runs() == {"others": 20, "ozon_etl": 20}

    freed = site.json()

    assert (site.log.exists(), site.report.exists(), site.others.exists(), site.incidents()) == (
        False,
        False,
        True,
        364,
    )
    # Of our DAGs only; runs of 80 days and younger stay.
    assert site.old_runs() == {"others": 20, "ozon_etl": 4}
    for name in ("logs", "reports", "monitoring", "metadata"):
        assert {key: shown[name][key] for key in ("status", "files", "folders", "rows")} == {
            key: freed[name][key] for key in ("status", "files", "folders", "rows")
        }
    assert (freed["logs"]["files"], freed["reports"]["files"], freed["monitoring"]["rows"]) == (1, 1, 1636)
    assert freed["metadata"]["details"] == ["dag_run: 16 rows"]
    # It runs after the deletions, and frees their space.
    assert (freed["vacuum"]["rows"], shown["vacuum"]["rows"]) == (1636, 0)


def test_single_steps_can_be_named_and_are_shown_as_a_table(site: Site) -> None:
    done = site("reports", "logs")

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in done.stdout.splitlines() if " done " in line] == ["logs", "reports"]
    assert (site.log.exists(), site.report.exists(), site.incidents()) == (False, False, 2000)


def test_a_step_that_fails_does_not_stop_the_others_and_is_not_hidden(site: Site) -> None:
    dsn = '{"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "secret-word"}'
    found = site.json("logs", "history", "reports", exit_code=1, AIRFLOW_CONN_OZON_WAREHOUSE=dsn)

    assert {name: step["status"] for name, step in found.items()} == {
        "logs": "done", "reports": "done", "history": "failed"
    }  # fmt: skip
    assert "The warehouse cannot be reached" in found["history"]["message"]
    assert "secret-word" not in json.dumps(found)


def test_a_step_that_there_is_not_is_one_sentence(ozon: Ozon) -> None:
    assert_one_sentence(ozon(None, "maintenance", "everything"), 2, "Steps: expected one of ")
