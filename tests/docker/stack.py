"""The stack as a person uses it: by `make`, its web addresses, and `docker`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from include.ozon_local.docker import env_file
from include.ozon_local.home import LOOPBACK, ROOT
from include.ozon_sandbox.process import SandboxAccount, SandboxAdmin
from tests.support.pipeline import Pipeline

T = TypeVar("T")

PROJECT = "ozon-etl-test"
RUN_SECONDS = 300
UP_SECONDS = 900


class Sandbox(SandboxAdmin):
    """The sandbox in its container, with the keys of ``.env``."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(f"http://{LOOPBACK}:{values['SANDBOX_PORT']}")
        self.accounts = {
            name: SandboxAccount(fields["login"], fields["password"])
            for name in ("main", "second")
            for fields in [json.loads(values[f"AIRFLOW_CONN_OZON_API_{name.upper()}"])]
        }


class Stack:
    def __init__(self, file: Path) -> None:
        self.file = file
        # One task at a time for each worker, so that two of them share the work of two accounts.
        file.write_text(f"COMPOSE_PROJECT_NAME={PROJECT}\nWORKER_CONCURRENCY=1\n")
        self.healthy_seconds: dict[str, int] = {}
        self._headers: dict[str, str] = {}

    @property
    def values(self) -> dict[str, str]:
        return env_file.read(self.file.read_text())

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.values)

    def dsn(self, database: str, role: str, password: str) -> str:
        return f"postgresql://{role}:{self.values[password]}@{LOOPBACK}:{self.values['WAREHOUSE_PORT']}/{database}"

    @property
    def warehouse(self) -> Pipeline:
        sandbox: Any = self.sandbox
        return Pipeline(sandbox, self.dsn("ozon_warehouse", "ozon", "WAREHOUSE_PASSWORD"))

    def make(self, target: str, *options: str) -> str:
        """What it printed; an exit code that is not 0 is a failure with all of it."""
        files = {"OZON_DOCKER_ENV": str(self.file), "COMPOSE_FILE": "docker-compose.yaml:tests/docker/late.yaml"}
        done = subprocess.run(
            ["make", "--silent", target, *options],
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | files,
            cwd=ROOT,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UP_SECONDS,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def up(self, *options: str) -> str:
        """`make docker-up`, until all of it is healthy and signed in to."""
        printed = self.make("docker-up", *options)
        seconds = re.search(r"All of it is healthy after (\d+) s", printed)
        assert seconds, printed
        self.healthy_seconds[" ".join(options) or "local"] = int(seconds[1])
        token = self.call("POST", "/auth/token", username="admin", password=self.values["ADMIN_PASSWORD"])
        self._headers = {"Authorization": f"Bearer {token['access_token']}"}
        return printed

    def call(self, method: str, path: str, /, **fields: Any) -> Any:
        """An answer of Airflow's REST API, which has to be a good one."""
        url = f"http://{LOOPBACK}:{self.values['WEB_PORT']}{path}"
        answer = requests.request(method, url, json=fields or None, headers=self._headers, timeout=30)
        assert answer.ok, f"{method} {path} answered {answer.status_code}: {answer.text}"
        return answer.json()

    def trigger(self) -> str:
        """A run of all accounts; its id."""
        found = self.call("POST", "/api/v2/dags/ozon_etl/dagRuns", logical_date=None, conf={})
        return str(found["dag_run_id"])

    def state(self, dag_run_id: str) -> str:
        return str(self.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{dag_run_id}")["state"])

    def ended(self, dag_run_id: str) -> str:
        """The run's state once it has one for good. The API server may be away with its database meanwhile."""

        def look() -> str | None:
            try:
                state = self.state(dag_run_id)
            except (AssertionError, requests.RequestException):
                return None
            return state if state in {"success", "failed"} else None

        return until(look, f"run {dag_run_id} has ended", RUN_SECONDS)

    def tasks(self, dag_run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{dag_run_id}/taskInstances")[
            "task_instances"
        ]
        return found

    def mails(self) -> list[dict[str, Any]]:
        """The inbox's, newest first."""
        answer = requests.get(f"http://{LOOPBACK}:{self.values['MAIL_PORT']}/api/v1/messages", timeout=10)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def containers(self) -> list[dict[str, Any]]:
        ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
        found: list[dict[str, Any]] = json.loads(docker("inspect", *ids)) if ids else []
        return found

    def container(self, service: str) -> str:
        """The id of a service's only container."""
        (found,) = [
            each["Id"]
            for each in self.containers()
            if each["Config"]["Labels"]["com.docker.compose.service"] == service
        ]
        return str(found)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(look: Callable[[], T], what: str, seconds: float) -> T:
    """What ``look`` finds, once it finds something."""
    give_up_at = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up_at, f"It did not come to this in {seconds:g} seconds: {what}"
        time.sleep(1)
    return found
