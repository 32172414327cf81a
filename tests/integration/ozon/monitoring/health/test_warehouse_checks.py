"""The warehouse's checks, with a real cause for each status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.monitoring.health import warehouse
from include.ozon.monitoring.health.checks import HealthContext
from include.ozon.monitoring.health.warehouse_schema import expected_schema, read_schema
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_connection
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from tests.support.airflow_stack import until
from tests.support.health import health_context, measured, run_all
from tests.support.pipeline import changed, quick_settings
from tests.support.servers import running_server

pytestmark = pytest.mark.faults

FIRST_WITH_LOGIN_TRIGGERS = 170_000

Execute = Callable[..., None]

# 20 000 rows, about a megabyte.
FILL = "INSERT INTO ozon.fbo_stock_requests SELECT 'main', n, now() FROM generate_series({}, {}) n"


def with_limits(rule: str, warning: float, critical: float) -> Settings:
    return changed(quick_settings(), f"rules.{rule}", warning=warning, critical=critical)


def check(dsn: str, name: str, now: datetime | None = None, settings: Settings | None = None) -> CheckResult:
    return measured(warehouse.AREA, health_context(dsn, now=now, settings=settings), name)


@pytest.fixture
def execute(warehouse_dsn: str) -> Execute:
    """Execute statements as the warehouse's owner, each call with a new connection."""

    def execute(statement: str, *parameters: object) -> None:
        with psycopg.connect(warehouse_dsn, autocommit=True) as connection:
            connection.execute(statement.encode(), parameters or None)

    return execute


@pytest.fixture
def superuser(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    dsn = postgres.dsn(urlsplit(warehouse_dsn).path[1:], SUPERUSER)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def reader_dsn(superuser: psycopg.Connection[Any], warehouse_dsn: str) -> Iterator[str]:
    """The warehouse for a role that may read everything and write nothing."""
    superuser.execute("CREATE ROLE health_reader LOGIN PASSWORD 'reads'")
    for statement in ("USAGE ON SCHEMA {}", "SELECT ON ALL TABLES IN SCHEMA {}"):
        grant = sql.SQL("GRANT {} TO health_reader").format(sql.SQL(statement).format(sql.SQL("ozon, ozon_staging")))
        superuser.execute(grant)
    url = urlsplit(warehouse_dsn)
    yield f"postgresql://health_reader:reads@{url.hostname}:{url.port}{url.path}"
    superuser.execute("DROP OWNED BY health_reader")
    superuser.execute("DROP ROLE health_reader")


def test_a_new_warehouse_is_ok(warehouse_dsn: str) -> None:
    context = health_context(warehouse_dsn, settings=with_limits("warehouse_response_seconds", 60, 60))

    results = run_all(warehouse.checks(context), context)

    assert {result.check: str(result.status) for result in results} == {
        "warehouse_reachable": "ok",
        "warehouse_response_seconds": "ok",
        "warehouse_writable": "ok",
        "warehouse_schema": "ok",
        "warehouse_connections_pct": "ok",
        "warehouse_size_gb": "ok",
        "warehouse_growth_pct": "ok",
        "long_transaction_minutes": "ok",
        "dead_rows_pct": "ok",
    }
    assert all(result.account is None and result.message.endswith(".") for result in results)


class TestAStoppedDatabase:
    @pytest.fixture
    def server(self) -> Iterator[EmbeddedPostgres]:
        with running_server("stopped") as server:
            yield server

    @pytest.fixture
    def context(self, server: EmbeddedPostgres) -> HealthContext:
        server.create_database("warehouse", WAREHOUSE_ROLE)
        dsn = server.dsn("warehouse", WAREHOUSE_ROLE)
        schema.upgrade(partial(psycopg.connect, dsn))
        return health_context(dsn)

    def test_is_critical_once_and_connected_to_once_while_the_rest_is_unmeasured(
        self, server: EmbeddedPostgres, context: HealthContext
    ) -> None:
        connect, tried = context.connect, []

        def counting() -> psycopg.Connection[Any]:
            tried.append(1)
            return connect()

        context.connect = counting
        server.stop()

        reachable, *others = run_all(warehouse.checks(context), context)

        assert (reachable.check, reachable.status) == ("warehouse_reachable", "critical")
        assert "cannot be reached" in reachable.message
        assert "host and port of connection ozon_warehouse" in reachable.message
        assert {result.status for result in others} == {"error"}
        assert len(others) == 8
        assert tried == [1]

    def test_that_stops_between_two_checks_leaves_the_rest_unmeasured(
        self, server: EmbeddedPostgres, context: HealthContext
    ) -> None:
        checks = list(warehouse.checks(context))
        assert checks[0].measure().status == "ok"
        server.stop()

        results = run_all(checks[1:], context)

        assert {result.status for result in results} == {"error"}
        assert all("cannot be reached or dropped the connection" in result.message for result in results)


def test_a_wrong_password_is_critical_and_not_shown(warehouse_dsn: str) -> None:
    password = str(urlsplit(warehouse_dsn).password)

    result = check(warehouse_dsn.replace(password, "not-the-password"), "warehouse_reachable")

    assert result.status == "critical"
    assert "Check login and password of connection ozon_warehouse" in result.message
    assert "not-the-password" not in result.message


def test_an_unexpected_error_leaves_it_unmeasured(warehouse_dsn: str) -> None:
    def connect() -> psycopg.Connection[Any]:
        raise RuntimeError("the secrets backend is away")

    context = health_context(warehouse_dsn)
    context.connect = connect

    result = measured(warehouse.AREA, context, "warehouse_reachable")

    assert result.status == "error"


@pytest.mark.parametrize(("critical", "status"), [(60, "warning"), (0.3, "critical")])
def test_a_server_that_is_slow_to_let_in(
    warehouse_dsn: str, superuser: psycopg.Connection[Any], critical: float, status: str
) -> None:
    if superuser.info.server_version < FIRST_WITH_LOGIN_TRIGGERS:
        pytest.skip("a slow sign-in needs a login trigger, which PostgreSQL has since version 17")
    superuser.execute(
        "CREATE FUNCTION be_slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); END $$"
    )
    superuser.execute("CREATE EVENT TRIGGER be_slow ON login EXECUTE FUNCTION be_slow()")

    result = check(
        warehouse_dsn,
        "warehouse_response_seconds",
        settings=with_limits("warehouse_response_seconds", 0.3, critical),
    )

    assert result.status == status


class TestWriting:
    def test_leaves_nothing(self, warehouse_dsn: str) -> None:
        assert check(warehouse_dsn, "warehouse_writable").status == "ok"

        with psycopg.connect(warehouse_dsn) as connection:
            assert connection.execute("SELECT count(*) FROM ozon.health_checks").fetchone() == (0,)

    def test_to_a_read_only_database_is_critical(self, warehouse_dsn: str, execute: Execute) -> None:
        database = urlsplit(warehouse_dsn).path[1:]
        execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")

        result = check(warehouse_dsn, "warehouse_writable")

        assert result.status == "critical"
        assert "read-only transaction" in result.message
        assert "Expected: a primary" in result.message

    def test_by_a_role_that_may_only_read_is_critical(self, reader_dsn: str) -> None:
        result = check(reader_dsn, "warehouse_writable")

        assert result.status == "critical"
        assert "permission denied for table health_checks" in result.message

    def test_by_a_role_that_lacks_the_right_to_one_table_names_it(
        self, reader_dsn: str, superuser: psycopg.Connection[Any]
    ) -> None:
        superuser.execute("GRANT ALL ON ALL TABLES IN SCHEMA ozon, ozon_staging TO health_reader")
        superuser.execute("GRANT ALL ON SCHEMA ozon_staging TO health_reader")
        assert check(reader_dsn, "warehouse_writable").status == "ok"
        superuser.execute("REVOKE UPDATE ON ozon.products FROM health_reader")
        superuser.execute("REVOKE CREATE ON SCHEMA ozon_staging FROM health_reader")
        database = urlsplit(reader_dsn).path[1:]
        superuser.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC".encode())

        result = check(reader_dsn, "warehouse_writable")

        assert result.status == "critical"
        assert f"schema ozon_staging; table ozon.products; temporary tables of database {database})" in result.message

    def test_cannot_be_measured_where_the_table_for_it_is_missing(self, warehouse_dsn: str, execute: Execute) -> None:
        execute("DROP TABLE ozon.health_checks")

        result = check(warehouse_dsn, "warehouse_writable")

        assert result.status == "error"
        assert "Run `ozon db upgrade`" in result.message


class TestTheSchema:
    def test_as_migrated_is_exactly_the_expected_one(self, warehouse_dsn: str) -> None:
        with closing(open_connection(partial(psycopg.connect, warehouse_dsn), "test")) as connection:
            found = read_schema(connection)

        assert found == expected_schema(), (
            "expected_schema.json is not what the migrations make: "
            "run `.venv/bin/python -m tests.support.expected_schema`"
        )

    @pytest.mark.parametrize(
        ("statement", "found"),
        [
            (
                "DROP TABLE ozon.notifications",
                "table ozon.notifications is missing; index ozon.notifications_by_incident is missing",
            ),
            ("DROP VIEW ozon_bi.stock", "view ozon_bi.stock is missing"),
            ("DROP TABLE ozon_staging.loads", "table ozon_staging.loads is missing"),
            ("ALTER TABLE ozon.products DROP COLUMN has_price", "column ozon.products.has_price is missing"),
            (
                "ALTER TABLE ozon.fbo_stock_requests ALTER days_of_stock TYPE real",
                "column ozon.fbo_stock_requests.days_of_stock is real instead of numeric",
            ),
            (
                "ALTER TABLE ozon.products ALTER offer_id DROP NOT NULL",
                "column ozon.products.offer_id is text instead of text not null",
            ),
            (
                "ALTER TABLE ozon.notifications ALTER attempts DROP DEFAULT",
                "column ozon.notifications.attempts is integer not null instead of integer not null default",
            ),
            (
                "ALTER TABLE ozon.products ADD COLUMN brand text NOT NULL",
                "column ozon.products.brand was added as NOT NULL, so loads cannot insert rows",
            ),
            ("DROP INDEX ozon.inventory_impossible", "index ozon.inventory_impossible is missing"),
            (
                "DROP INDEX ozon.alerts_by_opening; CREATE INDEX alerts_by_opening ON ozon.alerts (last_seen_at)",
                "index ozon.alerts_by_opening is `ozon.alerts USING btree (last_seen_at)` instead of",
            ),
        ],
    )
    def test_changed_by_hand_is_critical_and_named(
        self, warehouse_dsn: str, execute: Execute, statement: str, found: str
    ) -> None:
        execute(statement)

        result = check(warehouse_dsn, "warehouse_schema")

        assert result.status == "critical"
        assert found in result.message

    def test_with_an_index_whose_making_broke_is_critical(self, warehouse_dsn: str, execute: Execute) -> None:
        execute("INSERT INTO ozon.fbo_stock_requests VALUES ('main', 1, now()), ('main', 2, now())")
        with pytest.raises(psycopg.errors.UniqueViolation):
            execute("CREATE UNIQUE INDEX CONCURRENTLY one_an_account ON ozon.fbo_stock_requests (account)")

        result = check(warehouse_dsn, "warehouse_schema")

        assert result.status == "critical"
        assert "index ozon.one_an_account is invalid" in result.message

    def test_with_an_analysts_own_index_column_and_fill_factor_is_ok(
        self, warehouse_dsn: str, execute: Execute
    ) -> None:
        execute("CREATE INDEX mine ON ozon.products (account, offer_id)")
        execute("ALTER TABLE ozon.products ADD COLUMN brand text, ADD COLUMN score int NOT NULL DEFAULT 0")
        execute("ALTER INDEX ozon.products_pkey SET (fillfactor = 70)")

        assert check(warehouse_dsn, "warehouse_schema").status == "ok"

    def test_of_many_differences_only_some_are_named(self, warehouse_dsn: str, execute: Execute) -> None:
        for column in ("has_price", "has_stock", "is_archived", "skus", "has_fbo_stocks", "workflow_id"):
            execute(f"ALTER TABLE ozon.products DROP COLUMN {column}")

        assert "; and 2 more. Somebody" in check(warehouse_dsn, "warehouse_schema").message

    def test_of_another_revision_is_critical_with_the_command(
        self, warehouse_dsn: str, empty_database_dsn: str
    ) -> None:
        schema.downgrade(partial(psycopg.connect, warehouse_dsn), "0001")

        for dsn, revision in ((warehouse_dsn, "0001"), (empty_database_dsn, "none")):
            result = check(dsn, "warehouse_schema")
            assert result.status == "critical"
            assert f"is at revision {revision}" in result.message
            assert result.message.endswith("Run `ozon db upgrade`.")

    def test_of_a_newer_version_is_critical(self, warehouse_dsn: str, execute: Execute) -> None:
        execute("UPDATE ozon.alembic_version SET version_num = '9999'")

        result = check(warehouse_dsn, "warehouse_schema")

        assert result.status == "critical"
        assert "a newer version has migrated it" in result.message


class TestConnections:
    @pytest.mark.parametrize(("others", "status", "pct"), [(7, "ok", 80), (8, "warning", 90), (9, "critical", 100)])
    def test_are_judged_against_the_databases_own_limit(
        self, warehouse_dsn: str, superuser: psycopg.Connection[Any], others: int, status: str, pct: float
    ) -> None:
        database = urlsplit(warehouse_dsn).path[1:]
        superuser.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 10").format(sql.Identifier(database)))
        # The superuser's own connection counts, too.
        with ExitStack() as stack:
            context = health_context(warehouse_dsn)
            context.connection()
            for _ in range(others - 1):
                stack.enter_context(psycopg.connect(warehouse_dsn))

            result = measured(warehouse.AREA, context, "warehouse_connections_pct")

        assert (result.status, result.value) == (status, pct)
        assert f"of the 10 connections that database {database} allows" in result.message

    @pytest.mark.long
    def test_are_those_of_clients_without_autovacuums(
        self, warehouse_dsn: str, superuser: psycopg.Connection[Any], execute: Execute
    ) -> None:
        database = urlsplit(warehouse_dsn).path[1:]
        superuser.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 10").format(sql.Identifier(database)))
        slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0"
        execute(f"ALTER TABLE ozon.fbo_stock_requests SET ({slow})")
        execute(FILL.format(1, 20_000))
        execute("DELETE FROM ozon.fbo_stock_requests")
        vacuums = "SELECT FROM pg_stat_activity WHERE datname = %s AND backend_type = 'autovacuum worker'"
        until(lambda: superuser.execute(vacuums, (database,)).fetchone() is not None, "autovacuum works")

        result = check(warehouse_dsn, "warehouse_connections_pct")

        assert superuser.execute(vacuums, (database,)).fetchone() is not None
        assert "2 of the 10 connections" in result.message

    def test_are_judged_against_the_roles_limit_too(self, reader_dsn: str, superuser: psycopg.Connection[Any]) -> None:
        superuser.execute("ALTER ROLE health_reader CONNECTION LIMIT 1")

        result = check(reader_dsn, "warehouse_connections_pct")

        assert (result.status, result.value) == ("critical", 100)
        assert "1 of the 1 connection that role health_reader allows" in result.message

    def test_are_judged_against_the_servers_without_others(self, warehouse_dsn: str) -> None:
        result = check(warehouse_dsn, "warehouse_connections_pct")

        assert result.status == "ok"
        assert "of the 197 connections that the server allows" in result.message


class TestSize:
    def test_is_judged_as_it_grows(self, warehouse_dsn: str, execute: Execute) -> None:
        empty = check(warehouse_dsn, "warehouse_size_gb").value or 0
        settings = with_limits("warehouse_size_gb", empty + 0.0005, empty + 0.0025)
        assert check(warehouse_dsn, "warehouse_size_gb", settings=settings).status == "ok"

        execute(FILL.format(1, 20_000))
        assert check(warehouse_dsn, "warehouse_size_gb", settings=settings).status == "warning"

        execute(FILL.format(20_001, 60_000))
        assert check(warehouse_dsn, "warehouse_size_gb", settings=settings).status == "critical"

    def test_that_grew_in_a_day_is_judged_by_the_check_of_a_day_ago(self, warehouse_dsn: str, execute: Execute) -> None:
        now = datetime.now(UTC)
        empty = self._keep(warehouse_dsn, execute, now)
        tomorrow = now + timedelta(hours=24)
        settings = with_limits("warehouse_growth_pct", 5, 40)
        settings = changed(settings, "rules.warehouse_size_gb", warning=0.01, critical=1)

        def grown() -> CheckResult:
            return check(warehouse_dsn, "warehouse_growth_pct", tomorrow, settings)

        assert grown().status == "ok"
        assert grown().value == pytest.approx(0, abs=4)

        execute(FILL.format(1, 20_000))
        assert grown().status == "warning"

        execute(FILL.format(20_001, 60_000))
        result = grown()
        assert result.status == "critical"
        size = check(warehouse_dsn, "warehouse_size_gb").value or 0
        assert result.value == pytest.approx(100 * (size - empty) / empty, abs=5)
        # With the default limit of a hundred gigabytes, a few megabytes are not judged.
        default = check(warehouse_dsn, "warehouse_growth_pct", tomorrow)
        assert default.status == "ok"
        assert default.value == pytest.approx(result.value, abs=5)
        assert "too little to be judged" in default.message

    @pytest.mark.parametrize("hours", [1, 17, 31])
    def test_of_another_time_is_not_compared_with(self, warehouse_dsn: str, execute: Execute, hours: int) -> None:
        now = datetime.now(UTC)
        self._keep(warehouse_dsn, execute, now - timedelta(hours=hours))

        result = check(warehouse_dsn, "warehouse_growth_pct", now)

        assert (result.status, result.value) == ("ok", None)
        assert "no size from a day ago to compare with" in result.message

    def test_of_several_times_the_nearest_to_a_day_ago_is_taken(self, warehouse_dsn: str, execute: Execute) -> None:
        now = datetime.now(UTC)
        for hours, size_gb in ((20, 1), (23, 2), (26, 3)):
            self._keep(warehouse_dsn, execute, now - timedelta(hours=hours), size_gb)

        assert "from 2 GB" in check(warehouse_dsn, "warehouse_growth_pct", now).message

    @staticmethod
    def _keep(dsn: str, execute: Execute, at: datetime, size_gb: float | None = None) -> float:
        """Store a size, like the health check of that moment."""
        size_gb = size_gb or check(dsn, "warehouse_size_gb").value or 0
        execute(
            """
            INSERT INTO ozon.health_checks (measured_at, area, "check", status, value, message, duration_seconds)
            VALUES (%s, 'warehouse', 'warehouse_size_gb', 'ok', %s, '', 0)
            """,
            at,
            size_gb,
        )
        return size_gb


class TestALongTransaction:
    @pytest.mark.parametrize(("minutes", "status"), [(10, "ok"), (16, "warning"), (61, "critical")])
    def test_is_named_with_its_session_and_without_its_query(
        self, warehouse_dsn: str, minutes: int, status: str
    ) -> None:
        with psycopg.connect(warehouse_dsn, application_name="somebody's psql") as somebody:
            somebody.execute("SELECT 'a secret'")
            pid = somebody.info.backend_pid
            now = datetime.now(UTC) + timedelta(minutes=minutes)

            result = check(warehouse_dsn, "long_transaction_minutes", now)

        assert result.status == status
        assert result.value == pytest.approx(minutes, abs=0.5)
        assert f"process {pid} (somebody's psql, idle in transaction)" in result.message
        assert "role ozon" in result.message
        assert "secret" not in result.message

    @pytest.mark.parametrize("component", ["product_etl", "inventory_etl"])
    def test_of_a_load_is_its_own_merge(self, warehouse_dsn: str, component: str) -> None:
        with psycopg.connect(warehouse_dsn, application_name=f"{component} run/main") as load:
            load.execute("SELECT 1")

            result = check(warehouse_dsn, "long_transaction_minutes", datetime.now(UTC) + timedelta(days=1))

        assert (result.status, result.value) == ("ok", 0)

    def test_of_a_vacuum_is_ignored(self, warehouse_dsn: str, execute: Execute) -> None:
        execute(FILL.format(1, 20_000))
        slow = psycopg.connect(warehouse_dsn, autocommit=True)
        slow.execute(
            "SELECT set_config('vacuum_cost_delay', '100', false), set_config('vacuum_cost_limit', '1', false)"
        )
        with ThreadPoolExecutor(1) as thread, psycopg.connect(warehouse_dsn, autocommit=True) as watching:
            vacuum = thread.submit(slow.execute, "VACUUM ozon.fbo_stock_requests")
            try:
                while not watching.execute("SELECT FROM pg_stat_progress_vacuum").rowcount:
                    assert not vacuum.done(), "the VACUUM ended too soon for the check"

                result = check(warehouse_dsn, "long_transaction_minutes", datetime.now(UTC) + timedelta(days=1))
            finally:
                slow.cancel_safe()
                assert isinstance(vacuum.exception(), psycopg.errors.QueryCanceled)
                slow.close()

        assert (result.status, result.value) == ("ok", 0)

    def test_of_another_database_blocks_nothing_here(self, warehouse_dsn: str, empty_database_dsn: str) -> None:
        with psycopg.connect(empty_database_dsn) as elsewhere:
            elsewhere.execute("SELECT 1")

            result = check(warehouse_dsn, "long_transaction_minutes", datetime.now(UTC) + timedelta(days=1))

        assert result.status == "ok"

    def test_of_a_hidden_role_is_reported_as_hidden(
        self, warehouse_dsn: str, superuser: psycopg.Connection[Any]
    ) -> None:
        superuser.execute("BEGIN")

        result = check(warehouse_dsn, "long_transaction_minutes", datetime.now(UTC) + timedelta(days=1))

        assert (result.status, result.value) == ("ok", 0)
        assert "1 session of other roles could not be checked" in result.message


class TestDeadRows:
    def test_are_judged_by_the_worst_table_and_only_in_large_ones(self, warehouse_dsn: str, execute: Execute) -> None:
        execute("ALTER TABLE ozon.fbo_stock_requests SET (autovacuum_enabled = off)")
        execute(FILL.format(1, 4_000))
        execute("UPDATE ozon.fbo_stock_requests SET asked_at = now()")
        self._await_statistics(execute, 4_000)
        small = check(warehouse_dsn, "dead_rows_pct")
        assert (small.status, small.value) == ("ok", 0)
        assert "All tables have fewer than 10000 rows" in small.message

        execute(FILL.format(4_001, 12_000))
        execute("UPDATE ozon.fbo_stock_requests SET asked_at = now() WHERE sku <= 6000")
        self._await_statistics(execute, 10_000)
        result = check(warehouse_dsn, "dead_rows_pct")
        assert result.status == "warning"
        assert result.value == pytest.approx(45.5, abs=2)
        assert "% of the rows of ozon.fbo_stock_requests are dead" in result.message
        assert "never vacuumed" in result.message

        execute("DELETE FROM ozon.fbo_stock_requests WHERE sku > 2000")
        self._await_statistics(execute, 20_000)
        assert check(warehouse_dsn, "dead_rows_pct").status == "critical"

        execute("VACUUM ozon.fbo_stock_requests")
        assert check(warehouse_dsn, "dead_rows_pct").status == "ok"

    @staticmethod
    def _await_statistics(execute: Execute, dead: int) -> None:
        """A session hands in what it counted when it ends, a moment after its client has gone.

        PostgreSQL clears away a few dead rows by the way.
        """
        execute(
            f"""DO $$ BEGIN
                FOR i IN 1..200 LOOP
                    PERFORM pg_stat_clear_snapshot();
                    EXIT WHEN pg_stat_get_dead_tuples('ozon.fbo_stock_requests'::regclass) >= {0.95 * dead};
                    PERFORM pg_sleep(0.05);
                END LOOP;
            END $$"""
        )

    def test_cannot_be_measured_where_there_are_no_tables(self, empty_database_dsn: str) -> None:
        result = check(empty_database_dsn, "dead_rows_pct")

        assert result.status == "error"
        assert "ozon db upgrade" in result.message


def test_a_role_that_may_only_read_can_measure_all_the_rest(reader_dsn: str) -> None:
    context = health_context(reader_dsn, settings=with_limits("warehouse_response_seconds", 60, 60))

    results = run_all(warehouse.checks(context), context)

    assert {result.check for result in results if result.status != "ok"} == {"warehouse_writable"}
