"""The page with a connection whose login is a member of one role."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from include.ozon.warehouse.roles import LOADER, READER, Role
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres
from tests.support.page import open_page
from tests.support.pipeline import Pipeline

PASSWORD = "of-this-test"
PATHS = ("/", "/runs", "/products", "/products.csv", "/products?q=100")


@pytest.mark.parametrize("role", [READER, LOADER])
def test_the_page_answers_with_a_login_that_only_reads_or_only_loads(
    role: Role, loaded: Pipeline, postgres: EmbeddedPostgres
) -> None:
    database, login = loaded.dsn.rpartition("/")[2], f"page_of_{role.name}"
    with psycopg.connect(postgres.dsn(database, SUPERUSER), autocommit=True) as superuser:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
        superuser.execute(create.format(sql.Identifier(login), PASSWORD, role.identifier))
        try:
            dsn = f"postgresql://{login}:{PASSWORD}@{postgres.address}/{database}"
            with open_page(dsn, loaded.settings) as page:
                for path in PATHS:
                    assert page.get(path).status_code == 200, path
        finally:
            superuser.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(login)))
