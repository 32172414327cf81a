"""``ozon doctor`` on a correct installation, and on the same with one error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from include.ozon.configuration import load_settings
from include.ozon_local.airflow import airflow_environment, create_alert_pool, register_dags
from include.ozon_local.connections import api_connection, postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION
from include.ozon_local.home import ROOT
from include.ozon_local.mail import CONNECTION as SMTP_CONNECTION
from include.ozon_local.postgres import AIRFLOW_ROLE, SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_local.processes import child_environment
from include.ozon_sandbox.process import SandboxProcess
from tests.support import poolers, process, scratch
from tests.support.documents import data_of
from tests.support.mail import MailServer
from tests.support.packages import not_installed

MAIN_CONNECTION = "AIRFLOW_CONN_OZON_API_MAIN"
METADATA, WAREHOUSE, EMPTY, READ_ONLY = "doctor_metadata", "doctor_warehouse", "doctor_empty", "doctor_read_only"
NO_TEMPORARY, OTHER_ENCODING = "doctor_no_temporary", "doctor_encoding"
RIGHT = [
    "python", "packages", "project", "configuration", "environment", "airflow", "metadata", "plugin", "dags",
    "pools", "pools", "processes", "warehouse", "encryption", "clock", "sessions", "schema", "schema", "accounts",
    "account main", "account second", "channel team", "folder logs", "folder reports", "schedule crontab",
    "schedule airflow",
]  # fmt: skip
# Needs a scheduler, and the program `crontab`, which may be missing.
NOT_HERE = {"processes", "schedule crontab"}


@dataclass(frozen=True)
class Site:
    """A correct installation."""

    environment: dict[str, str]
    sandbox: SandboxProcess
    dsns: dict[str, str]

    def run(self, *arguments: str, **variables: str | None) -> process.Done:
        """Run ``ozon`` with these variables instead of the site's; None removes one."""
        changed = {**self.environment, **variables}
        env = {name: value for name, value in changed.items() if value is not None}
        return process.run(process.OZON, *arguments, env=env, cwd=Path("/"))

    def found(self, *arguments: str, **variables: str | None) -> list[dict[str, str]]:
        done = self.run(*arguments, "--output", "json", **variables)
        assert done.stderr == ""
        document = data_of(done.stdout)
        checks: list[dict[str, str]] = document["connections" if arguments[0] == "config" else "checks"]
        assert done.returncode == int(any(check["status"] == "failed" for check in checks))
        return checks

    def connection(self, variable: str, **fields: Any) -> str:
        return json.dumps({**json.loads(self.environment[variable]), **fields})


@pytest.fixture(scope="module")
def site(postgres: EmbeddedPostgres, metadata_template: str, warehouse_template: str) -> Iterator[Site]:
    postgres.create_database(METADATA, AIRFLOW_ROLE, template=metadata_template)
    for name in (WAREHOUSE, READ_ONLY, NO_TEMPORARY):
        postgres.create_database(name, WAREHOUSE_ROLE, template=warehouse_template)
    postgres.create_database(EMPTY, WAREHOUSE_ROLE)
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        superuser.execute(statement.format(sql.Identifier(READ_ONLY)))
        superuser.execute(f"REVOKE TEMPORARY ON DATABASE {NO_TEMPORARY} FROM PUBLIC, {WAREHOUSE_ROLE}".encode())
        ascii_only = "TEMPLATE template0 ENCODING SQL_ASCII LOCALE_PROVIDER libc LOCALE 'C'"
        superuser.execute(f"CREATE DATABASE {OTHER_ENCODING} OWNER {WAREHOUSE_ROLE} {ascii_only}".encode())
    databases = (WAREHOUSE, EMPTY, READ_ONLY, NO_TEMPORARY, OTHER_ENCODING)
    dsns = {name: postgres.dsn(name, WAREHOUSE_ROLE) for name in databases}
    home = scratch.new_folder("doctor")
    with (
        SandboxProcess(scratch.new_folder("sandbox"), {"main": 10, "second": 10}) as sandbox,
        MailServer() as mails,
    ):
        metadata_dsn = postgres.dsn(METADATA, AIRFLOW_ROLE)
        environment = {
            **child_environment(home),
            **airflow_environment(home, metadata_dsn),
            **dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items()),
            WAREHOUSE_CONNECTION: postgres_connection(dsns[WAREHOUSE]),
            SMTP_CONNECTION: mails.connection,
            "OZON_ENV": "testing",
        }
        register_dags(environment)
        create_alert_pool(metadata_dsn, environment)
        yield Site(environment, sandbox, dsns)
    for name in (METADATA, *databases):
        postgres.drop_database(name)


def test_where_everything_is_right_each_part_is_ok(site: Site) -> None:
    found = site.found("doctor")

    assert [check["name"] for check in found] == RIGHT
    assert [check for check in found if check["status"] != "ok" and check["name"] not in NOT_HERE] == []


# Variables with an error, the check that finds it, its message, and the skipped checks.
Change = Callable[[Site], dict[str, str | None]]
WRONG: dict[str, tuple[Change, str, str, list[str]]] = {
    "the configuration": (
        lambda site: {"OZON__RETRY__RETRIES": "many"},
        "configuration", "OZON__RETRY__RETRIES",
        ["metadata", "plugin", "dags", "pools", "processes"],
    ),
    "Airflow's own configuration": (
        lambda site: {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "nonsense"},
        "airflow", "Airflow does not start with its configuration",
        ["metadata", "plugin", "dags", "pools", "processes", "warehouse", "schema", "accounts", "account main",
         "account second", "channels", "heartbeat", "folders", "schedule"],
    ),
    "a metadata database that does not answer": (
        lambda site: {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://a:secret-words@127.0.0.1:1/a"},
        "metadata", "metadata database does not answer",
        ["dags", "pools", "processes", "schedule"],
    ),
    "a metadata database that nobody migrated": (
        lambda site: {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": site.dsns[EMPTY].replace("postgresql:", "postgresql+psycopg2:")
        },
        "metadata", "`airflow db migrate`",
        ["dags", "pools", "processes", "schedule"],
    ),
    "a plugins folder of somebody else's": (
        lambda site: {
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "docs"),
            **not_installed(Path(site.environment["AIRFLOW_HOME"])),
        },
        "plugin", f"AIRFLOW__CORE__PLUGINS_FOLDER={ROOT}/plugins",
        [],
    ),
    "a pool that is missing": (
        lambda site: {"OZON__ALERTS__POOL": "nowhere"},
        "pools", "airflow pools set nowhere 1",
        [],
    ),
    "no connection to the warehouse": (
        lambda site: {WAREHOUSE_CONNECTION: None},
        "warehouse", "Airflow has no connection ozon_warehouse",
        ["schema"],
    ),
    "a warehouse that does not answer": (
        lambda site: {WAREHOUSE_CONNECTION: site.connection(WAREHOUSE_CONNECTION, port=1)},
        "warehouse", "host and port of connection ozon_warehouse",
        ["schema"],
    ),
    "a warehouse that cannot hold every text": (
        lambda site: {WAREHOUSE_CONNECTION: postgres_connection(site.dsns[OTHER_ENCODING])},
        "warehouse", "has the encoding SQL_ASCII",
        ["schema"],
    ),
    "a warehouse without temporary tables": (
        lambda site: {WAREHOUSE_CONNECTION: postgres_connection(site.dsns[NO_TEMPORARY])},
        "warehouse", f'GRANT TEMPORARY ON DATABASE "{NO_TEMPORARY}" TO "{WAREHOUSE_ROLE}"',
        ["schema"],
    ),
    "a warehouse without its schema": (
        lambda site: {WAREHOUSE_CONNECTION: postgres_connection(site.dsns[EMPTY])},
        "schema", "`ozon db upgrade`",
        [],
    ),
    "a warehouse that takes no writes": (
        lambda site: {WAREHOUSE_CONNECTION: postgres_connection(site.dsns[READ_ONLY])},
        "schema", "does not accept writes",
        [],
    ),
    "a key that Ozon does not know": (
        lambda site: {MAIN_CONNECTION: site.connection(MAIN_CONNECTION, password="not-a-key")},
        "account main", "Ozon refuses access to account main",
        [],
    ),
    "one seller under two names": (
        lambda site: {"AIRFLOW_CONN_OZON_API_SECOND": site.environment[MAIN_CONNECTION]},
        "accounts", "have the same Client-Id",
        [],
    ),
    "a mail server that does not answer": (
        lambda site: {SMTP_CONNECTION: site.connection(SMTP_CONNECTION, port=1)},
        "channel team", "sign-in to the mail server of connection smtp_default failed",
        [],
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("wrong", WRONG)
def test_one_thing_that_is_wrong_is_one_failure_with_its_fix(site: Site, wrong: str) -> None:
    change, name, words, not_checked = WRONG[wrong]

    found = site.found("doctor", **change(site))

    (failed,) = [check for check in found if check["status"] == "failed"]
    assert failed["name"] == name
    assert words in failed["message"]
    unknown = [check["name"] for check in found if check["status"] == "unknown" and check["name"] not in NOT_HERE]
    assert unknown == [each for each in not_checked if each not in NOT_HERE]
    assert not [check for check in found if "secret-words" in check["message"] or "not-a-key" in check["message"]]


@pytest.mark.long
def test_a_key_that_may_not_call_a_method_is_reported_with_the_method(site: Site) -> None:
    site.sandbox.fault("role_missing", account="second")
    try:
        found = site.found("config", "validate", "--connect")
    finally:
        site.sandbox.clear_faults()

    (failed,) = [check for check in found if check["status"] == "failed"]
    assert failed["name"] == "account second"
    assert "lacks a role" in failed["message"]


@pytest.fixture
def start_pooler(site: Site) -> Iterator[Callable[[str], str]]:
    """``start_pooler("session")``: start PgBouncer for the warehouse, and return its connection."""
    if reason := poolers.reason_to_skip():
        pytest.skip(reason)
    with ExitStack() as running:
        yield lambda mode: running.enter_context(poolers.pooler(site.dsns[WAREHOUSE], mode))


@pytest.mark.long
@pytest.mark.parametrize(("mode", "status"), [("session", "ok"), ("transaction", "failed")])
def test_a_pooler_has_to_give_each_connection_its_own_session(
    site: Site, start_pooler: Callable[[str], str], mode: str, status: str
) -> None:
    found = site.found("config", "validate", "--connect", **{WAREHOUSE_CONNECTION: start_pooler(mode)})

    (sessions,) = [check for check in found if check["name"] == "sessions"]
    assert sessions["status"] == status


@pytest.mark.long
def test_no_channel_is_a_warning(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "ozon.toml"
    file.write_text('[default.accounts.main]\ntitle = "Shop"\n')

    found = site.found("doctor", OZON_CONFIG=str(file), OZON_ENV=None)

    warnings = {check["name"]: check["message"] for check in found if check["status"] == "warning"}
    assert "OZON_ENV=production" in warnings["environment"]
    assert "[development.alerts.channels.team]" in warnings["channels"]
    assert load_settings(file, "development", {}).alerts.channels == {}


@pytest.mark.long
def test_the_text_is_a_table_and_one_sentence_and_quiet_leaves_out_ok_checks(site: Site) -> None:
    nowhere = {WAREHOUSE_CONNECTION: site.connection(WAREHOUSE_CONNECTION, port=1)}

    done = site.run("doctor", "--quiet", **nowhere)

    assert (done.returncode, done.stderr) == (1, "")
    assert "│ warehouse " in done.stdout
    assert "│ python " not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("Fix the first failure and run this again.")
    assert "│ python " in site.run("doctor").stdout


@pytest.mark.long
def test_connections_of_a_valid_configuration_are_tested_only_on_request(site: Site) -> None:
    nowhere = {WAREHOUSE_CONNECTION: site.connection(WAREHOUSE_CONNECTION, port=1)}

    assert site.run("config", "validate", **nowhere).returncode == 0
    tried = site.run("config", "validate", "--connect", **nowhere)

    assert tried.returncode == 1
    assert "The configuration is valid" in tried.stdout
    assert "host and port of connection ozon_warehouse" in " ".join(tried.stdout.replace("│", "").split())
