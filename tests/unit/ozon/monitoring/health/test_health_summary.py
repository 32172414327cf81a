"""Many results as one state: the worst status, and never "ok" without a measurement."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ozon.monitoring.health.summary import EXIT_CODES, HealthSummary, summarize
from include.ozon.monitoring.results import CheckResult, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def result(
    status: Status,
    check: str = "disk_used_pct",
    area: str = "machine",
    *,
    account: str | None = None,
) -> CheckResult:
    return CheckResult(area, check, account, status, 1, 2, "Something.")


OK = result(Status.OK)
WARNING = result(Status.WARNING, "log_files")
CRITICAL = result(Status.CRITICAL, "warehouse_reachable", "warehouse")
BROKEN = result(Status.ERROR, "api_key", "api", account="main")
NOTHING = result(Status.UNKNOWN, "duration_ratio", "runs", account="main")


def summary(*results: CheckResult) -> HealthSummary:
    return summarize(results, NOW)


@pytest.mark.parametrize(
    ("results", "status", "exit_code"),
    [
        ((OK, OK), Status.OK, 0),
        ((OK, WARNING), Status.WARNING, 1),
        ((OK, WARNING, CRITICAL), Status.CRITICAL, 2),
        ((OK, BROKEN), Status.ERROR, 3),
        ((NOTHING, BROKEN), Status.ERROR, 3),
        ((BROKEN, WARNING), Status.WARNING, 1),
        ((BROKEN, CRITICAL), Status.CRITICAL, 2),
        ((OK, NOTHING), Status.OK, 0),
        ((NOTHING, WARNING), Status.WARNING, 1),
        ((NOTHING, NOTHING), Status.UNKNOWN, 3),
        ((), Status.UNKNOWN, 3),
    ],
)
def test_the_state_is_the_worst_judged_status(results: tuple[CheckResult, ...], status: Status, exit_code: int) -> None:
    found = summary(*results)
    assert (found.status, found.exit_code) == (status, exit_code)


def test_every_status_has_an_exit_code_and_only_those_of_nothing_measured_share_one() -> None:
    assert sorted(EXIT_CODES[status] for status in Status) == [0, 1, 2, 3, 3]
    assert EXIT_CODES[Status.ERROR] == EXIT_CODES[Status.UNKNOWN] == 3


def test_each_area_has_its_own_worst_status() -> None:
    found = summary(OK, WARNING, CRITICAL, BROKEN, NOTHING)
    assert found.areas == {
        "machine": Status.WARNING,
        "warehouse": Status.CRITICAL,
        "api": Status.ERROR,
        "runs": Status.UNKNOWN,
    }
    assert found.counts == {Status.OK: 1, Status.WARNING: 1, Status.CRITICAL: 1, Status.UNKNOWN: 1, Status.ERROR: 1}
    assert found.measured_at == NOW
    assert found.results == (OK, WARNING, CRITICAL, BROKEN, NOTHING)


def test_one_sentence_names_the_problems_worst_first() -> None:
    assert summary(OK, WARNING, CRITICAL, BROKEN, NOTHING).sentence == (
        "The state is critical: of 5 checks 1 critical (warehouse_reachable), 1 with a warning (log_files), "
        "1 could not be measured (api_key of main), 1 ok, 1 with nothing to measure."
    )
    assert summary(OK, OK).sentence == "The state is ok: of 2 checks 2 ok."
    assert summary().sentence == "The state is unknown: no checks were run."


def test_a_long_list_of_names_is_cut() -> None:
    assert "5 with a warning (log_files, log_files, log_files and 2 more)" in summary(*[WARNING] * 5).sentence
