"""The stack, started by the Makefile with the tests' own ``.env`` and ports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

from include.ozon_local.docker import env_file
from include.ozon_local.docker.compose import docker
from include.ozon_local.home import LOOPBACK, ROOT
from include.ozon_sandbox.process import SandboxAdmin
from tests.support.airflow_stack import until

PROJECT = "ozon-stack-test"
MAKE_SECONDS = 900
RUN_SECONDS = 300
ENDED = {"success", "failed"}


class Stack:
    """The stack's containers, API, databases and mails; ``make`` starts and ends it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / ".env"
        self._headers: dict[str, str] = {}

    @property
    def values(self) -> dict[str, str]:
        return env_file.read(self.file.read_text())

    @property
    def sandbox(self) -> SandboxAdmin:
        return SandboxAdmin(f"http://{LOOPBACK}:{self.values['SANDBOX_PORT']}")

    def make(self, target: str, **variables: object) -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile, and assert that it succeeds."""
        done = subprocess.run(
            ["make", target, *(f"{name}={value}" for name, value in variables.items())],
            env=self._environment(),
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
        )
        assert done.returncode == 0, f"make {target}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def healthy_after_seconds(self, printed: str) -> int:
        found = re.search(r"All containers are healthy after (\d+) s", printed)
        assert found, printed
        return int(found[1])

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """Return the ``docker inspect`` data of the project's containers, or of one service's."""
        labels = [f"label=com.docker.compose.project={PROJECT}"]
        labels += [f"label=com.docker.compose.service={service}"] if service else []
        filters = [word for label in labels for word in ("--filter", label)]
        ids = docker("ps", "--all", "--quiet", *filters).split()
        found: list[dict[str, Any]] = json.loads(docker("inspect", *ids)) if ids else []
        return found

    def is_healthy(self) -> bool:
        """Return whether the servers run and are healthy."""
        servers = [each["State"] for each in self.containers() if "Health" in each["State"]]
        return bool(servers) and all(state["Running"] and state["Health"]["Status"] == "healthy" for state in servers)

    def container(self, service: str) -> str:
        (found,) = self.containers(service)
        return str(found["Id"])

    def call(self, method: str, path: str, **fields: Any) -> Any:
        """Return the answer of Airflow's REST API; raise unless the status is successful."""
        answer = self._request(method, path, fields)
        if answer.status_code == requests.codes.unauthorized:
            sign_in = {"username": "admin", "password": self.values["ADMIN_PASSWORD"]}
            token = self._request("POST", "/auth/token", sign_in).json()["access_token"]
            self._headers = {"Authorization": f"Bearer {token}"}
            answer = self._request(method, path, fields)
        assert answer.ok, f"{method} {path} answered {answer.status_code}: {answer.text}"
        return answer.json()

    def trigger(self, run_id: str) -> None:
        self.call("POST", "/api/v2/dags/ozon_etl/dagRuns", logical_date=None, dag_run_id=run_id)

    def run_ids(self) -> list[str]:
        return [run["dag_run_id"] for run in self.call("GET", "/api/v2/dags/ozon_etl/dagRuns")["dag_runs"]]

    def run_state(self, run_id: str) -> str:
        return str(self.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{run_id}")["state"])

    def wait_for_end(self, run_id: str) -> str:
        """Wait until the run has ended, and return its state."""

        def look() -> str | None:
            try:
                state = self.run_state(run_id)
            except (AssertionError, requests.RequestException):
                return None  # Airflow's database is down
            return state if state in ENDED else None

        return until(look, f"{run_id} ended", RUN_SECONDS) or ""

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/api/v2/dags/ozon_etl/dagRuns/{run_id}/taskInstances")[
            "task_instances"
        ]
        return found

    def wait_until_working(self, run_id: str) -> None:
        """Wait until product_etl has begun for both accounts."""
        until(lambda: len(self.components(run_id)) == 2, f"product_etl of {run_id} began", RUN_SECONDS)

    def components(self, run_id: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM ozon.etl_component_executions WHERE workflow_id LIKE %s", f"{run_id}/%")

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        with self.connect("ozon", "ozon_warehouse") as connection:
            return connection.cursor(row_factory=dict_row).execute(query.encode(), arguments).fetchall()

    def truth(self, account: str) -> dict[int, dict[str, Any]]:
        return {row["product_id"]: row for row in self.sandbox.catalogue(account)}

    def connect(self, role: str, database: str) -> psycopg.Connection[Any]:
        password = self.values[{"ozon": "WAREHOUSE_PASSWORD", "airflow": "AIRFLOW_DB_PASSWORD"}[role]]
        port = int(self.values["WAREHOUSE_PORT"])
        return psycopg.connect(
            host=LOOPBACK, port=port, user=role, password=password, dbname=database, connect_timeout=10
        )

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails in the inbox with their texts, newest first."""
        address = f"http://{LOOPBACK}:{self.values['MAIL_PORT']}/api/v1"
        listed = requests.get(f"{address}/messages", timeout=30).json()["messages"]
        return [requests.get(f"{address}/message/{each['ID']}", timeout=30).json() for each in listed]

    def _request(self, method: str, path: str, fields: dict[str, Any]) -> requests.Response:
        address = f"http://{LOOPBACK}:{self.values['WEB_PORT']}"
        return requests.request(method, f"{address}{path}", json=fields or None, headers=self._headers, timeout=30)

    def _environment(self) -> dict[str, str]:
        without = ("MAKE", "MFLAGS", "AIRFLOW", "OZON", "COMPOSE", "ARGS", "PYTEST")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(without)}
        files = f"docker-compose.yaml{os.pathsep}tests/docker/compose.test.yaml"
        ours = {"COMPOSE_FILE": files, "COMPOSE_PROJECT_NAME": PROJECT, "WORKER_CONCURRENCY": "1"}
        # Debian's engine has only the old builder; a newer client needs the setting.
        builder = {"DOCKER_BUILDKIT": "0", "PYTHON": sys.executable}
        return {**clean, **ours, **builder, env_file.FILE_VARIABLE: str(self.file)}


def seconds_since(started_at: float) -> str:
    return f"{time.monotonic() - started_at:.0f} s"
