"""Creation of both databases and their owners: ``python -m include.ozon_local.container.databases``.

Each owner can access only its own database. The program runs at each start, not once as an init script of PostgreSQL's
image: so the next start completes an interrupted first one, and a changed password in ``.env`` takes effect. Only this
container and PostgreSQL's get the superuser's password.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import psycopg
from psycopg import sql

from include.ozon.errors import FatalError
from include.ozon_local.roles import Superuser, ensure_database, ensure_role, ensure_warehouse_roles

# Each database, its owner, and the variable with the owner's password.
DATABASES = (("airflow", "airflow", "AIRFLOW_DB_PASSWORD"), ("ozon_warehouse", "ozon", "WAREHOUSE_PASSWORD"))


def create_databases(superuser_dsn: str, environ: Mapping[str, str]) -> None:
    """Create what is missing, with the passwords of ``environ``. Safe to repeat; does not change data."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        for database, owner, variable in DATABASES:
            ensure_role(connection, owner, environ[variable])
            ensure_database(connection, database, owner, template="template1")
            _revoke_public(connection, database)
        ensure_warehouse_roles(connection, "ozon")
        # By default PostgreSQL lets every role connect to these too.
        for name in ("postgres", "template1"):
            _revoke_public(connection, name)


def main() -> int:
    missing = [variable for _, _, variable in DATABASES if not os.environ.get(variable)]
    if missing:
        raise FatalError(f"Missing variables: {', '.join(missing)}. `make docker-env` writes them into .env.")
    # The superuser's address comes from libpq's variables PGHOST, PGUSER and PGPASSWORD.
    create_databases("dbname=postgres", os.environ)
    for database, owner, _ in DATABASES:
        print(f"Database {database}: only its owner {owner} may connect.")
    return 0


def _revoke_public(connection: Superuser, database: str) -> None:
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (FatalError, psycopg.Error) as error:
        sys.exit(f"Could not prepare the databases: {error}")
