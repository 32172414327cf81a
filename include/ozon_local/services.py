"""The services in the background: the embedded databases, migrated, the sandbox and the mail catcher."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg

from include.ozon.errors import FatalError, OzonError
from include.ozon.settings import WarehouseSettings
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon_local import processes
from include.ozon_local.airflow import airflow_environment, create_alert_pool, migrate, register_dags
from include.ozon_local.environment import AIRFLOW_DATABASE, WAREHOUSE_DATABASE, local_environment
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.mail import MailCatcher
from include.ozon_local.postgres import AIRFLOW_ROLE, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_local.sandbox import LocalSandbox

OZON = ROOT / ".venv" / "bin" / "ozon"

# `airflow dags test` writes a real run, which a scheduler on the same database would execute again.
TRIAL_DATABASE = "airflow_trial"

Service = EmbeddedPostgres | LocalSandbox | MailCatcher

END_SECONDS = 10  # for Airflow and a running load to record that they were cancelled


class Services:
    """The services in the background of one machine."""

    def __init__(self, home: LocalHome) -> None:
        self._home = home
        self.postgres = EmbeddedPostgres(home.path)
        self.sandbox = LocalSandbox(home.path)
        self.mail = MailCatcher(home.path)

    def start(self) -> None:
        """Start all services and migrate the databases; safe to repeat, even in parallel."""
        with self._home.lock("services"):
            _start("PostgreSQL", self.postgres)
            self.postgres.create_database(WAREHOUSE_DATABASE, WAREHOUSE_ROLE)
            self._migrate_airflow()
            _start("Sandbox", self.sandbox)
            _start("Mail", self.mail)
            self._migrate_warehouse()

    def running(self) -> list[Service]:
        return [service for service in (self.mail, self.sandbox, self.postgres) if service.is_running()]

    @contextmanager
    def ended_if_interrupted(self) -> Iterator[None]:
        """End the services that were started inside if the command is interrupted."""
        before = self.running()
        try:
            yield
        except processes.Interrupted:
            for service in self.running():
                if service not in before:
                    service.stop()
            raise

    def stop(self) -> None:
        """End everything that was started for this folder, including Airflow and a running load."""
        with self._home.lock("services"):
            processes.end(processes.marked(lambda home: home == self._home.path), END_SECONDS)
            for service in self.running():
                service.stop()

    def environment(self) -> dict[str, str]:
        """Return the terminal's environment with this machine's variables and the marker of child processes."""
        return processes.child_environment(self._home.path) | local_environment(self._home)

    def trial_environment(self) -> dict[str, str]:
        """Return the environment of ``airflow dags test``: with its own metadata database, and with less logging."""
        return (
            {"AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow=WARNING task=WARNING py.warnings=ERROR"}
            | self.environment()
            | airflow_environment(self._home.path, self._metadata_dsn(TRIAL_DATABASE))
        )

    def _migrate_airflow(self) -> None:
        self.postgres.create_database(AIRFLOW_DATABASE, AIRFLOW_ROLE)
        if self._migrate_metadata(AIRFLOW_DATABASE):
            register_dags(self.environment())
        create_alert_pool(self._metadata_dsn(AIRFLOW_DATABASE), self.environment())
        self.postgres.create_database(TRIAL_DATABASE, AIRFLOW_ROLE, template=AIRFLOW_DATABASE)
        self._migrate_metadata(TRIAL_DATABASE)

    def _migrate_metadata(self, database: str) -> bool:
        dsn = self._metadata_dsn(database)
        return migrate(dsn, self.environment() | airflow_environment(self._home.path, dsn))

    def _metadata_dsn(self, database: str) -> str:
        return self.postgres.dsn(database, AIRFLOW_ROLE)

    def _migrate_warehouse(self) -> None:
        environment = self.environment()
        if _is_at_head(environment["OZON_WAREHOUSE_DSN"]):
            return
        if subprocess.run([OZON, "db", "upgrade"], env=environment, cwd=ROOT, check=False).returncode:
            raise FatalError("Could not migrate the warehouse; the output of `ozon db upgrade` is above.")


def _is_at_head(warehouse_dsn: str) -> bool:
    """Return whether `ozon db upgrade`, which takes seconds, can be skipped."""
    connect = partial(psycopg.connect, warehouse_dsn, connect_timeout=10)
    try:
        with open_session(connect, WarehouseSettings(), "make services") as connection:
            return schema.status(connection).is_at_head
    except OzonError:
        return False


def _start(name: str, service: Service) -> None:
    was_running = service.is_running()
    service.start()
    print(f"{name:12}{service.address} ({'running' if was_running else 'started'})", flush=True)
