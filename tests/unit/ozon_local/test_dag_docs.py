"""The generator of docs/DAGs.md from the DAG files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from include.ozon_local import dag_docs
from tests.support import process

DAG = '''
"""Does **this**."""

from airflow.sdk import CronTriggerTimetable, Param, dag, task


@dag(
    schedule=CronTriggerTimetable("5 4 * * *", timezone="UTC"),
    params={"names": Param([], description="Which | ones.", type="array", items={"type": "string"})},
    tags=["b", "a"],
    doc_md=__doc__,
)
def some_dag():
    @task(retries=2, retry_delay=90, max_retry_delay=600, retry_exponential_backoff=2.0)
    def only_task():
        pass

    only_task()


some_dag()
'''


def test_documentation_does_not_depend_on_the_terminals_environment() -> None:
    terminal = {"OZON_ENV": "testing", "OZON__SCHEDULE__ETL": "nonsense", "OZON_CONFIG": "/nowhere"}
    done = process.run(sys.executable, "-m", "include.ozon_local.dag_docs", "--check", env={**os.environ, **terminal})
    assert done.returncode == 0, done.stderr


def test_check_prints_the_command_to_run_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "DAGs.md"
    monkeypatch.setattr(dag_docs, "DOCS_PATH", path)
    monkeypatch.setattr(os, "environ", {**os.environ})
    assert dag_docs.main(["--check"]) == 1
    assert not path.exists()
    assert "run: python -m include.ozon_local.dag_docs" in capsys.readouterr().err

    assert dag_docs.main([]) == 0
    assert dag_docs.main(["--check"]) == 0


def test_a_dag_is_shown_with_its_docstring_tasks_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "some_dag.py").write_text(DAG)

    page = dag_docs.render(tmp_path)

    for line in (
        "## some_dag\n\nSchedule: `5 4 * * *`, UTC. Tags: a, b.\n\nDoes **this**.\n",
        "| `only_task` | run | 2 | from 1 minute 30 seconds, x 2, to 10 minutes at most | none |  |\n",
        "| `names` | array of strings | `[]` | Which \\| ones. |\n",
    ):
        assert line in page
