"""The sandbox of the Seller API as a process of its own, with its accounts and keys."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from include.ozon.errors import FatalError
from include.ozon_local import processes
from include.ozon_local.home import LOOPBACK, ROOT, LocalHome, write_private

START_SECONDS = 30
STOP_SECONDS = 5

# Not through a proxy that the terminal names for the way out.
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class SandboxAccount:
    """A seller in the sandbox; ``size`` is the number of products at the start."""

    client_id: str
    size: int


ACCOUNTS = {"main": SandboxAccount("1000001", 3000), "second": SandboxAccount("1000002", 400)}


class LocalSandbox:
    """A sandbox whose configuration, keys and state live below ``home``.

    Its configuration is written at the first start and then kept. A durable one goes on when this process
    ends; the other kind, for tests, ends with the process that started it.
    """

    def __init__(
        self,
        home: Path,
        accounts: Mapping[str, SandboxAccount] = ACCOUNTS,
        *,
        seed: int = 1,
        rate_limit_per_second: int = 50,
        faults: Sequence[Mapping[str, Any]] = (),
        durable: bool = True,
    ) -> None:
        self._home = LocalHome(home)
        self._folder = self._home.path / "sandbox"
        self._config = self._folder / "config.json"
        self._ready = self._folder / "ready"
        self._process = processes.ProcessFile(self._folder / "process_id", word=str(self._config))
        self._log = self._home.logs / "sandbox.log"
        self._durable = durable
        self._initial = {
            "seed": seed,
            "state": str(self._folder / "state.json"),
            "rate_limit_per_second": rate_limit_per_second,
            "accounts": {
                name: {"client_id": account.client_id, "api_key": secrets.token_hex(16), "size": account.size}
                for name, account in accounts.items()
            },
            "faults": list(faults),
        }

    @property
    def address(self) -> str:
        """The API's base URL."""
        return f"http://{LOOPBACK}:{self._home.port('sandbox')}"

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Each account with its ``client_id``, ``api_key`` and ``size``."""
        with self._home.lock("sandbox-config"):
            if not self._config.exists():
                write_private(self._config, json.dumps(self._initial, indent=2))
            accounts: dict[str, dict[str, Any]] = json.loads(self._config.read_text())["accounts"]
        return accounts

    def connections(self) -> dict[str, str]:
        """An ``AIRFLOW_CONN_OZON_API_...`` variable for each account."""
        return {
            f"AIRFLOW_CONN_OZON_API_{name.upper()}": json.dumps(
                {
                    "conn_type": "http",
                    "host": self.address,
                    "login": account["client_id"],
                    "password": account["api_key"],
                }
            )
            for name, account in self.accounts().items()
        }

    def start(self) -> None:
        """Start the sandbox unless it runs.

        Raises `FatalError` with the end of its log where it does not come up.
        """
        with self._home.lock("sandbox"):
            if self.is_running():
                return
            self.accounts()
            try:
                self._launch()
            except BaseException:
                self._stop()
                raise

    def stop(self) -> None:
        with self._home.lock("sandbox"):
            self._stop()

    def is_running(self) -> bool:
        return self._process.process() is not None and self._ready.exists()

    def tick(self, count: int = 1) -> None:
        """Move every account's catalogue on."""
        self.admin("tick", {"count": count})

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of an ``/admin/`` address: POST with a body, GET without."""
        request = Request(  # noqa: S310 - the address is our own
            f"{self.address}/admin/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _opener.open(request, timeout=60) as response:
            return json.load(response)

    def _launch(self) -> None:
        self._ready.unlink(missing_ok=True)
        self._home.logs.mkdir(parents=True, exist_ok=True)
        port = self._home.port_to_listen("sandbox")
        command = [sys.executable, "-m", "include.ozon_sandbox", "--config", str(self._config)]
        command += ["--port", str(port), "--ready-file", str(self._ready)]
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                command if self._durable else processes.tied(command),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._process.record(server.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise FatalError(f"The sandbox did not start. The end of {self._log}:\n{processes.tail(self._log)}")
            time.sleep(0.05)

    def _stop(self) -> None:
        process = self._process.process()
        if process is not None:
            processes.end([process], STOP_SECONDS)
