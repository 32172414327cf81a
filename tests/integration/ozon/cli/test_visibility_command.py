"""`ozon visibility`, as a process, after real loads."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.documents import data_of
from tests.support.pipeline import Pipeline


@pytest.fixture
def loaded(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    """Two accounts; of the first, products were hidden between two loads."""
    pipeline = Pipeline(start_sandbox({"main": 150, "second": 40}), warehouse_dsn)
    pipeline.load("first")
    pipeline.load("first", "second")
    pipeline.sandbox.fault("hide_share", account="main", share=0.3)
    pipeline.load("later")
    return pipeline


def visible(pipeline: Pipeline, account: str) -> int:
    return sum(product["visibility"] == "VISIBLE" for product in pipeline.truth(account).values())


def test_every_format_has_the_same_numbers_and_nothing_is_written(ozon: Ozon, loaded: Pipeline) -> None:
    before = loaded.everything()
    shown = {}
    for output in ("text", "json", "csv", "html"):
        done = ozon(loaded.dsn, "visibility", "--output", output)
        assert (done.returncode, done.stderr) == (0, "")
        shown[output] = done.stdout
    assert loaded.everything() == before

    accounts = data_of(shown["json"])["accounts"]
    assert [account["account"] for account in accounts] == ["main", "second"]
    counts = [account["distribution"]["counts"]["VISIBLE"] for account in accounts]
    assert counts == [visible(loaded, "main"), visible(loaded, "second")]
    turned = accounts[0]["transitions"]["turned_invisible"]
    assert turned["count"] == len(turned["products"]) > 0
    rows = list(csv.DictReader(io.StringIO(shown["csv"].removeprefix("\ufeff"))))
    assert [row["value"] for row in rows if row["metric"] == "VISIBLE"] == list(map(str, counts))
    assert sum(row["section"] == "turned_invisible" for row in rows) == turned["count"]
    assert f"Turned invisible: {turned['count']}" in shown["text"]
    assert f": {turned['count']}</h3>" in shown["html"]
    assert shown["html"].startswith("<!DOCTYPE html>")


def test_one_account_since_a_moment(ozon: Ozon, loaded: Pipeline) -> None:
    since = f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%S%z}"
    done = ozon(loaded.dsn, "visibility", "--output", "json", "--account", "second", "--since", since)
    (account,) = data_of(done.stdout)["accounts"]
    assert account["account"] == "second"
    assert account["transitions"]["basis"] == "asked"
    assert datetime.fromisoformat(account["transitions"]["since"]) == datetime.fromisoformat(since)


@pytest.mark.long
def test_a_report_is_saved_and_still_shown(ozon: Ozon, loaded: Pipeline, tmp_path: Path) -> None:
    options = ("--output", "csv", "--save-report", "--folder", str(tmp_path / "reports"))
    done = ozon(loaded.dsn, "visibility", *options)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "reports").iterdir()
    assert file.name.startswith("visibility-")
    assert file.read_bytes().decode() == done.stdout.replace("\n", "\r\n")
    assert str(file) in done.stderr

    assert ozon(loaded.dsn, "visibility", *options, "--account", "main").returncode == 0
    assert len(list((tmp_path / "reports" / "main").glob("visibility-*.csv"))) == 1


@pytest.mark.long
def test_a_folder_that_cannot_be_written_is_one_sentence(ozon: Ozon, loaded: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = ozon(loaded.dsn, "visibility", "--save-report", "--folder", str(tmp_path / "file" / "below"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("ozon: ")


@pytest.mark.long
def test_an_account_without_a_load_is_reported_with_the_others(
    ozon: Ozon, start_sandbox: StartSandbox, warehouse_dsn: str
) -> None:
    Pipeline(start_sandbox({"main": 50}), warehouse_dsn).load()
    done = ozon(warehouse_dsn, "visibility")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Account second has not been loaded yet" in done.stdout


def test_an_empty_warehouse_is_one_sentence(ozon: Ozon, warehouse_dsn: str) -> None:
    done = ozon(warehouse_dsn, "visibility")
    assert_one_sentence(done, 1, "There is nothing to report: the warehouse has no successful load of the accounts")


def test_an_unknown_account_and_a_moment_to_come_are_one_sentence(ozon: Ozon, warehouse_dsn: str) -> None:
    unknown = ozon(warehouse_dsn, "visibility", "--account", "nobody")
    assert_one_sentence(unknown, 2, "--account: expected one of main, second; found 'nobody'.")
    future = ozon(warehouse_dsn, "visibility", "--since", "2999-01-01")
    assert_one_sentence(future, 2, "--since: expected a moment in the past")


@pytest.mark.long
def test_with_alert_the_measurement_is_stored_and_notified_once(ozon: Ozon, loaded: Pipeline) -> None:
    for _ in range(2):
        done = ozon(loaded.dsn, "visibility", "--alert")
        assert done.returncode == 0
        # There is no mail server here: an undelivered notification does not count.
        assert "Channels that failed: team" in done.stderr

    stored = loaded.rows("SELECT account, visible FROM ozon.visibility_metrics ORDER BY measured_at, account")
    assert [row["account"] for row in stored] == ["main", "second"] * 2
    opened = loaded.rows("SELECT rule FROM ozon.alerts WHERE account = 'main' AND resolved_at IS NULL")
    assert [row["rule"] for row in opened].count("turned_invisible_pct") == 1


def test_with_alert_a_report_that_cannot_be_saved_keeps_nobody_from_being_notified(
    ozon: Ozon, loaded: Pipeline, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = ozon(loaded.dsn, "visibility", "--alert", "--save-report", "--folder", str(tmp_path / "file" / "reports"))

    assert done.returncode == 2
    assert "cannot be saved" in done.stderr
    assert loaded.value("SELECT count(*) FROM ozon.visibility_metrics") == 2
    assert "turned_invisible_pct" in {row["rule"] for row in loaded.rows("SELECT rule FROM ozon.alerts")}


def test_alert_is_about_the_last_measurement_and_about_no_other_moment(ozon: Ozon, warehouse_dsn: str) -> None:
    assert_one_sentence(ozon(warehouse_dsn, "visibility", "--alert", "--since", "2026-11-24"), 2, "Use one of them")
