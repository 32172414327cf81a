"""A rule and its check, added by the recipe in one file: measured, configured and notified without another change."""

from __future__ import annotations

import pytest

from tests.support.changed_project import ChangedProject
from tests.support.documents import data_of
from tests.support.mail import MailServer, part
from tests.support.pipeline import Pipeline


@pytest.fixture
def project(project: ChangedProject) -> ChangedProject:
    project.follow("Add a rule")
    project.environment |= {"OZON__RULES__UPTIME_DAYS__WARNING": "0", "OZON__RULES__UPTIME_DAYS__CRITICAL": "0"}
    return project


@pytest.mark.long
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
