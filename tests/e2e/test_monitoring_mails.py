"""Mails about one incident: exactly one when it opens, none before the repeat interval, one when it is resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.ozon.warehouse import schema
from include.ozon_local.mail import CONNECTION as SMTP_CONNECTION
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import MakeEnvironment, StartSandbox
from tests.support import process, scratch
from tests.support.airflow_runs import Airflow
from tests.support.mail import MailServer, part
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.faults]

# Without `airflow`, because no scheduler runs here, and without `machine`, whose state the test does not control.
CHECKS = ("warehouse", "runs", "deadlines", "data", "api")


@dataclass
class Site:
    """A loaded warehouse on its own server, a sandbox, a mail server, and an Airflow connected to them."""

    server: EmbeddedPostgres
    sandbox: SandboxProcess
    warehouse: Pipeline
    mails: MailServer
    airflow: Airflow

    def load(self, dag_run_id: str) -> None:
        for account in self.sandbox.accounts:
            self.warehouse.load(dag_run_id, account)

    def check(self) -> int:
        """Run a health check by ``airflow dags test``, and return its exit code."""
        done = self.airflow.run("ozon_health_check")
        if done.exit_code:
            assert re.findall(r"\[DAG TEST\] end task task_id=(\w+)", done.output)[-1] == "verdict", done.output
        return done.exit_code

    def check_by_cron(self) -> int:
        """Run a health check by the command that cron calls, and return its exit code."""
        done = process.run(process.OZON, "health", "--alert", env=self.airflow.environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def measure(self, **conf: object) -> None:
        done = self.airflow.run("ozon_visibility_metrics", **conf)
        assert done.exit_code == 0, done.output


@pytest.fixture
def site(start_sandbox: StartSandbox, make_airflow_environment: MakeEnvironment) -> Iterator[Site]:
    server = EmbeddedPostgres(scratch.new_folder("warehouse"), durable=False)
    server.start()
    server.create_database("warehouse", WAREHOUSE_ROLE)
    sandbox = start_sandbox({"main": 300, "second": 120})
    warehouse = Pipeline(sandbox, server.dsn("warehouse", WAREHOUSE_ROLE))
    schema.upgrade(warehouse.connect)
    with MailServer() as mails:
        environment = make_airflow_environment(warehouse.dsn, sandbox) | {
            SMTP_CONNECTION: mails.connection,
            "OZON__HEALTH__CHECKS": json.dumps(CHECKS),
        }
        site = Site(server, sandbox, warehouse, mails, Airflow(environment))
        site.load("first")
        yield site
    server.stop()


def test_a_refused_key(site: Site) -> None:
    site.sandbox.fault("key_deactivated", account="main")
    assert site.check() == 1
    # The DAG and the command share the notifications that were sent.
    assert site.check_by_cron() == 2
    (mail,) = site.mails.messages
    assert mail["Subject"] == "[Ozon ETL testing] CRITICAL: Ozon refuses access - Test account 1 (main)"
    assert "deactivated" in part(mail, "plain")
    assert "deactivated" in part(mail, "html")

    site.sandbox.clear_faults()
    assert site.check_by_cron() == 0
    assert site.mails.subjects[1:] == ["[Ozon ETL testing] RECOVERED: Ozon refuses access - Test account 1 (main)"]


def test_a_stopped_database(site: Site) -> None:
    assert site.check_by_cron() == 0
    assert site.mails.subjects == []

    site.server.stop()
    assert site.check_by_cron() == 2
    assert site.check() == 1
    (mail,) = site.mails.messages
    assert mail["Subject"] == "[Ozon ETL testing] CRITICAL: the warehouse cannot be reached"

    site.server.start()
    assert site.check_by_cron() == 0
    assert site.mails.subjects[1:] == ["[Ozon ETL testing] RECOVERED: the warehouse cannot be reached"]
    incidents = site.warehouse.rows("SELECT * FROM ozon.incidents WHERE notified_at IS NOT NULL")
    assert [(row["group"], bool(row["resolved_at"])) for row in incidents] == [("warehouse", True)]


def test_a_third_of_the_products_hidden(site: Site) -> None:
    site.measure()
    assert site.mails.subjects == []

    site.sandbox.fault("hide_share", share=0.34)
    site.load("hidden")
    site.measure()
    site.measure()
    (mail,) = site.mails.messages
    assert "products turned invisible" in mail["Subject"]
    hidden = site.warehouse.rows(
        "SELECT p.name FROM ozon.products p JOIN ozon.product_visibility_history h USING (account, product_id) "
        "WHERE h.previous_visibility = 'VISIBLE' AND h.valid_to IS NULL"
    )
    assert any(row["name"] in part(mail, "plain") for row in hidden)

    site.sandbox.clear_faults()
    site.load("visible")
    site.measure()
    (recovered,) = site.mails.subjects[1:]
    assert "RECOVERED" in recovered


def test_a_report_that_cannot_be_saved_keeps_nobody_from_being_notified(site: Site, tmp_path: Path) -> None:
    site.measure()
    site.sandbox.fault("hide_share", share=0.34)
    site.load("hidden")
    (tmp_path / "file").touch()
    site.airflow.environment["OZON__REPORTS__FOLDER"] = str(tmp_path / "file" / "reports")

    done = site.airflow.run("ozon_visibility_metrics", save_report=True)

    assert done.exit_code == 1
    assert "cannot be saved in reports.folder" in done.output
    assert any("products turned invisible" in subject for subject in site.mails.subjects)


def test_the_daily_report(site: Site) -> None:
    site.airflow.environment["OZON__ALERTS__CHANNELS__TEAM__RECEIVES"] = '["alerts", "daily_report"]'
    site.airflow.environment["OZON__ALERTS__CHANNELS__TEAM__LANGUAGE"] = "ru"
    # Not a run by the schedule.
    site.measure()
    assert site.mails.subjects == []

    site.measure(send_report=True)
    (mail,) = site.mails.messages
    assert mail["Subject"].startswith("[Ozon ETL testing] Видимость: ")
    (file,) = mail.iter_attachments()
    assert '<html lang="ru"' in file.get_content()

    site.mails.refuse("451 Come back later")
    done = site.airflow.run("ozon_visibility_metrics", send_report=True)
    assert done.exit_code == 1
    assert "The daily report did not reach 1 of 1 channels: team (The mail server" in done.output
