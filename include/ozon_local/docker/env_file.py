"""``.env``, the variables of docker-compose.yaml, with secrets that are generated for each clone."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from include.ozon.errors import FatalError
from include.ozon.files import write_private
from include.ozon_local.connections import smtp_connection
from include.ozon_local.home import ROOT, fernet_key, free_port

FILE_VARIABLE = "OZON_DOCKER_ENV"
PROFILES = {"local": ("", "LocalExecutor"), "celery": ("celery", "CeleryExecutor")}

Values = Mapping[str, str]

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
# Values that docker-compose 1.29, every `docker compose` and this module read alike: otherwise they differ in the
# meaning of $, #, \ and quotes.
_PLAIN = re.compile(
    r"""
    [^\s'"\#$\\`]([^'"\#$\\`]*[^\s'"\#$\\`])?   # without quotes
    | '([^'$\\]|\$(?!\{)|\\(?![\\']))*'          # in single quotes
    | "[^"$\\`]*"                                # in double quotes
    |                                            # nothing
    """,
    re.VERBOSE,
)
_HEAD = """\
# The variables of docker-compose.yaml. `make docker-env` adds missing ones and keeps the others.
# To set your own password: in single quotes, or in double quotes if it contains a single one; then `make docker-env`.
# Secrets: only for this machine's administrators; never commit them to a repository.
"""


def env_file() -> Path:
    """Return ``.env`` at the root, which compose reads by default, unless ``OZON_DOCKER_ENV`` names another."""
    return Path(os.environ.get(FILE_VARIABLE) or ROOT / ".env").absolute()


def complete(file: Path, profile: str | None = None) -> list[str]:
    """Add missing variables and return the changed names; ``profile`` also sets the executor of the tasks.

    Existing values are kept, except the two of the profile and those derived from a password. Raises `FatalError` if
    compose would read a value differently.
    """
    text = file.read_text() if file.exists() else _HEAD
    _require_plain_values(text, file)
    before = read(text)
    values = {name: value for name, value in before.items() if name not in _IN_URIS}
    for name, make in _DEFAULTS.items():
        if not values.get(name) and not (name in _MAY_BE_EMPTY and name in values):
            values[name] = make(values)
    if profile is not None:
        values["COMPOSE_PROFILES"], values["AIRFLOW_EXECUTOR"] = PROFILES[profile]
    changed = [name for name, value in values.items() if before.get(name) != value]
    for name in changed:
        text = _with_line(text, name, values[name])
    if changed or not file.exists():
        write_private(file, text)
    file.chmod(0o600)
    return changed


def read(text: str) -> dict[str, str]:
    """Return the values of a ``.env``, without quotes around them."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            value = match[2].strip()
            found[match[1]] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    return found


def _require_plain_values(text: str, file: Path) -> None:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[1] in _DEFAULTS and not _PLAIN.fullmatch(match[2].strip()):
            raise FatalError(
                f"{match[1]} in {file}: $, #, \\, ` and quotes have a special meaning in compose. Expected a value "
                "without them, or in single quotes (then without single quotes, ${ and \\\\), or in double quotes "
                "(then without double quotes, $, ` and \\). Quote it like this, or choose another value."
            )


def _with_line(text: str, name: str, value: str) -> str:
    """Return the text with the value in the line of its name, or in a new line at the end."""
    line = f"{name}='{value}'" if value.startswith("{") else f"{name}={value}"
    lines = text.splitlines()
    places = [number for number, each in enumerate(lines) if (match := _LINE.match(each)) and match[1] == name]
    for number in places:
        lines[number] = line
    return "\n".join(lines if places else [*lines, line]) + "\n"


def _json(fields: Mapping[str, object]) -> str:
    """Return a connection as JSON in which a password's quotes and backslashes have a meaning only for JSON."""
    text = json.dumps(fields).replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
    return text.replace("'", "\\u0027")


def _in_uri(name: str) -> Callable[[Values], str]:
    return lambda values: quote(values[name], safe="")


def _constant(value: str) -> Callable[[Values], str]:
    return lambda values: value


def _password(values: Values) -> str:
    return secrets.token_hex(16)


def _port(preferred: int) -> Callable[[Values], str]:
    return lambda values: str(free_port(preferred, [value for name, value in values.items() if name.endswith("_PORT")]))


def _warehouse(values: Values) -> str:
    address = {"host": "postgres", "port": 5432, "schema": "ozon_warehouse"}
    return _json({"conn_type": "postgres", **address, "login": "ozon", "password": values["WAREHOUSE_PASSWORD"]})


def _sandbox_account(client_id: str, key: str) -> Callable[[Values], str]:
    return lambda values: _json(
        {
            "conn_type": "http",
            "host": "http://sandbox:8070",
            "login": client_id,
            "password": values[key],
            "extra": {"allow_http": True},
        }
    )


# The order matters: later ones are derived from earlier ones.
_DEFAULTS: Mapping[str, Callable[[Values], str]] = {
    "COMPOSE_PROJECT_NAME": _constant("ozon-etl"),
    "COMPOSE_PROFILES": _constant(PROFILES["local"][0]),
    "AIRFLOW_EXECUTOR": _constant(PROFILES["local"][1]),
    "OZON_ENV": _constant("development"),
    "WEB_PORT": _port(8080),
    "MAIL_PORT": _port(8025),
    "WAREHOUSE_PORT": _port(5433),
    "SANDBOX_PORT": _port(8070),
    "WEB_URL": lambda values: f"http://localhost:{values['WEB_PORT']}",
    "ADMIN_PASSWORD": lambda values: secrets.token_urlsafe(12),
    "POSTGRES_PASSWORD": _password,
    "AIRFLOW_DB_PASSWORD": _password,
    "WAREHOUSE_PASSWORD": _password,
    "REDIS_PASSWORD": _password,
    # Encoded for the addresses of PostgreSQL and Redis, because compose cannot encode values.
    "AIRFLOW_DB_PASSWORD_IN_URI": _in_uri("AIRFLOW_DB_PASSWORD"),
    "REDIS_PASSWORD_IN_URI": _in_uri("REDIS_PASSWORD"),
    "SANDBOX_KEY_MAIN": _password,
    "SANDBOX_KEY_SECOND": _password,
    "API_SECRET_KEY": _password,
    "JWT_SECRET": lambda values: secrets.token_hex(32),
    "FERNET_KEY": lambda values: fernet_key(),
    "AIRFLOW_CONN_OZON_WAREHOUSE": _warehouse,
    "AIRFLOW_CONN_OZON_API_MAIN": _sandbox_account("1000001", "SANDBOX_KEY_MAIN"),
    "AIRFLOW_CONN_OZON_API_SECOND": _sandbox_account("1000002", "SANDBOX_KEY_SECOND"),
    "AIRFLOW_CONN_SMTP_DEFAULT": lambda values: smtp_connection("mail", 1025),
}
_MAY_BE_EMPTY = {"COMPOSE_PROFILES"}
_IN_URIS = {name for name in _DEFAULTS if name.endswith("_IN_URI")}
NAMES = tuple(_DEFAULTS)
"""All variables that `make docker-env` writes."""
