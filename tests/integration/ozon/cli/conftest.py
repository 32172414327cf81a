from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.processes import child_environment
from tests.support import forked, process, scratch

Ozon = Callable[..., process.Done]


@pytest.fixture
def ozon() -> Ozon:
    """``ozon(dsn, "db", "status")``: the command without its imports, with that warehouse as its connection."""
    return _with_connection(forked.ozon)


@pytest.fixture
def ozon_process() -> Ozon:
    """The same as a whole process, as a person calls it."""
    return _with_connection(partial(process.run, process.OZON))


def _with_connection(call: Callable[..., process.Done]) -> Ozon:
    home = scratch.new_folder("cli")

    def run(dsn: str | None, *arguments: str, **variables: str) -> process.Done:
        return call(*arguments, env={**environment(home, dsn), **variables})

    return run


def environment(home: Path, dsn: str | None) -> dict[str, str]:
    """The variables of an Airflow without a database, with that warehouse as its connection."""
    connection = {} if dsn is None else {WAREHOUSE_CONNECTION: postgres_connection(dsn)}
    return {**child_environment(home), "AIRFLOW_HOME": str(home), "OZON_ENV": "testing", **connection}


def assert_one_sentence(done: process.Done, exit_code: int, sentence: str) -> None:
    """Assert that stdout is empty, and stderr is one line of ours."""
    assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("ozon: ")
    assert sentence in line
