"""Ticks, loads, failures, migrations, maintenance and accounts in any order, against the sandbox as the model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from include.ozon.errors import OzonError
from include.ozon.maintenance.retention import delete_expired
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_connection
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.faults.invariants import assert_consistent, state_of
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline

pytestmark = [pytest.mark.long, pytest.mark.faults]

ACCOUNTS = ("main", "second")
METHODS = (
    "/v3/product/list",
    "/v3/product/info/list",
    "/v4/product/info/stocks",
    "/v1/product/info/warehouse/stocks",
)
FAULTS = ("truncated_json", "server_error", "key_deactivated", "method_obsolete", "broken_connection")
accounts = st.sampled_from(ACCOUNTS)


def test_any_sequence_of_operations_leaves_a_whole_warehouse(
    sandbox: SandboxProcess, postgres: EmbeddedPostgres, warehouse_template: str
) -> None:
    class Machine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            sandbox.reset(tick=0)
            postgres.drop_database("machine")
            postgres.create_database("machine", WAREHOUSE_ROLE, template=warehouse_template)
            self.pipeline = Pipeline(sandbox, postgres.dsn("machine", WAREHOUSE_ROLE))
            self.loaded: set[str] = set()
            self.runs = 0

        @rule(count=st.integers(1, 3))
        def tick(self, count: int) -> None:
            sandbox.tick(count)
            self.loaded.clear()

        @rule(account=accounts)
        def load(self, account: str) -> None:
            before = self.pipeline.versions("products", "inventory") if account in self.loaded else None
            self.runs += 1
            assert self.pipeline.load(f"run_{self.runs}", account) == "success"
            if before:
                assert self.pipeline.versions("products", "inventory") == before, "a re-run wrote rows"
            self.loaded.add(account)

        @rule(
            account=accounts,
            fault=st.sampled_from(FAULTS),
            method=st.sampled_from(METHODS),
            after=st.integers(0, 4),
            resumed=st.booleans(),
        )
        def failing_load(self, account: str, fault: str, method: str, after: int, resumed: bool) -> None:
            self.runs += 1
            run_id = f"run_{self.runs}"
            before = state_of(self.pipeline)
            sandbox.fault(fault, method=method, after=after)
            try:
                self.pipeline.load(run_id, account)
            except OzonError:
                attempts = self.pipeline.attempts("product_etl", run_id, account)
                if attempts and attempts[-1]["status"] != "success":
                    assert state_of(self.pipeline) == before
            finally:
                sandbox.clear_faults()
            self.loaded.discard(account)
            if resumed:
                self.pipeline.load(run_id, account)
                self.loaded.add(account)
            else:
                self.pipeline.end(run_id, account)

        @rule()
        def migrate_back_and_forth(self) -> None:
            schema.downgrade(self.pipeline.connect, "-1")
            schema.upgrade(self.pipeline.connect)

        @rule(days=st.integers(1, 4000))
        def maintain(self, days: int) -> None:
            now = datetime.now(UTC) + timedelta(days=days)
            settings_ = self.pipeline.settings.maintenance
            with open_connection(lambda: psycopg.connect(self.pipeline.dsn), "test") as connection:
                for step in ("history", "monitoring"):
                    delete_expired(connection, step, settings_, now, dry_run=False)  # type: ignore[arg-type]

        @invariant()
        def loaded_accounts_equal_the_sandbox(self) -> None:
            for account in self.loaded:
                assert_agreement(self.pipeline, account)
            assert_consistent(self.pipeline)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
