"""docs/deploy.md: its commands for backup, restore and readers, run unchanged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from include.ozon.marketplace.faults import GarbledAnswerError
from include.ozon.warehouse import schema
from include.ozon.warehouse.views import VIEWS
from include.ozon_local.connections import postgres_connection
from include.ozon_local.environment import WAREHOUSE_CONNECTION, proxy_exceptions
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import SUPERUSER, WAREHOUSE_ROLE, EmbeddedPostgres, programs_folder
from tests.support import process
from tests.support.agreement import assert_agreement
from tests.support.pipeline import DATA_TABLES, Pipeline

RESTORED = "ozon_restored"  # the page's name
PASSWORD = "of-this-test"


def blocks(heading: str, language: str) -> list[str]:
    """Return the blocks of code below a heading of the page."""
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    section = re.split(r"^## ", page.partition(f"\n## {heading}\n")[2], flags=re.M)[0]
    found = re.findall(rf"^```{language}\n(.+?)^```", section, flags=re.M | re.S)
    assert found, f"docs/deploy.md: expected a ```{language} block below the heading {heading!r}"
    return found


def shell(command: str, folder: Path, **variables: str) -> None:
    environment = {**os.environ, **variables, "PATH": f"{programs_folder()}{os.pathsep}{os.environ['PATH']}"}
    environment |= proxy_exceptions(environment)
    done = process.run("bash", "-euo", "pipefail", "-c", command, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr


def contents(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return all rows of the schema ozon by table."""
    tables = pipeline.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'ozon' ORDER BY tablename")
    return {
        name: sorted(row["content"] for row in pipeline.rows(f"SELECT t::text AS content FROM ozon.{name} t"))
        for name in (row["name"] for row in tables)
    }


@pytest.fixture
def restored(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The DSN of the database that the page's commands create."""
    yield postgres.dsn(RESTORED, WAREHOUSE_ROLE)
    postgres.drop_database(RESTORED)


@pytest.fixture
def readers(postgres: EmbeddedPostgres, warehouse_dsn: str) -> Iterator[str]:
    """The warehouse's DSN for the analyst role that the page's statements create."""
    heading = "Roles: who migrates, who loads, who reads"
    (statements,), (command,) = blocks(heading, "sql"), blocks(heading, "sh")
    database = warehouse_dsn.rpartition("/")[2]
    with psycopg.connect(postgres.dsn(database, SUPERUSER), autocommit=True) as connection:
        connection.execute(statements.encode())
        connection.execute(f"ALTER ROLE anna PASSWORD '{PASSWORD}'".encode())
    environment = {**os.environ, WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn)}
    granted = process.run(process.OZON, *command.split()[1:], env=environment)
    assert granted.returncode == 0, granted.stderr
    yield f"postgresql://anna:{PASSWORD}@{postgres.address}/{database}"
    with psycopg.connect(postgres.dsn(database, SUPERUSER), autocommit=True) as connection:
        connection.execute(b"DROP OWNED BY anna; DROP ROLE anna")


def test_a_lost_warehouse_is_restored_and_the_next_load_changes_nothing(
    pipeline: Pipeline, postgres: EmbeddedPostgres, restored: str, tmp_path: Path
) -> None:
    backup, restore = blocks("Backup and restore of the warehouse", "sh")
    pipeline.load("before")
    pipeline.sandbox.tick()
    pipeline.load("moved on")
    # A load that Ozon's answers end leaves its staging tables, so they exist during the dump.
    with pytest.raises(GarbledAnswerError):
        _garbled_load(pipeline)
    assert pipeline.staging_tables()
    saved = contents(pipeline)
    shell(backup, tmp_path, OZON_WAREHOUSE_DSN=pipeline.dsn)
    postgres.drop_database(pipeline.dsn.rpartition("/")[2])

    shell(restore, tmp_path, ADMIN_DSN=postgres.dsn("postgres", SUPERUSER), RESTORED_DSN=restored)

    pipeline.dsn = restored
    assert contents(pipeline) == saved
    assert pipeline.staging_tables() == set()
    with pipeline.connect() as connection:
        connection.autocommit = True
        schema.require_head(connection)
        views = connection.execute("SELECT count(*) FROM pg_views WHERE schemaname = 'ozon_bi'").fetchone()
    assert views == (len(VIEWS),)
    before = pipeline.versions(*DATA_TABLES)
    for numbers in (pipeline.products("after"), pipeline.inventory("after")):
        assert numbers.rows_read == numbers.rows_unchanged > 0
        assert numbers.rows_removed == 0
    assert pipeline.end("after") == "success"
    assert pipeline.versions(*DATA_TABLES) == before

    pipeline.sandbox.tick()
    assert pipeline.products("next").rows_updated
    pipeline.inventory("next")
    assert_agreement(pipeline)


def _garbled_load(pipeline: Pipeline) -> None:
    pipeline.sandbox.fault("truncated_json", method="/v3/product/info/list")
    try:
        pipeline.products("garbled")
    finally:
        pipeline.sandbox.clear_faults()


def test_a_dump_does_not_wait_for_a_load(pipeline: Pipeline, tmp_path: Path) -> None:
    """The dump excludes the staging tables, which a load drops at its end."""
    backup, _ = blocks("Backup and restore of the warehouse", "sh")
    pipeline.load("first")
    with pytest.raises(GarbledAnswerError):
        _garbled_load(pipeline)
    assert pipeline.staging_tables()
    with pipeline.connect() as load:
        for table in pipeline.staging_tables():
            load.execute(f'LOCK TABLE ozon_staging."{table}" IN ACCESS EXCLUSIVE MODE'.encode())
        shell(f"{backup.strip()} --lock-wait-timeout=2s", tmp_path, OZON_WAREHOUSE_DSN=pipeline.dsn)


def test_an_analyst_can_read_tables_of_later_migrations_and_cannot_write(pipeline: Pipeline, readers: str) -> None:
    pipeline.load()
    schema.downgrade(pipeline.connect, "0001")
    schema.upgrade(pipeline.connect)

    with psycopg.connect(readers, autocommit=True) as analyst:
        tables = [name for (name,) in analyst.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ozon'")]
        assert {"products", "visibility_metrics"} <= set(tables)
        for table in tables:
            analyst.execute(f"SELECT * FROM ozon.{table}".encode())
        assert analyst.execute("SELECT count(*) FROM ozon.products").fetchone() == (len(pipeline.truth()),)
        for forbidden in (
            "DELETE FROM ozon.products",
            "CREATE TABLE ozon.mine (id int)",
            "SELECT * FROM ozon_staging.loads",
            "TRUNCATE ozon.health_checks",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(forbidden.encode())
        assert analyst.execute("SHOW statement_timeout").fetchone() == ("10min",)
