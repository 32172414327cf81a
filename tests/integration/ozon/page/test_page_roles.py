"""The page with a connection whose login is a member of one role."""

from __future__ import annotations

import pytest

from include.ozon.warehouse.roles import LOADER, READER, Role
from include.ozon_local.postgres import EmbeddedPostgres
from tests.support.page import open_page
from tests.support.pipeline import Pipeline
from tests.support.servers import login

PATHS = ("/", "/runs", "/products", "/products.csv", "/products?q=100")


@pytest.mark.parametrize("role", [READER, LOADER])
def test_the_page_answers_with_a_login_that_only_reads_or_only_loads(
    role: Role, loaded: Pipeline, postgres: EmbeddedPostgres
) -> None:
    with login(postgres, loaded.dsn, f"page_of_{role.name}", role) as dsn, open_page(dsn, loaded.settings) as page:
        for path in PATHS:
            assert page.get(path).status_code == 200, path
