"""Results of health checks, stored and read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include.ozon.monitoring.health.checks import Check, run_checks
from include.ozon.monitoring.health.machine import LOG_FILES
from include.ozon.monitoring.health.store import latest, save
from include.ozon.monitoring.health.summary import summarize
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.warehouse.session import Connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESULTS = [
    CheckResult("api", "api_key", "main", Status.OK, None, None, "Accepted.", 0.1),
    CheckResult("api", "api_key", "second", Status.CRITICAL, None, None, "Ключ отозван; 100 % {x}", 0.2),
    CheckResult("machine", "disk_used_pct", None, Status.WARNING, 90.5, 85.0, "Nearly full.", 0.3),
    CheckResult("runs", "duration_ratio", "main", Status.UNKNOWN, None, None, "Nothing to measure yet.", 0.0),
]


@pytest.fixture
def connection(warehouse_dsn: str) -> Iterator[Connection]:
    with psycopg.connect(warehouse_dsn, autocommit=True, options="-c TimeZone=UTC") as connection:
        yield connection


def stored(connection: Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM ozon.health_checks").fetchone() or (0,)
    return int(count)


def test_stored_results_can_be_read(connection: Connection) -> None:
    save(connection, NOW, RESULTS)
    assert latest(connection) == (NOW, RESULTS)


def test_before_the_first_check_there_is_nothing(connection: Connection) -> None:
    assert latest(connection) is None
    save(connection, NOW, [])
    assert latest(connection) is None


def test_results_of_the_same_moment_are_replaced(connection: Connection) -> None:
    save(connection, NOW, RESULTS)
    better = [CheckResult("machine", "disk_used_pct", None, Status.OK, 50.0, 85.0, "Half full.", 0.4)]
    save(connection, NOW, better)
    assert latest(connection) == (NOW, [*RESULTS[:2], *better, *RESULTS[3:]])
    assert stored(connection) == len(RESULTS)


def test_the_latest_is_that_of_the_newest_moment(connection: Connection) -> None:
    save(connection, NOW + timedelta(minutes=15), RESULTS[:1])
    save(connection, NOW, RESULTS)
    assert latest(connection) == (NOW + timedelta(minutes=15), RESULTS[:1])


def test_a_check_that_broke_is_still_known_as_such(connection: Connection) -> None:
    def breaks() -> None:
        raise OSError("no such folder \0 here")

    broken = run_checks("machine", [Check(LOG_FILES, breaks)])  # type: ignore[arg-type]
    save(connection, NOW, [*broken, *RESULTS])
    _, found = latest(connection) or (NOW, [])
    assert [result.check for result in found if result.status == "error"] == ["log_files"]
    assert summarize(found, NOW).areas == summarize([*broken, *RESULTS], NOW).areas


def test_a_check_that_is_named_twice_keeps_no_other_from_being_stored(connection: Connection) -> None:
    save(connection, NOW, [*RESULTS, *RESULTS])
    assert stored(connection) == len(RESULTS)
