"""Airflow on this machine: its settings, metadata database and sign-in."""

from __future__ import annotations

import importlib.metadata
import json
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from include.ozon.configuration import load_settings
from include.ozon.errors import FatalError
from include.ozon.files import write_private
from include.ozon_local.home import LOOPBACK, ROOT, LocalHome, fernet_key

PROGRAM = ROOT / ".venv" / "bin" / "airflow"
USER = "admin"
DEFAULT_WEB_PORT = 8080
# A task that outlives its token fails under LocalExecutor (apache/airflow issue 67939); the default is 600.
TASK_TOKEN_SECONDS = 24 * 60 * 60


def airflow_environment(home: Path, metadata_dsn: str) -> dict[str, str]:
    """Return the variables for ``airflow`` to run this project's DAGs, with all of its files below ``home``.

    Its servers listen only on the loopback address.
    """
    local = LocalHome(home)
    folder = local.path / "airflow"
    settings = {
        "core": {
            "dags_folder": str(ROOT / "dags"),
            "plugins_folder": str(ROOT / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": "4",
            "dags_are_paused_at_creation": "False",
            "fernet_key": local.secret("airflow_fernet_key", fernet_key),
            "execution_api_server_url": f"{web_url(local)}/execution/",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(folder / "passwords.json"),
        },
        "database": {"sql_alchemy_conn": metadata_dsn.replace("postgresql://", "postgresql+psycopg2://", 1)},
        "api": {
            "host": LOOPBACK,
            "port": str(_web_port(local)),
            "base_url": web_url(local),
            "secret_key": local.secret("airflow_secret_key"),
        },
        "api_auth": {"jwt_secret": local.secret("airflow_jwt_secret", lambda: secrets.token_hex(32))},
        "execution_api": {"jwt_expiration_time": str(TASK_TOKEN_SECONDS)},
        "logging": {"base_log_folder": str(folder / "logs")},
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": value
        for section, values in settings.items()
        for key, value in values.items()
    }
    return {"AIRFLOW_HOME": str(folder), "PYTHONPATH": str(ROOT), **variables}


def web_url(home: LocalHome) -> str:
    return f"http://{LOOPBACK}:{_web_port(home)}"


def sign_in(home: LocalHome) -> tuple[str, str]:
    """Write the password file of Airflow's web UI and return the user and the password."""
    password = home.secret("airflow_admin", lambda: secrets.token_urlsafe(12))
    write_private(home.path / "airflow" / "passwords.json", json.dumps({USER: password}))
    return USER, password


def migrate(metadata_dsn: str, environment: Mapping[str, str]) -> bool:
    """Migrate Airflow's metadata database to the installed version; return False if it was up to date.

    The version is stored as the comment of the database's schema, so that it is copied and dropped with the database.
    """
    version = f"Airflow {importlib.metadata.version('apache-airflow')}"
    with psycopg.connect(metadata_dsn, autocommit=True) as connection:
        row = connection.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')").fetchone()
        if row == (version,):
            return False
        for action in (["migrate"], ["check-migrations", "--migration-wait-timeout", "0"]):
            done = _airflow(["db", *action], environment)
            if done.returncode:
                raise FatalError(f"`airflow db {action[0]}` failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))
        connection.execute(sql.SQL("COMMENT ON SCHEMA public IS {}").format(sql.Literal(version)))
    return True


def register_dags(environment: Mapping[str, str]) -> None:
    """Register the DAGs, for example for ``airflow dags list``, before a DAG processor has run.

    Errors are ignored: the command that runs a broken DAG reports them.
    """
    _airflow(["dags", "reserialize"], environment)


def create_alert_pool(metadata_dsn: str, environment: Mapping[str, str]) -> None:
    """Create the pool of one slot for sending alerts, unless it exists.

    Raises `FatalError` if Airflow refuses.
    """
    pool = load_settings(environ=environment).alerts.pool
    with psycopg.connect(metadata_dsn, autocommit=True) as connection:
        if connection.execute("SELECT FROM slot_pool WHERE pool = %s", (pool,)).fetchone() is not None:
            return
    done = _airflow(["pools", "set", pool, "1", "Alerts of the Ozon ETL: one sender at a time"], environment)
    if done.returncode:
        raise FatalError(f"`airflow pools set {pool}` failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))


def _airflow(arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *arguments],
        env=environment,
        cwd=ROOT,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _web_port(home: LocalHome) -> int:
    return home.port("web", DEFAULT_WEB_PORT)
