"""The three roles, each tried by a login that is a member of one: what it does, and what it must not do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import AccessDeniedError, ConfigurationError
from include.ozon.maintenance.retention import delete_expired
from include.ozon.maintenance.vacuum import vacuum_where_needed
from include.ozon.marketplace.faults import GarbledAnswerError
from include.ozon.monitoring.metrics.judged import judge_and_store
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.warehouse import roles, schema
from include.ozon.warehouse.lock import LockTakenError, account_lock
from include.ozon.warehouse.roles import LOADER, OWNER, READER, ROLES, Role, grant
from include.ozon.warehouse.session import Connection, open_connection
from include.ozon.warehouse.tables import TABLES
from include.ozon.warehouse.views import VIEWS
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline
from tests.support.servers import login, running_server, superuser

LoginTo = Callable[[Role | None, str], str]
_numbers = count()

MUST_NOT = {
    LOADER: (
        "DROP TABLE ozon.products",
        "DROP TABLE ozon_staging.loads",
        "DROP SCHEMA ozon CASCADE",
        "DROP VIEW ozon_bi.products",
        "ALTER TABLE ozon.products ADD COLUMN mine text",
        "ALTER TABLE ozon.products DISABLE TRIGGER ALL",
        "ALTER TABLE ozon.products OWNER TO CURRENT_USER",
        "CREATE INDEX ON ozon.products (name)",
        "CREATE TABLE ozon.mine (id integer)",
        "CREATE TABLE public.mine (id integer)",
        "CREATE VIEW ozon_bi.mine AS SELECT 1",
        "CREATE OR REPLACE FUNCTION ozon.folded(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
        "TRUNCATE ozon.products",
        "UPDATE ozon.alembic_version SET version_num = '0001'",
        "SET ROLE ozon_owner",
        "GRANT ozon_owner TO CURRENT_USER",
    ),
    READER: (
        "INSERT INTO ozon.health_checks DEFAULT VALUES",
        "UPDATE ozon.products SET name = ''",
        "DELETE FROM ozon.incidents",
        "TRUNCATE ozon.products",
        "DROP TABLE ozon.products",
        "CREATE TABLE ozon.mine (id integer)",
        "CREATE TABLE ozon_staging.mine (id integer)",
        "SELECT * FROM ozon_staging.loads",
        "SELECT FROM ozon.products FOR UPDATE",
        "SET ROLE ozon_loader",
    ),
}


@pytest.fixture
def pipeline(sandbox: SandboxProcess, warehouse_dsn: str) -> Pipeline:
    return Pipeline(sandbox, warehouse_dsn)


@pytest.fixture
def login_to(postgres: EmbeddedPostgres) -> Iterator[LoginTo]:
    """Return the DSN of a new login that is a member of one role, or of none."""
    with ExitStack() as logins:
        yield lambda role, dsn: logins.enter_context(login(postgres, dsn, f"login_{next(_numbers)}", role))


@contextmanager
def session(dsn: str) -> Iterator[Connection]:
    with open_connection(partial(psycopg.connect, dsn), "test") as connection:
        yield connection


def owners(pipeline: Pipeline) -> set[tuple[str, str]]:
    """Return the owners of all tables and views, by schema."""
    rows = pipeline.rows(
        "SELECT relnamespace::regnamespace::text AS schema, relowner::regrole::text AS owner FROM pg_class "
        "WHERE relnamespace::regnamespace::text LIKE 'ozon%' AND relkind IN ('r', 'v', 'S', 'i')"
    )
    return {(row["schema"], row["owner"]) for row in rows}


@pytest.mark.parametrize(("role", "statement"), [(role, each) for role, tried in MUST_NOT.items() for each in tried])
def test_a_login_must_not_do_what_its_role_is_not_for(
    role: Role, statement: str, warehouse_dsn: str, login_to: LoginTo
) -> None:
    with session(login_to(role, warehouse_dsn)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_a_loader_loads_measures_and_cleans_up(pipeline: Pipeline, login_to: LoginTo) -> None:
    pipeline.load("of the owner")
    pipeline.sandbox.tick()
    owner_dsn, pipeline.dsn = pipeline.dsn, login_to(LOADER, pipeline.dsn)

    assert pipeline.load("of a loader") == "success"
    assert_agreement(pipeline)
    now = datetime.now(UTC)
    with session(pipeline.dsn) as connection:
        judge_and_store(connection, measure(connection, "main", now, pipeline.settings), pipeline.settings)
        later = now + timedelta(days=10_000)
        cleaned = delete_expired(connection, "history", pipeline.settings.maintenance, later, dry_run=False)
        assert cleaned.rows > 0
        vacuum_where_needed(connection, dry_run=False)
    pipeline.dsn = owner_dsn
    assert owners(pipeline) == {(schema, OWNER.name) for schema in ("ozon", "ozon_bi", "ozon_staging")}


def test_one_loader_goes_on_with_the_staging_of_another(pipeline: Pipeline, login_to: LoginTo) -> None:
    pipeline.load("first")
    first, second = (login_to(LOADER, pipeline.dsn) for _ in range(2))
    pipeline.sandbox.fault("truncated_json", method="/v3/product/info/list")
    pipeline.dsn = first
    with pytest.raises(GarbledAnswerError):
        pipeline.products("stopped")
    pipeline.sandbox.clear_faults()
    assert pipeline.staging_tables()

    pipeline.dsn = second
    pipeline.load("of the other one")

    assert pipeline.staging_tables() == set()
    assert_agreement(pipeline)


def test_a_reader_sees_all_tables_and_views_and_cannot_keep_a_load_from_its_lock(
    pipeline: Pipeline, login_to: LoginTo
) -> None:
    pipeline.load("first")
    with session(login_to(READER, pipeline.dsn)) as reader:
        for table in (*TABLES, *VIEWS):
            reader.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table.schema, table.name)))
        assert reader.execute("SELECT count(*) FROM ozon.products").fetchone() == (len(pipeline.truth()),)

        with account_lock(reader, "main"), pytest.raises(LockTakenError, match="may not load"):
            pipeline.load("second")


def test_an_owner_migrates_and_what_it_makes_is_the_loaders_and_readers_too(
    pipeline: Pipeline, login_to: LoginTo
) -> None:
    pipeline.load("first")
    schema.upgrade(pipeline.connect)  # a database made from a template does not have its privileges
    owner = partial(psycopg.connect, login_to(OWNER, pipeline.dsn))

    schema.downgrade(owner, "0001")
    schema.upgrade(owner)

    assert {owner for _, owner in owners(pipeline)} == {OWNER.name}
    pipeline.dsn = login_to(LOADER, pipeline.dsn)
    pipeline.load("second")
    assert_agreement(pipeline)


def test_a_login_becomes_a_member_once(warehouse_dsn: str, login_to: LoginTo) -> None:
    dsn = login_to(None, warehouse_dsn)
    name = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    with session(warehouse_dsn) as connection:
        assert [grant(connection, READER, str(name)) for _ in range(2)] == [True, False]
        with pytest.raises(ConfigurationError, match=f"did you mean '{name}'"):
            grant(connection, READER, f"{name}x")

    with session(dsn) as reader:
        reader.execute("SELECT FROM ozon.products")


def test_one_who_may_not_grant_learns_the_statement_for_an_administrator(warehouse_dsn: str, login_to: LoginTo) -> None:
    with session(login_to(LOADER, warehouse_dsn)) as connection, pytest.raises(AccessDeniedError) as raised:
        grant(connection, OWNER, str(connection.info.user))

    assert 'run `GRANT "ozon_owner" TO' in str(raised.value)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server of its own, because roles belong to a server."""
    with running_server("without-roles") as server:
        yield server


class TestAServerWithoutTheRoles:
    @pytest.fixture
    def pipeline(self, sandbox: SandboxProcess, server: EmbeddedPostgres) -> Iterator[Pipeline]:
        with superuser(server) as connection:
            for role in ROLES.values():
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role.identifier))
        server.create_database("warehouse", WAREHOUSE_ROLE)
        yield Pipeline(sandbox, server.dsn("warehouse", WAREHOUSE_ROLE))
        server.drop_database("warehouse")

    def test_one_login_migrates_and_loads(self, pipeline: Pipeline) -> None:
        schema.upgrade(pipeline.connect)

        pipeline.load("first")

        assert {owner for _, owner in owners(pipeline)} == {WAREHOUSE_ROLE}
        assert_agreement(pipeline)

    def test_an_administrator_runs_the_statements_that_a_grant_names(
        self, pipeline: Pipeline, server: EmbeddedPostgres
    ) -> None:
        schema.upgrade(pipeline.connect)
        with session(pipeline.dsn) as connection, pytest.raises(AccessDeniedError) as raised:
            grant(connection, READER, WAREHOUSE_ROLE)
        (statements,) = re.findall("run `(CREATE.+?)`", str(raised.value))
        with superuser(server, "warehouse") as connection:
            connection.execute(statements.encode())

        schema.upgrade(pipeline.connect)

        assert {owner for _, owner in owners(pipeline)} == {OWNER.name}
        with session(pipeline.dsn) as connection:
            assert grant(connection, READER, SUPERUSER)
        pipeline.load("first")

    def test_a_second_warehouse_keeps_its_login_until_that_is_a_member(
        self, pipeline: Pipeline, server: EmbeddedPostgres
    ) -> None:
        with superuser(server, "warehouse") as connection:
            roles.create_roles(connection)
        schema.upgrade(pipeline.connect)

        with session(pipeline.dsn) as connection, pytest.raises(AccessDeniedError, match="may not become that role"):
            grant(connection, READER, WAREHOUSE_ROLE)
        pipeline.load("first")
        assert {owner for _, owner in owners(pipeline)} == {WAREHOUSE_ROLE}

    def test_a_migration_creates_them_if_it_may(self, pipeline: Pipeline, server: EmbeddedPostgres) -> None:
        schema.upgrade(pipeline.connect)
        pipeline.load("first")
        with superuser(server, "warehouse") as connection:
            connection.execute("ALTER ROLE ozon CREATEROLE")
        try:
            schema.upgrade(pipeline.connect)
        finally:
            with superuser(server, "warehouse") as connection:
                connection.execute("ALTER ROLE ozon NOCREATEROLE")

        assert {owner for _, owner in owners(pipeline)} == {OWNER.name}
        pipeline.load("second")
        assert_agreement(pipeline)
