"""A TCP proxy on the loopback address that delays, cuts and silences what passes through it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from include.ozon_local.home import LOOPBACK

Direction = Literal["up", "down"]
"""``up`` is from the client to the server."""
_CHUNK_BYTES = 16_384
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER without a wait: the close sends RST


@dataclass(frozen=True)
class Disturbance:
    """A change to the bytes of one direction, from byte ``after_bytes`` of all connections together.

    ``reset`` and ``close`` end the connection there, once; ``silence`` passes nothing on any more until the disturbance
    ends, as a peer behind a broken router does; ``slow`` waits ``seconds`` before each chunk.
    """

    kind: Literal["reset", "close", "silence", "slow"]
    direction: Direction = "down"
    after_bytes: int = 0
    seconds: float = 0.0


class TcpProxy:
    """Passes connections on to ``target``, a port that may change while it runs."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._disturbance: Disturbance | None = None
        self._passed = {"up": 0, "down": 0}
        self.has_disturbed = False
        """The newest disturbance has changed something."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = socket.create_server((LOOPBACK, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def disturbed(self, disturbance: Disturbance) -> Iterator[None]:
        """Disturb inside of the block; a silenced connection is reset at its end."""
        with self._lock:
            self._passed = {"up": 0, "down": 0}
            self.has_disturbed = False
            self._ended = threading.Event()
            self._disturbance = disturbance
        try:
            yield
        finally:
            self._disturbance = None
            self._ended.set()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                try:
                    server = socket.create_connection((LOOPBACK, self.target), timeout=5)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                for source, sink, direction in ((client, server, "up"), (server, client, "down")):
                    threading.Thread(target=self._pass_on, args=(source, sink, direction), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        ends = (source, sink)
        with suppress(OSError):
            while chunk := source.recv(_CHUNK_BYTES):
                allowed, is_reset = self._allowed(direction, len(chunk))
                sink.sendall(chunk[:allowed])
                if allowed < len(chunk):
                    for end in ends if is_reset else ():
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
        for end in ends:
            # Wakes the thread of the other direction, which would keep the connection open.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RD)
            end.close()

    def _allowed(self, direction: Direction, count: int) -> tuple[int, bool]:
        """Return how many of the bytes may pass, and whether the connection is reset when it is not all."""
        disturbance, ended = self._disturbance, self._ended
        if disturbance is None or disturbance.direction != direction:
            return count, False
        with self._lock:
            before = self._passed[direction]
            self._passed[direction] += count
        left = disturbance.after_bytes - before
        if left >= count:
            return count, False
        self.has_disturbed = True
        if disturbance.kind == "slow":
            ended.wait(disturbance.seconds)
            return count, False
        if disturbance.kind == "silence":
            ended.wait()
            return 0, True
        has_happened = left < 0
        return (count, False) if has_happened else (left, disturbance.kind == "reset")
