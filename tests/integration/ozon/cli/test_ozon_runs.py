"""`ozon runs`, as a process, after real loads."""

from __future__ import annotations

import pytest

from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.pipeline import Pipeline


@pytest.fixture
def loaded(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    """Two runs of two accounts, with a tick in between."""
    pipeline = Pipeline(start_sandbox({"main": 150, "second": 40}), warehouse_dsn)
    for dag_run_id in ("first", "later"):
        for account in ("main", "second"):
            pipeline.load(dag_run_id, account)
        pipeline.sandbox.tick()
    return pipeline


def lines_of(output: str, *words: str) -> list[list[str]]:
    """Return the table's lines that begin with these words."""
    split = [[word for word in line.split() if word.isascii()] for line in output.splitlines()]
    return [line for line in split if line[: len(words)] == list(words)]


def test_before_the_first_run_there_is_a_sentence(ozon: Ozon, warehouse_dsn: str) -> None:
    for arguments in ([], ["--dag-run", "latest"]):
        done = ozon(warehouse_dsn, "runs", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "No workflow is recorded." in done.stdout


def test_the_output_shows_the_records(ozon: Ozon, loaded: Pipeline) -> None:
    done = ozon(loaded.dsn, "runs")

    assert (done.returncode, done.stderr) == (0, "")
    lines = lines_of(done.stdout, "main", "product_etl")
    recorded = [loaded.attempts("product_etl", dag_run_id)[0] for dag_run_id in ("first", "later")]
    names = ("rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_removed", "rows_rejected")
    assert [line[2:10] for line in lines] == [
        ["1", "success", *(str(attempt[name]) for name in names)] for attempt in recorded
    ]
    assert len(lines_of(done.stdout, "second", "inventory_etl")) == 2
    visible = recorded[-1]["visibility_counts"]["VISIBLE"]
    assert lines_of(done.stdout, "main", "VISIBLE", str(visible))


def test_a_warning_of_a_load_is_shown(ozon: Ozon, loaded: Pipeline) -> None:
    loaded.sandbox.fault("warehouse_refused", number=1, status=404)
    loaded.load("refused")

    done = ozon(loaded.dsn, "runs", "--dag-run", "refused")

    assert "refused/main: warning: Cannot read the stock of seller warehouse " in " ".join(done.stdout.split())


def test_a_dag_run_is_picked_by_its_id_or_as_the_latest(ozon: Ozon, loaded: Pipeline) -> None:
    first = ozon(loaded.dsn, "runs", "--dag-run", "first")
    latest = ozon(loaded.dsn, "runs", "--dag-run", "latest")

    assert first.stdout.split()[:2] == ["Runs", "first"]
    assert latest.stdout.split()[:2] == ["Runs", "later"]
    assert [len(lines_of(done.stdout, "main", "product_etl")) for done in (first, latest)] == [1, 1]


def test_the_last_ones_and_those_since_a_moment(ozon: Ozon, loaded: Pipeline) -> None:
    last = ozon(loaded.dsn, "runs", "--last", "1")
    assert len(lines_of(last.stdout, "second", "product_etl")) == 1
    assert lines_of(last.stdout, "main", "product_etl") == []
    assert "No workflow" in ozon(loaded.dsn, "runs", "--since", "2999-01-01").stdout


def test_an_unknown_dag_run_is_one_sentence(ozon: Ozon, loaded: Pipeline) -> None:
    done = ozon(loaded.dsn, "runs", "--dag-run", "manual__nonsense")
    assert_one_sentence(done, 2, "The warehouse has no record of a run manual__nonsense")


def test_a_schema_behind_is_one_sentence(ozon: Ozon, empty_database_dsn: str) -> None:
    assert_one_sentence(ozon(empty_database_dsn, "runs"), 1, "Run `ozon db upgrade`")
