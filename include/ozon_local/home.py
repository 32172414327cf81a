"""The folder with all state on this machine: data, ports, passwords, logs."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from include.ozon.errors import FatalError
from include.ozon.files import write_private

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"

Value = str | int


class LocalHome:
    """A state folder, ``.local`` in the project's root unless ``OZON_LOCAL_HOME`` names another."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"

    @classmethod
    def from_environment(cls) -> LocalHome:
        return cls(Path(os.environ.get("OZON_LOCAL_HOME") or ROOT / ".local"))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock ``name`` of this folder; wait until it is free.

        It is the kernel's lock on an open file, so it always ends with the process.
        """
        with self._lock_file(name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def secret(self, name: str, generate: Callable[[], str] = lambda: secrets.token_hex(16)) -> str:
        """Return the password or key with that name; generate it at the first call."""
        return str(self._remembered("secrets", name, lambda known: generate()))

    def port(self, name: str, preferred: int = 0) -> int:
        """Return the loopback port of ``name``; at the first call choose ``preferred`` if it is free."""
        return int(
            self._remembered("ports", name, lambda known: free_port(preferred, {int(p) for p in known.values()}))
        )

    def port_to_listen(self, name: str) -> int:
        """Return the port for a server that starts now; choose another one if something else listens on it."""
        port = self.port(name)
        if _is_free(port):
            return port
        with self.lock("settings"):
            ports = self._read("ports")
            ports[name] = free_port(0, ports.values())
            self._write("ports", ports)
        return int(ports[name])

    def _remembered(self, kind: str, name: str, make: Callable[[dict[str, Value]], str | int]) -> str | int:
        with self.lock("settings"):
            known = self._read(kind)
            if name not in known:
                known[name] = make(known)
                self._write(kind, known)
            return known[name]

    def _read(self, kind: str) -> dict[str, Value]:
        file = self.path / f"{kind}.json"
        try:
            known: dict[str, Value] = json.loads(file.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise FatalError(f"{file} is damaged ({error}): `make stop`, then delete {self.path}.") from error
        return known

    def _write(self, kind: str, values: dict[str, Value]) -> None:
        write_private(self.path / f"{kind}.json", json.dumps(values, indent=2))

    def _lock_file(self, name: str) -> Path:
        folder = self.path / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


def fernet_key() -> str:
    """Return a new key for Airflow to encrypt its connections with."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port with only closed connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int, taken: Collection[Value]) -> int:
    """Return a free loopback port that is not ``taken``: ``preferred`` if possible."""
    if preferred and preferred not in taken and _is_free(preferred):
        return preferred
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
