"""The warehouse's three roles: one migrates, one loads, one reads; logins are members (docs/decisions/0025).

A server may not let us create roles, so a warehouse works without them too, with one role for everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors as pg
from psycopg import sql

from include.ozon.errors import AccessDeniedError, require_known
from include.ozon.warehouse.session import Connection


@dataclass(frozen=True)
class Role:
    """A role without a login, the same for all warehouses of a server."""

    name: LiteralString
    purpose: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name)


OWNER = Role("ozon_owner", "owns the schemas and migrates them, and may load")
LOADER = Role("ozon_loader", "loads, checks and cleans up, and changes no table's definition")
READER = Role("ozon_reader", "reads the tables of ozon and the views of ozon_bi")
ROLES = {"owner": OWNER, "loader": LOADER, "reader": READER}
MEMBERSHIP = sql.SQL("GRANT ozon_owner, ozon_loader, ozon_reader TO {} WITH ADMIN OPTION")
"""Lets a login migrate, load, and make others members."""
_LOADER_TO_OWNER = "GRANT ozon_loader TO ozon_owner"

_MISSING = """
SELECT name FROM unnest(%s::text[]) AS role (name) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
"""
_IS_MEMBER = """
SELECT EXISTS (SELECT FROM pg_auth_members WHERE roleid = %s::regrole AND member = to_regrole(quote_ident(%s)))
"""
_MAY_CREATE_ROLES = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
_IS_OWNER = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'ozon'"
_IS_DATABASE_OWNER = "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
_IS_PREPARED = "SELECT nspowner::regrole::text = 'ozon_owner' FROM pg_namespace WHERE nspname = 'ozon'"
_MAY_CREATE_SCHEMAS = "SELECT has_database_privilege(current_database(), 'CREATE')"


def _may_become(role: LiteralString) -> LiteralString:
    # SET exists since PostgreSQL 16; before, each member could change into its role.
    return f"""
SELECT CASE WHEN current_setting('server_version_num')::integer < 160000 THEN pg_has_role({role}, 'MEMBER')
ELSE pg_has_role({role}, 'SET') END
"""


# Sequences of identity columns and indexes change their owner with their table.
_OWNED_BY_OTHERS = """
SELECT format('ALTER SCHEMA %I OWNER TO ozon_owner', nspname)
FROM pg_namespace
WHERE nspname IN ('ozon', 'ozon_staging', 'ozon_bi') AND nspowner <> 'ozon_owner'::regrole
UNION ALL
SELECT format(
    'ALTER %s %I.%I OWNER TO %I',
    CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, nspname, relname, wanted
)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN nspname = 'ozon_staging' AND relname <> 'loads' THEN 'ozon_loader' ELSE 'ozon_owner' END
) role (wanted)
WHERE nspname IN ('ozon', 'ozon_staging', 'ozon_bi') AND relkind IN ('r', 'p', 'v') AND relowner <> wanted::regrole
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO ozon_owner', p.oid::regprocedure)
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE nspname = 'ozon' AND proowner <> 'ozon_owner'::regrole
"""

_GRANT_DATABASE: LiteralString = """
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO ozon_owner;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO ozon_loader;
GRANT CONNECT ON DATABASE {database} TO ozon_reader
"""

# Also for tables of later migrations: each upgrade grants again.
_GRANT_SCHEMAS = """
GRANT USAGE ON SCHEMA ozon, ozon_bi TO ozon_loader, ozon_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ozon, ozon_bi TO ozon_loader, ozon_reader;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ozon TO ozon_loader;
REVOKE INSERT, UPDATE, DELETE ON ozon.alembic_version FROM ozon_loader;
GRANT USAGE, CREATE ON SCHEMA ozon_staging TO ozon_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ozon_staging.loads TO ozon_loader
"""
# ANALYZE after a first load. Older servers have no such privilege; there autovacuum does it a minute later.
_GRANT_MAINTAIN = "GRANT MAINTAIN ON ALL TABLES IN SCHEMA ozon TO ozon_loader"
_MAINTAIN_SINCE = 170000

_AS_LOADER = f"""
SELECT set_config('role', 'ozon_loader', true) FROM pg_roles r
WHERE rolname = 'ozon_loader' AND has_schema_privilege(r.oid, 'ozon_staging', 'CREATE')
  AND ({_may_become("r.oid")})
"""


def prepare_roles(connection: Connection) -> None:
    """Create the roles if the session may, and give them what they own and may do: all of it, or nothing."""
    with connection.transaction():
        if _flag(connection, _MAY_CREATE_ROLES):
            create_roles(connection)
        if _missing(connection) or not _flag(connection, _IS_OWNER) or not _may_transfer(connection):
            return
        if _flag(connection, _IS_DATABASE_OWNER):
            database = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL(_GRANT_DATABASE).format(database=database))
        connection.execute(_GRANT_SCHEMAS)
        if connection.info.server_version >= _MAINTAIN_SINCE:
            connection.execute(_GRANT_MAINTAIN)
        for (statement,) in connection.execute(_OWNED_BY_OTHERS).fetchall():
            connection.execute(statement)


def create_roles(connection: Connection) -> None:
    """Create the missing roles; the session goes on migrating and loading as before."""
    missing = _missing(connection)
    for name in missing:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
    if missing:
        connection.execute(f"{_LOADER_TO_OWNER}; GRANT ozon_owner TO CURRENT_USER")


def become_loader(connection: Connection) -> None:
    """Let the role ozon_loader own what this transaction creates, so that all its members can drop it.

    Changes nothing in a warehouse without the roles, and for a session that is not a member.
    """
    connection.execute(_AS_LOADER)


def grant(connection: Connection, role: Role, login: str) -> bool:
    """Make a login a member of the role; return False if it was one.

    Raises ConfigurationError for an unknown login, and AccessDeniedError with the statements that an administrator has
    to run.
    """
    prepare_roles(connection)
    user = connection.info.user
    missing = _missing(connection)
    if missing or not _flag(connection, _IS_PREPARED):
        creates = [*(f"CREATE ROLE {name} NOLOGIN" for name in missing), _LOADER_TO_OWNER]
        statements = "; ".join([*creates, MEMBERSHIP.format(sql.Identifier(user)).as_string()])
        cannot = "create" if missing else "become"
        raise AccessDeniedError(
            f"The warehouse does not belong to {OWNER.name}, and {user} may not {cannot} that role. Ask an "
            f"administrator of the server to run `{statements}`, then run `ozon db upgrade` and this command again."
        )
    logins = [name for (name,) in connection.execute("SELECT rolname::text FROM pg_roles WHERE rolcanlogin ORDER BY 1")]
    require_known("LOGIN", [login], logins)
    if _flag(connection, _IS_MEMBER, (role.name, login)):
        return False
    statement = sql.SQL("GRANT {} TO {}").format(role.identifier, sql.Identifier(login))
    try:
        connection.execute(statement)
    except pg.InsufficientPrivilege as error:
        raise AccessDeniedError(
            f"{user} may not make others members of {role.name}. Ask an administrator of the server to run "
            f"`{statement.as_string()}`."
        ) from error
    return True


def _missing(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(_MISSING, ([role.name for role in ROLES.values()],))]


def _may_transfer(connection: Connection) -> bool:
    queries = (_MAY_CREATE_SCHEMAS, _may_become("'ozon_owner'"), _may_become("'ozon_loader'"))
    return all(_flag(connection, query) for query in queries)


def _flag(connection: Connection, query: LiteralString, parameters: Sequence[object] = ()) -> bool:
    row = connection.execute(query, parameters or None).fetchone()
    return row is not None and bool(row[0])
