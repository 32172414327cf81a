"""The demo's loads: the pipeline's own components, in this process instead of Airflow's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from include.ozon.errors import RetriableError
from include.ozon.marketplace.client import SellerClient, other_client
from include.ozon.marketplace.credentials import Credentials
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.components import COMPONENTS
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.settings import RetrySettings, Settings
from include.ozon.warehouse.session import Connection, open_session
from include.ozon_sandbox.process import SandboxAccount

# A load's last recorded end, whatever its result: one that was interrupted has none and is loaded again.
_LOADED_UNTIL = """
SELECT max(started_at) FROM ozon.etl_workflow_executions WHERE account = %s AND finished_at IS NOT NULL
"""


@dataclass(frozen=True)
class AccountLoads:
    """The loads of the sandbox's accounts into one warehouse."""

    settings: Settings
    dsn: str
    sandbox_address: str
    keys: Mapping[str, SandboxAccount]

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        # After a power failure the last moments are missing, and the next `make demo` makes them again.
        return psycopg.connect(self.dsn, connect_timeout=10, options="-c synchronous_commit=off")

    def run(self, account: str, dag_run_id: str, trigger: str) -> Run:
        return Run(
            account=account,
            dag_run_id=dag_run_id,
            trigger=trigger,
            settings=self.settings,
            connect=self.connect,
            open_client=lambda stop: SellerClient(self._credentials(account), self.settings.api, stop=stop),
        )

    def open_health_client(self, account: str) -> SellerClient:
        return other_client(self._credentials(account), self.settings.api, self.settings.health.api_timeout_seconds)

    def load(self, run: Run) -> bool:
        """Load the account; return False if a temporary error ended the attempt, which is then worth a retry."""
        try:
            for component in COMPONENTS:
                run_component(component, run)
        except RetriableError:
            return False
        end_workflow(run)
        return True

    def loaded_until(self, account: str) -> datetime | None:
        """Return the start of the account's last workflow that has ended."""
        with open_session(self.connect, self.settings.warehouse, "make demo") as connection:
            row = connection.execute(_LOADED_UNTIL, (account,)).fetchone()
        return row[0] if row else None

    def _credentials(self, account: str) -> Credentials:
        keys = self.keys[account]
        return Credentials(self.sandbox_address, keys.client_id, keys.api_key, source=f"ozon_api_{account}")


def retry_waits() -> list[timedelta]:
    """Return production's waits before each retry: between the shortest and the longest of Airflow's."""
    return [timedelta(seconds=seconds * 0.75) for seconds in RetrySettings().longest_waits_seconds()]


def analyze(connection: Connection) -> None:
    """Do what autovacuum does within a minute: until then the planner takes the tables for empty."""
    tables = connection.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = 'ozon'").fetchall()
    names = [sql.Identifier("ozon", table) for (table,) in tables]
    connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(names)))
