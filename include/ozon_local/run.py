"""`make run`: one load of the catalogue by the real Airflow, against what runs on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil

from include.ozon_local import airflow, processes
from include.ozon_local.connections import without_password
from include.ozon_local.environment import WAREHOUSE_DATABASE
from include.ozon_local.home import ROOT, LocalHome, write_private
from include.ozon_local.postgres import WAREHOUSE_ROLE
from include.ozon_local.services import END_SECONDS, OZON, Services


def run(home: LocalHome, conf: str | None) -> int:
    """The exit code of ``airflow dags test ozon_etl``, given ``conf`` as the run's parameters in JSON.

    The services stay up, so that one can look at the data; interrupted, those that this call started end.
    """
    services = Services(home)
    with services.ended_if_interrupted():
        services.start()
        environment = services.trial_environment()
        _move_catalogue_on(home, services, environment)
        exit_code = _load(conf, environment)
    if exit_code == 0:
        _loaded_once(home).touch()
    else:
        print(f"\nozon_etl failed (exit code {exit_code}); the reason is above.", flush=True)
    subprocess.run([OZON, "runs", "--dag-run", "latest"], env=environment, cwd=ROOT, check=False)
    print(f"\nLook at the data: {_address_to_show(home, services, environment['OZON_WAREHOUSE_DSN'])}")
    print('            or: eval "$(make -s env)" && psql "$OZON_WAREHOUSE_DSN"')
    return exit_code


def _load(conf: str | None, environment: Mapping[str, str]) -> int:
    command = [str(airflow.PROGRAM), "dags", "test", "ozon_etl", *(["--conf", conf] if conf else [])]
    # A session of its own: Ctrl-C reaches this process alone, which then ends the other in its own way.
    airflow_run = subprocess.Popen(
        processes.tied(command), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return airflow_run.wait()
    except processes.Interrupted:
        print(f"\nEnding the run; it has {END_SECONDS} seconds to record that it was cancelled.", flush=True)
        with suppress(psutil.NoSuchProcess):
            processes.end([psutil.Process(airflow_run.pid)], END_SECONDS)
        raise


def _move_catalogue_on(home: LocalHome, services: Services, environment: Mapping[str, str]) -> None:
    uses_sandbox = services.sandbox.connections().items() & environment.items()
    if _loaded_once(home).exists() and uses_sandbox:
        services.sandbox.tick()
        print("Sandbox     the catalogue has moved on by one tick", flush=True)


def _loaded_once(home: LocalHome) -> Path:
    return home.path / "loaded"


def _address_to_show(home: LocalHome, services: Services, dsn: str) -> str:
    """The warehouse's address without a password; the embedded one's is then read from a file of libpq's."""
    if dsn != services.postgres.dsn(WAREHOUSE_DATABASE, WAREHOUSE_ROLE):
        return without_password(dsn)
    parts = urlsplit(dsn)
    password_file = home.path / "pgpass"
    write_private(password_file, f"{parts.hostname}:{parts.port}:*:{parts.username}:{parts.password}\n")
    return f"{without_password(dsn)}?passfile={quote(str(password_file))}"
