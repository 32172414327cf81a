"""Roles and their databases, on a server that this package manages."""

from __future__ import annotations

import psycopg
from psycopg import sql

from include.ozon.warehouse.roles import MEMBERSHIP, create_roles

Superuser = psycopg.Connection[tuple[object, ...]]


def ensure_role(superuser: Superuser, name: str, password: str) -> None:
    """Create a role that may only log in, or set the password of an existing one."""
    exists = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).rowcount
    superuser.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            sql.SQL("ALTER" if exists else "CREATE"), sql.Identifier(name), sql.Literal(password)
        )
    )


def ensure_database(superuser: Superuser, name: str, owner: str, template: str) -> None:
    """Create a database unless it exists; the template must not have open connections."""
    if superuser.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
        return
    superuser.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template)
        )
    )


def ensure_warehouse_roles(superuser: Superuser, migrator: str) -> None:
    """Create the warehouse's three roles, and let ``migrator`` be a member and add others."""
    create_roles(superuser)
    superuser.execute(MEMBERSHIP.format(sql.Identifier(migrator)))
