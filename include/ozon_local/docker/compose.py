"""Docker Compose, with either of its two programs, and the states of its containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.ozon.errors import FatalError
from include.ozon_local.docker import env_file
from include.ozon_local.home import ROOT

_PROGRAMS = (("docker", "compose"), ("docker-compose",))


@dataclass(frozen=True)
class Container:
    """The state of one container."""

    id: str
    service: str
    name: str
    is_running: bool
    exit_code: int
    health: str | None
    """``starting``, ``healthy`` or ``unhealthy``; None without a health check or if it is not running."""
    is_one_shot: bool
    """The container ends on its own and is not restarted."""

    @property
    def is_ready(self) -> bool:
        """Return whether it is healthy, or ended without an error if it is a one-shot container."""
        if self.is_one_shot:
            return not self.is_running and self.exit_code == 0
        return self.is_running and self.health == "healthy"

    @property
    def has_failed(self) -> bool:
        return self.is_one_shot and not self.is_running and self.exit_code != 0

    @property
    def state(self) -> str:
        return self.health or ("running" if self.is_running else f"ended with exit code {self.exit_code}")


class Compose:
    """docker-compose.yaml with one ``.env``; the project's name identifies its containers."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._program = _program()

    @property
    def values(self) -> dict[str, str]:
        """The values of ``.env``; variables of the terminal override them, as in compose."""
        values = env_file.read(self._file.read_text())
        return values | {name: os.environ[name] for name in values if name in os.environ}

    def run(self, *arguments: str, profile: str | None = None) -> None:
        """Run compose with its output on the terminal. Raises `FatalError` if it fails."""
        profiles = ["--profile", profile] if profile else []
        command = [*self._program, "--env-file", str(self._file), *profiles, *arguments]
        done = subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            shown = " ".join([*self._program, *arguments])
            raise FatalError(f"`{shown}` failed with exit code {done.returncode}; the reason is above.")

    def containers(self) -> list[Container]:
        """Return all containers of the project, including those that have ended."""
        label = f"label=com.docker.compose.project={self.values['COMPOSE_PROJECT_NAME']}"
        ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        return [_container(each) for each in json.loads(docker("inspect", *ids))] if ids else []

    @property
    def command(self) -> str:
        """The command line of compose, for messages."""
        return " ".join(self._program)


def docker(*arguments: str) -> str:
    """Run ``docker`` and return its output. Raises `FatalError` with its message if it fails."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise FatalError(f"`docker {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout


def _program() -> Sequence[str]:
    if shutil.which("docker") is None:
        raise FatalError(
            "`docker` is not installed: install Docker Engine with compose, on Debian docker.io and docker-compose."
        )
    docker("version", "--format", "{{.Server.Version}}")
    for program in _PROGRAMS:
        if (
            shutil.which(program[0])
            and subprocess.run([*program, "version"], check=False, capture_output=True).returncode == 0
        ):
            return program
    raise FatalError("Neither `docker compose` nor `docker-compose` is installed: install Docker's compose plugin.")


def _container(found: dict[str, Any]) -> Container:
    state = found["State"]
    return Container(
        id=found["Id"],
        service=found["Config"]["Labels"]["com.docker.compose.service"],
        name=found["Name"].lstrip("/"),
        is_running=state["Running"] and not state["Restarting"],
        exit_code=state["ExitCode"],
        health=state.get("Health", {}).get("Status") if state["Running"] else None,
        is_one_shot=found["HostConfig"]["RestartPolicy"]["Name"] in ("", "no"),
    )
