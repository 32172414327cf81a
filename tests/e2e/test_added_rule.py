"""A rule and its check, added in one file: measured, configured, documented and notified without another change."""

from __future__ import annotations

import pytest

from tests.support.changed_project import ChangedProject
from tests.support.documents import data_of
from tests.support.mail import MailServer, part
from tests.support.pipeline import Pipeline

FILE = "include/ozon/monitoring/health/machine.py"
RULE = """
UPTIME_DAYS = Rule(
    name="uptime_days",
    title="the machine was not restarted for long",
    measures="How long the machine has run without a restart.",
    unit=Unit.DAYS,
    limits=Above(warning=0, critical=0),
    next_step="Restart it between two loads.",
    meaning="It runs an old kernel.",
    remedy="Look for a time without loads: `ozon schedule`.",
)
"""
CHECK = """
def _uptime(context: HealthContext) -> Judgement:
    days = (context.now.timestamp() - psutil.boot_time()) / 86_400
    return judge(context.settings, UPTIME_DAYS, days, f"This machine has run for {days:.1f} days")
"""
PAGES = {
    "include.ozon.configuration.docs": (
        "docs/configuration.md",
        "| `rules.uptime_days` | above | `warning = 0, critical = 0` | days | uptime_days | "
        "How long the machine has run without a restart. |\n",
    ),
    "include.ozon.monitoring.runbook": (
        "docs/runbook.md",
        "| the machine was not restarted for long | It runs an old kernel. | "
        "Look for a time without loads: `ozon schedule`. | `uptime_days` |\n",
    ),
}


@pytest.fixture
def project(project: ChangedProject) -> ChangedProject:
    project.edit(FILE, "\n\ndef _disk_used(", f"{RULE}\n{CHECK}\n\ndef _disk_used(")
    pairs = "_MACHINE_MEASURES: Measures[HealthContext] = (\n"
    project.edit(FILE, pairs, f"{pairs}    (UPTIME_DAYS, _uptime),\n")
    return project


def test_generated_pages_contain_the_rule(project: ChangedProject) -> None:
    for module, (path, row) in PAGES.items():
        assert project.command("python", "-m", module, "--check").returncode == 1, "lint reports the missing rule"
        assert row not in (project.folder / path).read_text("utf-8")

        assert project.command("python", "-m", module).returncode == 0

        assert row in (project.folder / path).read_text("utf-8")
        assert project.command("python", "-m", module, "--check").returncode == 0


def test_the_rule_is_configured_measured_stored_and_notified(project: ChangedProject, warehouse: Pipeline) -> None:
    with MailServer() as mails:
        project.environment["AIRFLOW_CONN_SMTP_DEFAULT"] = mails.connection
        project.ozon("health", "--checks", "machine", "--alert", "--quiet", exit_code=2)

    (stored,) = warehouse.rows(
        "SELECT area, status, value > 0 AS is_up FROM ozon.health_checks WHERE \"check\" = 'uptime_days'"
    )
    assert (stored["area"], stored["status"], stored["is_up"]) == ("machine", "critical", True)
    (mail,) = (mail for mail in mails.messages if "not restarted" in mail["Subject"])
    assert mail["Subject"] == "[Ozon ETL testing] CRITICAL: the machine was not restarted for long"
    text = part(mail, "plain")
    assert "\n  Expected: at most 0 days, set by rules.uptime_days.critical\n" in text
    assert "\nWhat to do\n  Restart it between two loads.\n" in text

    assert "rules.uptime_days.critical" in project.ozon("config", "show")
    project.environment["OZON__RULES__UPTIME_DAYS__CRITICAL"] = "100000"
    assert status_of(project) == "warning"
    project.environment["OZON__RULES__UPTIME_DAYS__ENABLED"] = "false"
    assert status_of(project) == "ok"


def status_of(project: ChangedProject) -> str:
    document = data_of(project.command("ozon", "health", "--checks", "machine", "--output", "json").stdout)
    (area,) = document["areas"]
    (status,) = (check["status"] for check in area["checks"] if check["check"] == "uptime_days")
    return str(status)
