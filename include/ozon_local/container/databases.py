"""``python -m include.ozon_local.container.databases``: both databases, each with a role that sees only its own.

Runs at each start, and not once as an init script of PostgreSQL's image: so a first start that was interrupted is
completed by the next, and a password that was changed in ``.env`` holds from then on. The only container that is given
the superuser's password besides PostgreSQL's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import psycopg
from psycopg import sql

from include.ozon.errors import FatalError
from include.ozon_local.roles import Superuser, ensure_database, ensure_role

# Each database, its owner, and the variable that holds the owner's password.
DATABASES = (("airflow", "airflow", "AIRFLOW_DB_PASSWORD"), ("ozon_warehouse", "ozon", "WAREHOUSE_PASSWORD"))


def create_databases(superuser_dsn: str, environ: Mapping[str, str]) -> None:
    """Make what is missing, with the passwords of ``environ``. Safe to repeat; leaves all data alone."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        for database, owner, variable in DATABASES:
            ensure_role(connection, owner, environ[variable])
            ensure_database(connection, database, owner, template="template1")
            _keep_others_out(connection, database)
        # What others than an owner would connect to: PostgreSQL lets everybody in where nothing is said.
        for name in ("postgres", "template1"):
            _keep_others_out(connection, name)


def main() -> int:
    missing = [variable for _, _, variable in DATABASES if not os.environ.get(variable)]
    if missing:
        raise FatalError(f"{', '.join(missing)} must be set; `make docker-env` writes them into .env.")
    # The superuser's own address comes from libpq's variables PGHOST, PGUSER and PGPASSWORD.
    create_databases("dbname=postgres", os.environ)
    for database, owner, _ in DATABASES:
        print(f"Database {database}: only its owner {owner} may connect.")
    return 0


def _keep_others_out(connection: Superuser, database: str) -> None:
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (FatalError, psycopg.Error) as error:
        sys.exit(f"The databases could not be prepared: {error}")
