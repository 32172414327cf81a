"""Checks whether a run can overlap the next one."""

from __future__ import annotations

from include.ozon.configuration import load_settings
from include.ozon.scheduling.validation import Check, overlap_checks


def checks(longest_seconds: dict[str, float], **variables: str) -> dict[str, Check]:
    found = overlap_checks(load_settings(environ=variables), longest_seconds, "")
    return {check.name: check for check in found}


def test_runs_that_end_in_time_are_ok() -> None:
    found = checks({"etl": 95.0, "health": 3.2})

    assert {check.status for check in found.values()} == {"ok"}
    assert "the longest of the last 20 runs took 1 minute 35 seconds" in found["schedule.etl"].message
    assert "no run is recorded yet" in found["schedule.maintenance"].message


def test_a_run_that_lasted_into_the_next_one_is_a_failure() -> None:
    found = checks({"health": 16 * 60.0})

    assert found["schedule.health"].status == "failed"
    assert (
        "runs at least every 15 minutes, but one of the last 20 runs took 16 minutes"
        in found["schedule.health"].message
    )


def test_a_deadline_after_the_next_run_is_a_warning() -> None:
    found = checks({}, OZON__SCHEDULE__HEALTH="*/5 * * * *")

    assert found["schedule.health"].status == "warning"
    assert "deadlines.ozon_health_check_minutes lets a run take 10 minutes" in found["schedule.health"].message
