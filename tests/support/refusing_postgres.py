"""A PostgreSQL server that refuses every session with a given error."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from include.ozon_local.home import LOOPBACK

# libpq asks for encryption first; a server without it answers with one letter.
_ENCRYPTION_REQUESTS = {80877103, 80877104}


@contextmanager
def refusing_server(message: str, sqlstate: str, encoding: str = "utf-8") -> Iterator[str]:
    """Yield the DSN of a server that refuses each session with this error; its severity is in Russian."""
    fields = {"S": "ВАЖНО", "V": "FATAL", "C": sqlstate, "M": message}
    body = b"".join(f"{name}{value}\0".encode(encoding) for name, value in fields.items()) + b"\0"
    answer = b"E" + struct.pack("!I", len(body) + 4) + body
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_refuse_all, args=(server, answer), daemon=True).start()
        yield f"postgresql://ozon:secret@{LOOPBACK}:{server.getsockname()[1]}/ozon_warehouse"
        # Wakes the thread, which waits in accept().
        server.shutdown(socket.SHUT_RDWR)


def _refuse_all(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client, client.makefile("rb") as stream:
            while _request_code(stream.read(8)) in _ENCRYPTION_REQUESTS:
                client.sendall(b"N")
            client.sendall(answer)


def _request_code(head: bytes) -> int:
    return int(struct.unpack("!II", head)[1]) if len(head) == 8 else 0
