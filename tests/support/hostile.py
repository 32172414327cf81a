"""Role settings that change the format of every value and end sessions early."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
from psycopg import sql

SETTINGS = {
    "client_encoding": "WIN1251",
    "standard_conforming_strings": "off",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Pacific/Kiritimati",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "search_path": "public, pg_catalog",
    "default_transaction_isolation": "serializable",
    "idle_session_timeout": "400ms",
    "idle_in_transaction_session_timeout": "400ms",
    "statement_timeout": "400ms",
    "lock_timeout": "400ms",
    "tcp_keepalives_idle": "7200",
    "tcp_keepalives_interval": "75",
    "tcp_keepalives_count": "9",
    "tcp_user_timeout": "400",
}


def set_for_role(superuser: psycopg.Connection[tuple[object, ...]], dsn: str, settings: dict[str, str]) -> None:
    """Set the settings for new sessions of the DSN's role in the DSN's database."""
    url = urlsplit(dsn)
    for name, value in settings.items():
        # A search path is a list; in quotes it would be a single name.
        literal = sql.SQL(value) if name == "search_path" else sql.Literal(value)
        superuser.execute(
            sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                sql.Identifier(url.username or ""), sql.Identifier(url.path[1:]), sql.Identifier(name), literal
            )
        )
