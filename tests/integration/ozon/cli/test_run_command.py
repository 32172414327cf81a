"""`ozon run` that ends before a run starts, as a process."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from include.ozon.warehouse.lock import account_lock
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.documents import data_of

pytestmark = pytest.mark.long


def schedule(moment: datetime) -> dict[str, str]:
    """Return an expression that is due in that minute of the year."""
    expression = f"{moment.minute} {moment.hour} {moment.day} {moment.month} *"
    return {"OZON__SCHEDULE__ETL": expression, "OZON__TIME_ZONE": "UTC"}


def not_now() -> dict[str, str]:
    now = datetime.now(tz=UTC)
    return schedule(now.replace(day=1, month=now.month % 12 + 1))


def test_an_unknown_account_or_guard_is_a_wrong_command_line(ozon_process: Ozon) -> None:
    for arguments, sentence in (
        (["--account", "main", "--account", "nobody"], "--account: expected one of main, second; found 'nobody'"),
        (["--accept-guard", "dog"], "--accept-guard: expected one of empty_catalogue"),
        (["--if-due", "--account", "nobody"], "--account: expected one of main, second; found 'nobody'"),
    ):
        assert_one_sentence(ozon_process(None, "run", *arguments, **not_now()), 2, sentence)


def test_without_a_migrated_warehouse_nothing_begins(ozon_process: Ozon, empty_database_dsn: str) -> None:
    assert_one_sentence(ozon_process(empty_database_dsn, "run"), 1, "Run `ozon db upgrade`")


def test_a_metadata_database_that_is_not_migrated_is_one_sentence(ozon_process: Ozon, warehouse_dsn: str) -> None:
    empty = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": warehouse_dsn.replace("postgresql:", "postgresql+psycopg2:")}
    assert_one_sentence(ozon_process(warehouse_dsn, "run", **empty), 1, "Run `airflow db migrate`")


def test_a_busy_account_is_refused_by_name(ozon_process: Ozon, warehouse_dsn: str) -> None:
    with (
        psycopg.connect(warehouse_dsn, autocommit=True, application_name="somebody") as other,
        account_lock(other, "second"),
    ):
        everything = ozon_process(warehouse_dsn, "run", "--output", "json")
        due = ozon_process(warehouse_dsn, "run", "--if-due", "--account", "second", **schedule(datetime.now(tz=UTC)))

    for refused in (everything, due):
        assert_one_sentence(refused, 3, "Account second is already running since ")
        assert "by somebody" in refused.stderr


def test_a_job_that_is_not_due_ends_at_once(ozon_process: Ozon) -> None:
    """Without any connection, so that nothing can have been checked."""
    done = ozon_process(None, "run", "--if-due", **not_now())
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith('Not due now: schedule.etl is "')
    done = ozon_process(None, "run", "--if-due", "--output", "json", **not_now())
    assert (data_of(done.stdout, "ozon-run")["outcome"], done.returncode) == ("not due", 0)


def test_the_exit_codes_are_in_the_help(ozon_process: Ozon) -> None:
    done = ozon_process(None, "run", "--help")
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "3 another run is loading the account, 130 or 143 stopped by SIGINT or SIGTERM" in text
    assert "Example: ozon run --account main --dry-run" in text
