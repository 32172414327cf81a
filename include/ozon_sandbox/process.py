"""A sandbox in its own process, for tests and the local services.

with SandboxProcess(tmp_path, {"main": 3000}) as sandbox:
    sandbox.fault("server_error", method="/v3/product/list", times=2, status=503)
    answer = sandbox.post("/v3/product/list", {"limit": 10})
    sandbox.tick()
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import requests

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_ADMIN_SECONDS = 60.0
_FIRST_CLIENT_ID = 1_000_001


class SandboxError(Exception):
    """The sandbox did not start, or refused a command; the message contains the reason."""


@dataclass(frozen=True)
class SandboxAccount:
    """The credentials of one of the sandbox's sellers."""

    client_id: str
    api_key: str = field(repr=False)
    size: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Client-Id": self.client_id, "Api-Key": self.api_key}


class SandboxAdmin:
    """A client for the admin address of a running sandbox; see ``admin``."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._send("GET", "state")
        return found

    def tick(self, count: int = 1, account: str | None = None) -> int:
        """Advance all catalogues, or one account's, and return the new tick."""
        return int(self._send("POST", "tick", {"count": count, "account": account})["tick"])

    def tick_to(self, account: str, tick: int) -> None:
        """Advance one account's catalogue to a tick, unless it is there or further."""
        ahead = tick - self.state()["accounts"][account]["tick"]
        if ahead > 0:
            self.tick(ahead, account)

    def fault(
        self,
        name: str,
        *,
        method: str | None = None,
        account: str | None = None,
        probability: float = 1.0,
        after: int = 0,
        times: int | None = None,
        seconds: float | None = None,
        from_tick: int = 0,
        to_tick: int | None = None,
        **params: Any,
    ) -> dict[str, Any]:
        """Switch a fault on; see ``faults.registry`` for the names and selectors."""
        selectors = {"method": method, "account": account, "probability": probability, "after": after}
        selectors |= {"times": times, "seconds": seconds, "from_tick": from_tick, "to_tick": to_tick}
        description = {"name": name, **selectors, "params": params}
        added: dict[str, Any] = self._send("POST", "faults", description)
        return added

    def faults(self) -> list[dict[str, Any]]:
        active: list[dict[str, Any]] = self._send("GET", "faults")
        return active

    def clear_faults(self) -> None:
        self._send("DELETE", "faults")

    def reset_counters(self) -> None:
        self._send("POST", "reset-counters")

    def reset(self, tick: int | None = None) -> None:
        """Restore the state at the process's start, with another tick if it is given."""
        self._send("POST", "reset", {"tick": tick})

    def catalogue(self, account: str) -> list[dict[str, Any]]:
        """Return the truth about each product of an account; see ``truth``."""
        answer = requests.get(f"{self.base_url}/admin/catalogue/{account}", timeout=_ADMIN_SECONDS)
        if not answer.ok:
            raise SandboxError(answer.json()["message"])
        decoder = msgspec.json.Decoder(dict[str, Any])
        return decoder.decode_lines(answer.content)

    def _send(self, verb: str, name: str, body: object = None) -> Any:
        answer = requests.request(verb, f"{self.base_url}/admin/{name}", json=body, timeout=_ADMIN_SECONDS)
        if not answer.ok:
            raise SandboxError(answer.json()["message"])
        return answer.json()


class SandboxProcess(SandboxAdmin):
    """A sandbox on a free port of 127.0.0.1 that stops at the end of the ``with`` block.

    ``accounts`` maps each name to a size, or to the fields of ``config.Account``; a missing Client-Id or Api-Key is
    generated. ``options`` are the configuration's other fields. All files are in ``directory``, including the tick:
    another process in the same directory continues from it.
    """

    def __init__(
        self,
        directory: Path,
        accounts: Mapping[str, int | Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__("")
        self.directory = directory
        fields = _with_credentials({"main": 3_000} if accounts is None else accounts)
        self.accounts = {
            name: SandboxAccount(account["client_id"], account["api_key"], account["size"])
            for name, account in fields.items()
        }
        self._config = {"state": str(directory / "tick.json"), "accounts": fields, **options}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise SandboxError("The sandbox is not running.")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises SandboxError with the process's output."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config, ready = self.directory / "sandbox.json", self.directory / "ready.json"
        config.touch(mode=0o600)
        config.write_bytes(msgspec.json.encode(self._config))
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "include.ozon_sandbox", "--config", str(config), "--ready-file", str(ready)]
        with (self.directory / "sandbox.log").open("wb") as log:
            environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=_ROOT
            )
        try:
            self.base_url = f"http://127.0.0.1:{self._port(ready)}"
        except BaseException:
            self.stop()
            raise

    def _port(self, ready: Path) -> int:
        process = self._process
        give_up_at = time.monotonic() + _START_SECONDS
        while process is not None and time.monotonic() < give_up_at:
            if ready.exists():
                return int(json.loads(ready.read_text())["port"])
            if process.poll() is not None:
                output = (self.directory / "sandbox.log").read_text(errors="replace").strip()
                raise SandboxError(f"The sandbox ended with exit code {process.returncode}: {output}")
            time.sleep(0.02)
        raise SandboxError(f"The sandbox was not ready within {_START_SECONDS:.0f} s.")

    def stop(self) -> None:
        """End the process; safe to repeat."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def post(
        self, method: str, body: object = None, *, account: str = "main", timeout_seconds: float = 60.0
    ) -> requests.Response:
        """Call a method of the API as this account."""
        return requests.post(
            f"{self.base_url}{method}",
            json={} if body is None else body,
            headers=self.accounts[account].headers,
            timeout=timeout_seconds,
        )


def _with_credentials(accounts: Mapping[str, int | Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    complete = {}
    for number, (name, account) in enumerate(accounts.items()):
        given = {"size": account} if isinstance(account, int) else dict(account)
        generated = {"client_id": str(_FIRST_CLIENT_ID + number), "api_key": secrets.token_hex(16), "size": 3_000}
        complete[name] = generated | given
    return complete
