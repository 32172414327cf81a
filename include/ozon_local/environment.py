"""The environment of Airflow and ``ozon`` on this machine, for child processes and for a terminal."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping

from include.ozon_local.airflow import airflow_environment
from include.ozon_local.connections import dsn_of_connection, dsn_with_passfile, postgres_connection
from include.ozon_local.home import LOOPBACK, ROOT, LocalHome
from include.ozon_local.mail import CONNECTION as SMTP_CONNECTION
from include.ozon_local.mail import MailCatcher
from include.ozon_local.postgres import AIRFLOW_ROLE, WAREHOUSE_ROLE, EmbeddedPostgres, programs_folder
from include.ozon_local.sandbox import LocalSandbox

WAREHOUSE_DATABASE = "ozon_warehouse"
AIRFLOW_DATABASE = "airflow"

WAREHOUSE_CONNECTION = "AIRFLOW_CONN_OZON_WAREHOUSE"

# The digests of the connections and settings that `make env` has exported. An unchanged one in the terminal was not set
# by the user: it comes from this project, perhaps from another clone or with a password that was deleted since.
EXPORTED = "OZON_LOCAL_EXPORTED"


def local_environment(home: LocalHome, terminal: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return all variables that plain ``airflow``, ``ozon`` and ``psql`` need; those set by the user win.

    It starts nothing, but generates missing passwords and ports. The warehouse's address for psql has no password; the
    file ``pgpass`` has it.
    """
    postgres = EmbeddedPostgres(home.path)
    mail, sandbox = MailCatcher(home.path), LocalSandbox(home.path)
    warehouse_dsn = postgres.dsn(WAREHOUSE_DATABASE, WAREHOUSE_ROLE)
    preset = {
        WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn),
        **sandbox.connections(),
        # Those of `make demo`, which config/ozon.toml does not have.
        **{f"OZON__ACCOUNTS__{name.upper()}__TITLE": title for name, title in sandbox.titles().items()},
        SMTP_CONNECTION: mail.connection(),
        "OZON__ALERTS__INBOX_FOLDER": str(mail.inbox),
    }
    ours = {name: value for name, value in preset.items() if not _is_set_by_user(name, terminal)}
    if WAREHOUSE_CONNECTION not in ours:
        warehouse_dsn = dsn_of_connection(terminal[WAREHOUSE_CONNECTION])
    return {
        "PATH": _path(terminal.get("PATH", os.defpath)),
        **airflow_environment(home.path, postgres.dsn(AIRFLOW_DATABASE, AIRFLOW_ROLE)),
        "OZON_ENV": terminal.get("OZON_ENV", "development"),
        "OZON_WAREHOUSE_DSN": dsn_with_passfile(warehouse_dsn, home.path / "pgpass"),
        **ours,
        **proxy_exceptions(terminal),
        EXPORTED: json.dumps({name: _digest(value) for name, value in ours.items()}),
    }


def proxy_exceptions(terminal: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that exclude this machine from the terminal's proxy, if it has one."""
    if not {"http_proxy", "https_proxy", "all_proxy"} & {name.lower() for name in terminal}:
        return {}
    excepted = (terminal.get("no_proxy") or terminal.get("NO_PROXY") or "").split(",")
    hosts = ",".join(dict.fromkeys(host for host in (*excepted, LOOPBACK) if host))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def export_lines(environment: Mapping[str, str]) -> str:
    """Return the variables as lines for ``eval``."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


def _is_set_by_user(name: str, terminal: Mapping[str, str]) -> bool:
    exported = json.loads(terminal.get(EXPORTED, "{}"))
    return name in terminal and exported.get(name) != _digest(terminal[name])


def _path(terminals: str) -> str:
    own = [str(ROOT / ".venv" / "bin"), str(programs_folder())]
    return os.pathsep.join([*own, *(folder for folder in terminals.split(os.pathsep) if folder not in own)])


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]
