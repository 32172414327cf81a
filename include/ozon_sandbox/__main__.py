"""The sandbox's server on loopback, until SIGTERM or SIGINT: ``python -m include.ozon_sandbox``.

The admin address has no sign-in and allows everything. So another address than loopback needs two options, ``--host``
and ``--any-address``. They are for a container, whose loopback address is not reachable from outside, in a network that
contains only the same project.

The exit code is 2, with one sentence on stderr, if it cannot start.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from include.ozon_sandbox import config
from include.ozon_sandbox.app import create_app
from include.ozon_sandbox.errors import SandboxConfigurationError
from include.ozon_sandbox.sandbox import Sandbox

# Running requests, for example faults that wait for minutes, are cut off after this time.
_GRACE_SECONDS = 1
_WAITING_CONNECTIONS = 512


class _Server(uvicorn.Server):
    """A server that writes the ready file once it accepts connections."""

    def __init__(self, settings: uvicorn.Config, ready_file: Path | None) -> None:
        super().__init__(settings)
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready_file is not None and sockets:
            ready = {"port": sockets[0].getsockname()[1], "pid": os.getpid()}
            draft = self._ready_file.with_name(f"{self._ready_file.name}.{os.getpid()}")
            draft.write_text(json.dumps(ready))
            draft.replace(self._ready_file)


def _listening_socket(host: str, port: int, any_address: bool) -> socket.socket:
    """Open the socket. Raises SandboxConfigurationError for an address that is not allowed or not free."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise SandboxConfigurationError(f"--host: expected an address such as 127.0.0.1, found {host!r}.") from None
    if not (address.is_loopback or any_address):
        raise SandboxConfigurationError(
            f"--host: expected a loopback address such as 127.0.0.1, found {host!r}: the admin address has no sign-in. "
            "In a container whose network contains only this project, add --any-address."
        )
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_WAITING_CONNECTIONS)
    except (OSError, OverflowError) as error:
        listening.close()
        raise SandboxConfigurationError(f"Port {port} on {host} cannot be used: {error}.") from error
    return listening


def _serve(arguments: argparse.Namespace) -> None:
    sandbox = Sandbox(config.read(arguments.config))
    with _listening_socket(arguments.host, arguments.port, arguments.any_address) as listening:
        settings = uvicorn.Config(
            create_app(sandbox),
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            timeout_keep_alive=60,
        )
        _Server(settings, arguments.ready_file).run(sockets=[listening])


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m include.ozon_sandbox", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the JSON configuration")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--any-address", action="store_true", help="in a container: allow another --host than loopback")
    parser.add_argument("--port", type=int, default=0, help="0, the default, means any free one")
    parser.add_argument("--ready-file", type=Path, help="the file to write the port and the process id to")
    arguments = parser.parse_args()
    # uvicorn raises the signal again after its shutdown, for the previous handler.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        _serve(arguments)
    except SandboxConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
