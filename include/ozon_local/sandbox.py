"""The sandbox of the Seller API in the background, with this machine's accounts and keys."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.ozon.files import write_private
from include.ozon_local.background import BackgroundServer
from include.ozon_local.connections import api_connection
from include.ozon_local.home import LOOPBACK, LocalHome
from include.ozon_sandbox.process import SandboxAccount, SandboxAdmin

# Name, Client-Id and initial number of products of the development accounts in config/ozon.toml.
ACCOUNTS = (("main", "1000001", 3000), ("second", "1000002", 400))

# The accounts of `make demo`.
TITLES = {"demo": "Demo shop", "demo_outlet": "Demo outlet"}


class LocalSandbox:
    """A sandbox that outlives this process; its configuration, keys and tick are below ``home``."""

    def __init__(self, home: Path) -> None:
        self._home = LocalHome(home)
        self._config = self._home.path / "sandbox" / "config.json"
        self._server = BackgroundServer("sandbox", self._home, word=str(self._config))

    @property
    def address(self) -> str:
        """The API's base URL."""
        return f"http://{LOOPBACK}:{self._home.port('sandbox')}"

    def connections(self) -> dict[str, str]:
        """Return an ``AIRFLOW_CONN_OZON_API_...`` variable for each account."""
        return dict(api_connection(name, self.address, account) for name, account in self.accounts().items())

    def start(self) -> None:
        """Start the sandbox unless it is running.

        Raises `FatalError` with the end of its log if it does not start.
        """
        with self._home.lock("sandbox"):
            if self.is_running():
                return
            self.configuration()
            port = self._home.port_to_listen("sandbox")
            command = [sys.executable, "-m", "include.ozon_sandbox", "--config", str(self._config)]
            self._server.start([*command, "--port", str(port), "--ready-file", str(self._server.ready_file)])

    def stop(self) -> None:
        with self._home.lock("sandbox"):
            self._server.stop()

    def is_running(self) -> bool:
        return self._server.is_running()

    def tick(self) -> int:
        """Advance all catalogues by one tick and return the new one."""
        return self.admin().tick()

    def admin(self) -> SandboxAdmin:
        """Return a client for the running sandbox's admin address."""
        return SandboxAdmin(self.address)

    def accounts(self) -> dict[str, SandboxAccount]:
        return {name: _keys(fields) for name, fields in self.configuration()["accounts"].items()}

    def titles(self) -> dict[str, str]:
        """Return the titles of the accounts that were added."""
        return {name: title for name, title in TITLES.items() if name in self.configuration()["accounts"]}

    def add(self, accounts: Mapping[str, Mapping[str, object]], faults: Sequence[Mapping[str, object]]) -> None:
        """Add accounts with new keys, and faults, to the configuration; a running sandbox has to be restarted."""
        with self._home.lock("sandbox-config"):
            content = self._read_or_create()
            content["accounts"] |= {name: {"api_key": secrets.token_hex(16), **each} for name, each in accounts.items()}
            content["faults"] = [*content.get("faults", []), *faults]
            write_private(self._config, json.dumps(content, indent=2))

    def configuration(self) -> dict[str, Any]:
        """Return the configuration, which is written at the first call and then kept."""
        with self._home.lock("sandbox-config"):
            return self._read_or_create()

    def _read_or_create(self) -> dict[str, Any]:
        if not self._config.exists():
            accounts = {
                name: {"client_id": client_id, "api_key": secrets.token_hex(16), "size": size}
                for name, client_id, size in ACCOUNTS
            }
            content = {"seed": 1, "state": str(self._server.folder / "tick.json"), "accounts": accounts}
            write_private(self._config, json.dumps(content, indent=2))
        found: dict[str, Any] = json.loads(self._config.read_text())
        return found


def _keys(fields: Mapping[str, Any]) -> SandboxAccount:
    return SandboxAccount(fields["client_id"], fields["api_key"], fields["size"])
