"""Parsing of the DAG files: Airflow does it every few seconds, so it has to be fast and without connections."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from include.ozon_local.home import ROOT
from tests.support import process

DAG_FILES = sorted((ROOT / "dags").glob("*.py"))

# Warnings become errors after the import of Airflow: we cannot fix Airflow's own.
PARSE = """
import runpy, socket, sys, warnings
import airflow.sdk
from airflow.sdk import *
before = set(sys.modules)

def refuse(*args, **kwargs):
    raise AssertionError("parsing opened a connection")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
warnings.simplefilter("error")
runpy.run_path(sys.argv[1])
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def parse(file: Path, tmp_path: Path, **variables: str) -> process.Done:
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **variables}
    return process.run(sys.executable, "-c", PARSE, file, env=environment)


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_parsing_has_no_warnings_opens_no_connection_and_imports_little(file: Path, tmp_path: Path) -> None:
    done = parse(file, tmp_path)

    assert done.returncode == 0, done.stderr
    heavy = {"requests", "psycopg", "alembic", "sqlalchemy", "pandas", "rich", "openlineage"} & set(done.stdout.split())
    assert not heavy, f"parsing imports {heavy}: move these imports into the tasks"


def test_an_invalid_setting_is_an_import_error_that_names_it(tmp_path: Path) -> None:
    done = parse(ROOT / "dags" / "ozon_etl.py", tmp_path, OZON__SCHEDULE__ETL="every day")

    assert done.returncode == 1
    assert "OZON__SCHEDULE__ETL" in done.stderr
