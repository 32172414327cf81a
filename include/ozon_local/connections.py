"""Airflow's connections as JSON, and their conversion from and to PostgreSQL's addresses (DSNs)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from include.ozon.files import write_private

# `make docker-env` runs where nothing is installed.
if TYPE_CHECKING:
    from include.ozon_sandbox.process import SandboxAccount

_SENDER = "ozon-etl@ozon.example"


def postgres_connection(dsn: str) -> str:
    """Return a PostgreSQL address as an Airflow connection in JSON."""
    parts = urlsplit(dsn)
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "schema": unquote(parts.path.lstrip("/")),
            "login": unquote(parts.username or "") or None,
            "password": unquote(parts.password or "") or None,
        }
    )


def api_connection(account: str, base_url: str, keys: SandboxAccount) -> tuple[str, str]:
    """Return the name and value of the variable with Airflow's connection to an account's Seller API."""
    fields = {"conn_type": "http", "host": base_url, "login": keys.client_id, "password": keys.api_key}
    return f"AIRFLOW_CONN_OZON_API_{account.upper()}", json.dumps(fields)


def smtp_connection(host: str, port: int) -> str:
    """Return Airflow's SMTP connection, as JSON, to a mail catcher, which supports neither TLS nor a login."""
    extra = {"disable_ssl": True, "disable_tls": True, "timeout": 10, "retry_limit": 1, "from_email": _SENDER}
    return json.dumps({"conn_type": "smtp", "host": host, "port": port, "extra": extra})


def dsn_of_connection(connection: str) -> str:
    """Return the address for psql of an Airflow connection, given as JSON or as URI."""
    if connection.lstrip().startswith("{"):
        fields: dict[str, Any] = json.loads(connection)
        extra = fields.get("extra") or {}
        options: Mapping[str, Any] = json.loads(extra) if isinstance(extra, str) else extra
    else:
        fields = json.loads(postgres_connection(connection))
        options = dict(parse_qsl(urlsplit(connection).query))
    user = ":".join(quote(str(fields[key]), safe="") for key in ("login", "password") if fields.get(key))
    address = f"{fields.get('host') or 'localhost'}:{fields.get('port') or 5432}"
    database = quote(str(fields.get("schema") or ""), safe="")
    return urlunsplit(("postgresql", f"{user}@{address}", database, _tls(options), ""))


def without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    user, at, address = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}{at}{address}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))


def dsn_with_passfile(dsn: str, file: Path) -> str:
    """Return the address with its password moved to libpq's password file: `ps` shows the arguments of a program."""
    parts = urlsplit(dsn)
    if not parts.password:
        return dsn
    user, password = unquote(parts.username or ""), unquote(parts.password)
    fields = (parts.hostname or "", str(parts.port or 5432), "*", user, password)
    write_private(file, ":".join(re.sub(r"([:\\])", r"\\\1", field) for field in fields) + "\n")
    query = "&".join(filter(None, (parts.query, f"passfile={quote(str(file))}")))
    return urlunsplit(urlsplit(without_password(dsn))._replace(query=query))


def _tls(options: Mapping[str, Any]) -> str:
    return urlencode({name: value for name, value in options.items() if name.startswith("ssl")})
