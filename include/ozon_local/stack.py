"""The target `make up`: all of Airflow in the background, as children of one supervisor."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg
import requests

from include.ozon.diagnosis.airflow_health import HEALTH_PATH, METADATA, parse_health
from include.ozon.errors import FatalError
from include.ozon_local import airflow, processes
from include.ozon_local.home import ROOT, LocalHome
from include.ozon_local.processes import tail
from include.ozon_local.services import END_SECONDS, Services

# Without the log servers, which would listen on every address; the api-server reads the same files from the disk.
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
HEALTHY_SECONDS = 180
_POLL_SECONDS = 0.5
# A component sends its first heartbeat before it may fail.
_SETTLED_SECONDS = 4
_SUPERVISE = "supervise"


def up(home: LocalHome) -> int:
    """Start the services and Airflow, wait until everything is healthy, and print the sign-in."""
    services = Services(home)
    with services.ended_if_interrupted():
        services.start()
        user, password = airflow.sign_in(home)
        with home.lock("airflow"):
            try:
                if _supervisor(home).process() is None:
                    _launch(home, services)
                _wait_until_healthy(home)
            except BaseException:
                _end(home)
                raise
    print(f"{'Airflow':12}{airflow.web_url(home)} (user {user}, password {password})")
    if is_empty(services.environment()["OZON_WAREHOUSE_DSN"]):
        print("Nothing is loaded yet: trigger ozon_etl in the web UI to see something, or run `make demo`.")
    return 0


def is_empty(warehouse_dsn: str) -> bool:
    """Return whether a migrated warehouse has no products."""
    with psycopg.connect(warehouse_dsn) as connection:
        return connection.execute("SELECT FROM ozon.products LIMIT 1").fetchone() is None


def end(home: LocalHome) -> None:
    """End Airflow if it is running; the services go on."""
    with home.lock("airflow"):
        _end(home)


def supervise(home: LocalHome) -> int:
    """Run Airflow's components until one of them ends or a signal arrives, then end all of them."""
    failure = _failure(home)
    failure.unlink(missing_ok=True)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, options in COMPONENTS.items():
            with _log(home, name).open("wb") as log:
                children[name] = subprocess.Popen(
                    processes.tied([str(airflow.PROGRAM), name, *options]),
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        while all(child.poll() is None for child in children.values()):
            time.sleep(_POLL_SECONDS)
        ended = next(name for name, child in children.items() if child.returncode is not None)
        failure.write_text(f"{ended} {children[ended].returncode}")
    finally:
        processes.end(psutil.Process().children(recursive=True), END_SECONDS)
    return 1


def _launch(home: LocalHome, services: Services) -> None:
    home.port_to_listen("web")
    with _log(home, "supervisor").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", __package__, _SUPERVISE],
            cwd=ROOT,
            env=services.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _supervisor(home).record(supervisor.pid)


def _wait_until_healthy(home: LocalHome) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    healthy_since = None
    while True:
        waiting_for = _unhealthy(home)
        now = time.monotonic()
        if _supervisor(home).process() is None:
            name, exit_code = _ended_first(home)
            log = _log(home, name)
            raise FatalError(f"Airflow's {name} ended ({exit_code}). The end of {log}:\n{tail(log)}")
        if waiting_for:
            healthy_since = None
        elif healthy_since is None:
            healthy_since = now
        elif now - healthy_since >= _SETTLED_SECONDS:
            return
        if waiting_for and now > deadline:
            log = _log(home, waiting_for[0])
            raise FatalError(
                f"Not healthy within {HEALTHY_SECONDS} seconds: Airflow's {', '.join(waiting_for)}. "
                f"The end of {log}:\n{tail(log)}"
            )
        time.sleep(_POLL_SECONDS)


def _unhealthy(home: LocalHome) -> list[str]:
    """Return the components that are not healthy."""
    try:
        health = parse_health(requests.get(f"{airflow.web_url(home)}{HEALTH_PATH}", timeout=10).json())
    except (requests.RequestException, ValueError):
        return ["api-server"]
    reported = {"api-server": METADATA, "dag-processor": "dag_processor"}
    supervisor = _supervisor(home).process()
    started_at = supervisor.create_time() if supervisor else 0.0
    return [name for name in COMPONENTS if not health[reported.get(name, name)].is_healthy(started_at)]


def _end(home: LocalHome) -> None:
    supervisor = _supervisor(home).process()
    if supervisor is not None:
        processes.end([supervisor], END_SECONDS)


def _supervisor(home: LocalHome) -> processes.ProcessFile:
    return processes.ProcessFile(home.path / "airflow" / "supervisor", word=_SUPERVISE)


def _ended_first(home: LocalHome) -> tuple[str, str]:
    """Return the component that ended first, with its exit code."""
    try:
        name, exit_code = _failure(home).read_text().split()
    except FileNotFoundError:
        return "supervisor", "was killed"
    return name, f"exit code {exit_code}"


def _failure(home: LocalHome) -> Path:
    return home.path / "airflow" / "failed"


def _log(home: LocalHome, component: str) -> Path:
    return home.logs / f"airflow-{component}.log"
