"""Start and end of the stack of docker-compose.yaml."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from include.ozon.errors import FatalError
from include.ozon_local.docker import env_file
from include.ozon_local.docker.compose import Compose, Container

HEALTHY_SECONDS = 600  # a small server that migrates its database for the first time
_POLL_SECONDS = 1
_LOG_LINES = "20"
_CELERY = "celery"


def make_env(file: Path, profile: str | None) -> None:
    """Create ``.env`` or add missing variables, and print the changed names."""
    added = env_file.complete(file, profile)
    print(f"{file}: {'written: ' + ', '.join(added) if added else 'complete, nothing changed'}", flush=True)


def up(file: Path, profile: str | None, workers: int | None) -> None:
    """Build the image, start everything and wait until it is healthy; safe to repeat.

    Raises `FatalError` with the end of the logs of containers that did not start.
    """
    make_env(file, profile)
    compose = Compose(file)
    has_workers = compose.values["COMPOSE_PROFILES"] == _CELERY
    if workers is not None and not has_workers:
        raise FatalError("WORKERS is for PROFILE=celery: with LocalExecutor the scheduler runs the tasks itself.")
    compose.run("build")
    if not has_workers:
        # Containers of an earlier start with the profile: they do not count as orphans, so end them here.
        compose.run("rm", "--stop", "--force", "worker", "redis")
    scale = [] if workers is None else ["--scale", f"worker={workers}"]
    started_at = time.monotonic()
    try:
        compose.run("up", "--detach", "--remove-orphans", *scale)
    except FatalError as error:
        raise FatalError(f"{error}{_logs([each for each in compose.containers() if each.has_failed])}") from error
    _wait_until_ready(compose)
    print(f"All containers are healthy after {time.monotonic() - started_at:.0f} s.\n{_addresses(compose)}", flush=True)


def down(file: Path, options: Sequence[str]) -> None:
    """End everything and remove the containers; the data is kept unless ``--volumes`` is among the options."""
    if not file.exists():
        print(f"{file} does not exist, so nothing was started from here.")
        return
    Compose(file).run("down", "--remove-orphans", *options, profile=_CELERY)


def _wait_until_ready(compose: Compose) -> None:
    give_up_at = time.monotonic() + HEALTHY_SECONDS
    while True:
        containers = compose.containers()
        waiting_for = [container for container in containers if not container.is_ready]
        if containers and not waiting_for:
            return
        failed = [container for container in waiting_for if container.has_failed]
        if failed or time.monotonic() > give_up_at:
            bad = failed or waiting_for
            states = ", ".join(f"{container.service} ({container.state})" for container in bad)
            raise FatalError(f"Not healthy: {states}.{_logs(bad)}")
        time.sleep(_POLL_SECONDS)


def _logs(containers: Sequence[Container]) -> str:
    ends = []
    for container in containers:
        command = ["docker", "logs", "--tail", _LOG_LINES, container.id]
        log = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        ends.append(f"\nThe end of the log of {container.service}:\n{log.rstrip()}")
    return "".join(ends)


def _addresses(compose: Compose) -> str:
    values = compose.values
    psql = f"{compose.command} exec postgres psql --username ozon ozon_warehouse"
    lines = {
        "Airflow": f"{values['WEB_URL']} (user admin, password {values['ADMIN_PASSWORD']})",
        "Mail": f"http://localhost:{values['MAIL_PORT']}",
        "Sandbox": f"http://localhost:{values['SANDBOX_PORT']}/admin/state",
        "Warehouse": f"{psql}\n{'':12}or at localhost:{values['WAREHOUSE_PORT']}, with WAREHOUSE_PASSWORD of .env",
        "ozon": f"{compose.command} exec scheduler ozon --help",
    }
    return "\n".join(f"{name:12}{text}" for name, text in lines.items())
