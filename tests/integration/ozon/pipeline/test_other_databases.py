"""Loads, reports and checks in databases with unusual settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from include.ozon.errors import AccessDeniedError, SchemaError
from include.ozon.monitoring.alerts import store
from include.ozon.monitoring.health import data, runs, warehouse
from include.ozon.monitoring.metrics.measurement import measure
from include.ozon.monitoring.results import Status
from include.ozon.warehouse import schema
from include.ozon.warehouse.session import open_session
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support import hostile
from tests.support.agreement import assert_agreement
from tests.support.health import health_context, run_all
from tests.support.pipeline import Pipeline

# Objects with PostgreSQL's and our names, which the search path above finds first.
SHADOWS = """
CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT timestamptz ''1999-01-01''';
CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''shadow''::text';
CREATE FUNCTION public.has_database_privilege(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION public.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.never);
CREATE TABLE public.alembic_version (version_num text);
INSERT INTO public.alembic_version VALUES ('9999');
CREATE TABLE public.products (shadow int);
CREATE TABLE public.product_change (shadow int);
CREATE TABLE public.stock_change (shadow int);
CREATE VIEW public.pg_class AS SELECT oid, relname FROM pg_catalog.pg_class WHERE false;
"""


@pytest.fixture
def pipeline_there(sandbox: SandboxProcess, postgres: EmbeddedPostgres, empty_database_dsn: str) -> Pipeline:
    """A pipeline in a database with unusual settings for its role; the test itself connects as the superuser."""
    name = urlsplit(empty_database_dsn).path[1:]
    pipeline = Pipeline(sandbox, postgres.dsn(name, SUPERUSER))
    with psycopg.connect(pipeline.dsn, autocommit=True) as superuser:
        superuser.execute(SHADOWS)
        superuser.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        hostile.set_for_role(superuser, empty_database_dsn, hostile.SETTINGS)
    pipeline.connect = partial(psycopg.connect, empty_database_dsn)  # type: ignore[method-assign]
    return pipeline


def test_settings_and_names_of_a_database_change_nothing(pipeline_there: Pipeline, sandbox: SandboxProcess) -> None:
    schema.upgrade(pipeline_there.connect)
    started_at = datetime.now(UTC)

    assert pipeline_there.load("first") == "success"
    sandbox.tick()
    assert pipeline_there.load("second") == "success"

    assert_agreement(pipeline_there)
    assert pipeline_there.value("SELECT min(first_seen_at) >= %s FROM ozon.products", started_at)
    assert pipeline_there.value("SELECT count(*) FROM public.products") == 0
    with open_session(pipeline_there.connect, pipeline_there.settings.warehouse, "test") as connection:
        metrics = measure(connection, "main", datetime.now(UTC), pipeline_there.settings)
        assert metrics.products == len(pipeline_there.truth())
        assert metrics.loaded_at is not None
        assert metrics.loaded_at > started_at
        assert store.incidents_to_decide(connection, started_at) == []
    context = health_context(pipeline_there)
    context.connect = pipeline_there.connect
    checks = [check for area in (warehouse, data, runs) for check in area.checks(context)]
    wrong = {result.check: result.message for result in run_all(checks, context) if result.status is Status.CRITICAL}
    assert wrong == {}
    schema.downgrade(pipeline_there.connect, "base")


@pytest.fixture(params=["SQL_ASCII", "WIN1251"])
def other_encoding(
    sandbox: SandboxProcess, postgres: EmbeddedPostgres, request: pytest.FixtureRequest
) -> Iterator[Pipeline]:
    """A pipeline in a database whose encoding cannot store every text."""
    name = f"encoded_{request.param.lower()}"
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        superuser.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LOCALE_PROVIDER libc LOCALE 'C'"
            ).format(sql.Identifier(name), sql.Identifier(WAREHOUSE_ROLE), request.param)
        )
    yield Pipeline(sandbox, postgres.dsn(name, WAREHOUSE_ROLE))
    postgres.drop_database(name)


def test_a_database_with_another_encoding_is_refused_with_what_to_do(
    other_encoding: Pipeline, postgres: EmbeddedPostgres
) -> None:
    with pytest.raises(SchemaError, match=r"encoding (SQL_ASCII|WIN1251).*expected UTF8") as refused:
        schema.upgrade(other_encoding.connect)
    with pytest.raises(SchemaError, match="expected UTF8"):
        other_encoding.products()

    assert other_encoding.requests() == {}
    assert other_encoding.rows("SELECT FROM pg_namespace WHERE nspname = 'ozon'") == []
    command = str(refused.value).rpartition(": ")[2].replace("ozon_warehouse", "recreated")
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as superuser:
        superuser.execute(command)
    schema.upgrade(partial(psycopg.connect, postgres.dsn("recreated", WAREHOUSE_ROLE)))
    postgres.drop_database("recreated")


def test_a_role_without_temporary_tables_is_found_before_the_first_request(
    pipeline: Pipeline, postgres: EmbeddedPostgres
) -> None:
    name = urlsplit(pipeline.dsn).path[1:]
    superuser = psycopg.connect(postgres.dsn(name, SUPERUSER), autocommit=True)
    with superuser:
        for role in ("PUBLIC", WAREHOUSE_ROLE):
            superuser.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM {role}")

        for load in (pipeline.products, pipeline.inventory, partial(pipeline.products, dry_run=True)):
            with pytest.raises(AccessDeniedError, match="may not create temporary tables") as refused:
                load()
        assert pipeline.requests() == {}

        command = str(refused.value).rpartition(": ")[2]
        superuser.execute(command)
    pipeline.products()
