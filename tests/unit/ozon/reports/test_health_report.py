"""The health check as text and as JSON, from the same results."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from include.ozon.configuration import load_settings
from include.ozon.monitoring.health.summary import HealthSummary, summarize
from include.ozon.monitoring.results import CheckResult, Status
from include.ozon.reports.health import health_data, health_text

SETTINGS = load_settings(environment="testing", environ={})
NOW = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)
RESULTS = [
    CheckResult("warehouse", "warehouse_reachable", None, Status.OK, None, None, "It answers.", 0.01),
    CheckResult(
        "warehouse", "warehouse_size_gb", None, Status.WARNING, 1234.5, 100.0, "It is [bold]large[/bold].", 0.02
    ),
    CheckResult("api", "api_key", "main", Status.CRITICAL, None, None, "Ключ отозван.", 0.5),
    CheckResult("api", "api_methods", "main", Status.ERROR, None, None, "x", 0.0),
    CheckResult("runs", "duration_ratio", "main", Status.UNKNOWN, None, None, "Nothing yet."),
]


def rendered(content: RenderableType) -> str:
    console = Console(width=160, record=True)
    console.print(content)
    return console.export_text()


def report(*results: CheckResult) -> HealthSummary:
    return summarize(results or RESULTS, NOW)


def test_the_text_has_a_line_for_each_check_by_area() -> None:
    lines = rendered(health_text(report(), SETTINGS)).splitlines()
    # In the zone of the configuration, three hours ahead.
    assert lines[0].strip() == "Health of testing, 2026-03-02 00:30 MSK"
    words = [[word.strip() for word in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert words == [
        ["warehouse", "warehouse_reachable", "", "ok", "", "It answers."],
        ["", "warehouse_size_gb", "", "warning", "1 234.5", "It is [bold]large[/bold]."],
        ["api", "api_key", "main", "critical", "", "Ключ отозван."],
        ["", "api_methods", "main", "error", "", "x"],
        ["runs", "duration_ratio", "main", "unknown", "", "Nothing yet."],
    ]
    assert report().sentence in " ".join(" ".join(lines).split())


def test_checks_that_failed_for_one_reason_share_a_line() -> None:
    down = "the warehouse is down."

    def failed(area: str, check: str, account: str | None, message: str = down) -> CheckResult:
        return CheckResult(area, check, account, Status.ERROR, None, None, message)

    text = rendered(
        health_text(
            report(
                failed("runs", "failures_in_a_row", "main"),
                failed("runs", "duration_ratio", "main", "no such table."),
                failed("runs", "failures_in_a_row", "second"),
                failed("data", "impossible_stock", "main"),
                failed("data", "product_etl_age_hours", "main"),
            ),
            SETTINGS,
        )
    )
    words = [[word.strip() for word in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert words == [
        ["runs", "failures_in_a_row and 1 more", "several", "error", "", down],
        ["", "duration_ratio", "main", "error", "", "no such table."],
        ["data", "impossible_stock and 1 more", "main", "error", "", down],
    ]


def test_only_problems_leaves_out_ok_checks() -> None:
    text = rendered(health_text(report(), SETTINGS, only_problems=True))
    assert "warehouse_reachable" not in text
    assert "duration_ratio" not in text
    assert all(check in text for check in ("warehouse_size_gb", "api_key", "api_methods"))
    healthy = rendered(health_text(report(RESULTS[0]), SETTINGS, only_problems=True))
    assert healthy == "The state is ok: of 1 check 1 ok.\n"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (100.0, "100"), (0.126, "0.13"), (1_234_567.0, "1 234 567"), (-0.5, "-0.5")]
)
def test_values_are_readable(value: float, shown: str) -> None:
    result = CheckResult("machine", "load_per_cpu", None, Status.OK, value, None, "Loaded.")
    assert f"│ {shown} │" in " ".join(rendered(health_text(report(result), SETTINGS)).split())


def test_the_json_has_everything_and_its_version() -> None:
    document = health_data(report(), SETTINGS)
    areas = document.pop("areas")
    assert document == {
        "environment": "testing",
        "measured_at": "2026-03-01T21:30:00+00:00",
        "status": "critical",
        "exit_code": 2,
        "summary": report().sentence,
        "counts": {"ok": 1, "warning": 1, "critical": 1, "unknown": 1, "error": 1},
    }
    assert [(each["area"], each["status"], len(each["checks"])) for each in areas] == [
        ("warehouse", "warning", 2),
        ("api", "critical", 2),
        ("runs", "unknown", 1),
    ]
    assert areas[0]["checks"][1] == {
        "check": "warehouse_size_gb",
        "account": None,
        "status": "warning",
        "value": 1234.5,
        "threshold": 100.0,
        "message": "It is [bold]large[/bold].",
        "duration_seconds": 0.02,
    }
