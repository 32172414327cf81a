"""The target `make run`: one load of the catalogue by the real Airflow, with this machine's services."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from include.ozon.errors import FatalError
from include.ozon.monitoring.health.areas import AREA_NAMES
from include.ozon.settings import dags
from include.ozon_local import airflow, processes
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.services import END_SECONDS, OZON, Services

_SHORT_LISTS = {"OZON__REPORTS__LISTED_PRODUCTS": "5"}


def run(home: LocalHome, conf: str) -> int:
    """Run ``airflow dags test ozon_etl`` with the parameters ``conf``, a JSON object, and return its exit code.

    The services keep running, so that the data can be queried; an interrupted call ends those that it started.
    """
    is_dry = bool(_parameters(conf).get("dry_run"))
    services = Services(home)
    with services.ended_if_interrupted():
        services.start()
        environment = services.trial_environment()
        _advance_catalogues(home, services, environment)
        started_at = datetime.now(tz=UTC)
        exit_code = _load(conf, environment)
    print(flush=True)
    if exit_code:
        print(f"{dags.ETL} failed (exit code {exit_code}); the reason is above.", flush=True)
    if is_dry:
        print(f"A dry run: nothing was written{'' if exit_code else '; the log above shows what would have changed'}.")
    else:
        since = f"{started_at:%Y-%m-%dT%H:%M:%S}"
        _show(environment, "runs", "--since", since)
        # No scheduler runs here, so the area airflow would only report that.
        here = ",".join(name for name in AREA_NAMES if name != "airflow")
        _show(environment, "health", "--quiet", "--checks", here)
        _show(environment | _SHORT_LISTS, "visibility", "--alert")
    if exit_code == 0 and not is_dry:
        loaded_once(home).touch()
    print(f"\nQuery the data: {environment['OZON_WAREHOUSE_DSN']}")
    print('            or: eval "$(make -s env)" && psql "$OZON_WAREHOUSE_DSN"')
    print('Complete commands with Tab: eval "$(make -s env)" && ozon --install-completion')
    return exit_code


def _parameters(conf: str) -> dict[str, Any]:
    try:
        parameters = json.loads(conf)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise FatalError(f"ARGS: expected a JSON object, for example '{{\"dry_run\": true}}', found {conf!r}.")
    return parameters


def _load(conf: str, environment: Mapping[str, str]) -> int:
    command = [str(airflow.PROGRAM), "dags", "test", dags.ETL, "--conf", conf]
    # In a new session, so that Ctrl-C reaches only this process, which then ends the other one.
    airflow_run = subprocess.Popen(
        processes.tied(command), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return airflow_run.wait()
    except processes.Interrupted:
        print(f"\nCancelling the run; it has {END_SECONDS} seconds to record its end.", flush=True)
        with suppress(psutil.NoSuchProcess):
            processes.end([psutil.Process(airflow_run.pid)], END_SECONDS)
        raise


def _show(environment: Mapping[str, str], *command: str) -> None:
    """Run an `ozon` command and ignore its exit code."""
    print(flush=True)
    subprocess.run([OZON, *command], env=environment, cwd=ROOT, check=False)


def _advance_catalogues(home: LocalHome, services: Services, environment: Mapping[str, str]) -> None:
    uses_sandbox = services.sandbox.connections().items() & environment.items()
    if loaded_once(home).exists() and uses_sandbox:
        print(f"{'Sandbox':12}the catalogues advanced to tick {services.sandbox.tick()}", flush=True)


def loaded_once(home: LocalHome) -> Path:
    return home.path / "loaded"
