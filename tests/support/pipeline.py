"""The pipeline without Airflow: a sandbox's accounts, loaded into a test's own warehouse."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.ozon.configuration import load_settings
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import Pacer
from include.ozon.pipeline import records
from include.ozon.pipeline.attempt import run_component
from include.ozon.pipeline.inventory_etl import INVENTORY_ETL
from include.ozon.pipeline.numbers import ComponentNumbers
from include.ozon.pipeline.product_etl import PRODUCT_ETL
from include.ozon.pipeline.run import Run
from include.ozon.pipeline.workflow import end_workflow
from include.ozon.settings import Settings
from include.ozon.settings.base import Section
from include.ozon_sandbox.process import SandboxProcess

Row = dict[str, Any]

# The tables of the load that contain data, without the records.
DATA_TABLES = (
    "products",
    "product_visibility_history",
    "product_price_history",
    "inventory",
    "inventory_history",
    "inventory_by_warehouse",
)


def quick_settings() -> Settings:
    """Return the settings of the environment testing, with small pages and without retries."""
    api = {"page_size": 100, "details_batch_size": 100, "attempts": 1, "analytics_seconds_between_requests": 0}
    return changed(load_settings(environment="testing", environ={}), "api", **api)


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    """Return a copy with other values in a section: ``changed(settings, "guards.vanished", level="off")``."""
    return _changed(settings, section.split("."), values)


def _changed(section: Any, path: list[str], values: dict[str, Any]) -> Any:
    if not path:
        checked = type(section).model_validate({**section.model_dump(), **values})
        return section.model_copy(update={name: getattr(checked, name) for name in values})
    inner: Section = getattr(section, path[0])
    return section.model_copy(update={path[0]: _changed(inner, path[1:], values)})


@dataclass
class Pipeline:
    """Loads of the accounts of ``sandbox`` into the warehouse ``dsn``, and queries of their results."""

    sandbox: SandboxProcess
    dsn: str
    settings: Settings = field(default_factory=quick_settings)

    def run(
        self,
        dag_run_id: str = "run",
        account: str = "main",
        *,
        dry_run: bool = False,
        accept_guards: Collection[str] = (),
    ) -> Run:
        keys = self.sandbox.accounts[account]
        credentials = Credentials(
            base_url=self.sandbox.base_url,
            client_id=keys.client_id,
            api_key=keys.api_key,
            source=f"ozon_api_{account}",
        )
        settings = self.settings
        return Run(
            account=account,
            dag_run_id=dag_run_id,
            trigger="manual",
            settings=settings,
            connect=self.connect,
            # Never waits: the rate limit has its own tests.
            open_client=lambda stop: SellerClient(credentials, settings.api, stop=stop, pacer=Pacer(10_000)),
            dry_run=dry_run,
            accept_guards=frozenset(accept_guards),
        )

    def set_fbo_budget(self, minutes: float) -> None:
        """Set the budget without validation, whose minimum is a whole minute."""
        inventory = self.settings.inventory.model_copy(update={"ozon_warehouses_budget_minutes": minutes})
        self.settings = self.settings.model_copy(update={"inventory": inventory})

    def products(self, dag_run_id: str = "run", account: str = "main", **options: Any) -> ComponentNumbers:
        return run_component(PRODUCT_ETL, self.run(dag_run_id, account, **options))

    def inventory(self, dag_run_id: str = "run", account: str = "main", **options: Any) -> ComponentNumbers:
        return run_component(INVENTORY_ETL, self.run(dag_run_id, account, **options))

    def end(self, dag_run_id: str = "run", account: str = "main") -> records.Status | None:
        return end_workflow(self.run(dag_run_id, account))

    def load(self, dag_run_id: str = "run", account: str = "main", **options: Any) -> records.Status | None:
        """Run the workflow of one account."""
        self.products(dag_run_id, account, **options)
        self.inventory(dag_run_id, account, **options)
        return self.end(dag_run_id, account)

    def requests(self, account: str = "main") -> dict[str, int]:
        """Return the number of calls of each method since the sandbox's counters were reset."""
        counted: dict[str, int] = self.sandbox.state()["accounts"][account]["requests"]
        return counted

    def truth(self, account: str = "main") -> dict[int, Row]:
        """Return the sandbox's products by their ids."""
        return {product["product_id"]: product for product in self.sandbox.catalogue(account)}

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.dsn)

    def rows(self, query: str, *parameters: object) -> list[Row]:
        with psycopg.connect(self.dsn, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def value(self, query: str, *parameters: object) -> Any:
        """Return the first column of the only row."""
        (row,) = self.rows(query, *parameters)
        return next(iter(row.values()))

    def execute(self, query: str, *parameters: object) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(query.encode(), parameters or None)

    def attempts(self, component: str = "product_etl", dag_run_id: str = "run", account: str = "main") -> list[Row]:
        """Return the records of a component's attempts in order."""
        return self.rows(
            "SELECT * FROM ozon.etl_component_executions WHERE workflow_id = %s AND component = %s ORDER BY attempt",
            f"{dag_run_id}/{account}",
            component,
        )

    def workflow(self, dag_run_id: str = "run", account: str = "main") -> Row:
        (row,) = self.rows(
            "SELECT * FROM ozon.etl_workflow_executions WHERE workflow_id = %s", f"{dag_run_id}/{account}"
        )
        return row

    def rejected(self) -> list[Row]:
        return self.rows("SELECT * FROM ozon.rejected_items ORDER BY workflow_id, component, attempt, n")

    def staging_tables(self) -> set[str]:
        """Return the names of the staging tables, except ``loads``."""
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'ozon_staging'")
        return {row["tablename"] for row in found} - {"loads"}

    def is_sleeping(self) -> bool:
        """Return whether a session waits in ``pg_sleep``."""
        return bool(self.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

    def versions(self, *tables: str) -> dict[str, set[tuple[str, str]]]:
        """Return the physical place, writer and content of each row: equal if and only if nothing was written."""
        return {
            table: {
                (row["place"], row["content"])
                for row in self.rows(
                    f"SELECT ctid::text || '/' || xmin AS place, t::text AS content FROM ozon.{table} t"
                )
            }
            for table in tables
        }

    def everything(self) -> dict[str, set[tuple[str, str]]]:
        """Return ``versions`` of all tables of the schema ozon, and the names of the staging tables."""
        tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'ozon'")
        staged = {("", name) for name in self.staging_tables()}
        return {**self.versions(*(row["tablename"] for row in tables)), "staging": staged}
