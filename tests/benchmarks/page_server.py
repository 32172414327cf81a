"""A server of a rendered catalogue on a loopback port, with minimal work for each answer.

The base URL selects state and latency: ``http://127.0.0.1:<port>/<state>/<latency in ms>``. Concurrent requests wait
in parallel. ``python -m tests.benchmarks.page_server SIZE`` prints one line of JSON when it is ready.
"""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from include.ozon_local.processes import tied
from tests.benchmarks.catalogue import PAGE_SIZE, RenderedCatalogue


class _Filter(msgspec.Struct):
    visibility: str


class _ListRequest(msgspec.Struct):
    filter: _Filter
    last_id: str
    limit: int


class _DetailsRequest(msgspec.Struct):
    product_id: list[int]


class _Connection(socketserver.StreamRequestHandler):
    """A client's connection, kept alive for all of its requests; a malformed request ends it."""

    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        while request_line := self.rfile.readline():
            path = request_line.split()[1].decode()
            content = self.rfile.read(self._content_length())
            _, state, latency_ms, method = path.split("/", 3)
            time.sleep(int(latency_ms) / 1000)
            answer = self._answer(state, method, content)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)

    def _content_length(self) -> int:
        length = 0
        while (header := self.rfile.readline()) not in {b"\r\n", b""}:
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    def _answer(self, state: str, method: str, content: bytes) -> bytes:
        catalogue = self.server.catalogue
        if method == "v3/product/info/list":
            return catalogue.details(state, msgspec.json.decode(content, type=_DetailsRequest).product_id)
        request = msgspec.json.decode(content, type=_ListRequest)
        if request.limit != PAGE_SIZE:
            raise ValueError(f"pages are rendered for a limit of {PAGE_SIZE}, got {request.limit}")
        return catalogue.page(request.filter.visibility, request.last_id)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, catalogue: RenderedCatalogue) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.catalogue = catalogue


@dataclass(frozen=True)
class PageServer:
    """A running server. ``page_counts`` are the lists' pages, by visibility."""

    port: int
    page_counts: dict[str, int]
    item_bytes: int

    def base_url(self, state: str, latency_ms: int) -> str:
        return f"http://127.0.0.1:{self.port}/{state}/{latency_ms}"


@contextmanager
def serving(size: int) -> Iterator[PageServer]:
    """Yield a server of ``size`` rendered products in its own process."""
    command = tied([sys.executable, "-m", "tests.benchmarks.page_server", str(size)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if not ready:
                raise RuntimeError(f"the page server ended with exit code {process.wait()}")
            yield PageServer(**json.loads(ready))
        finally:
            process.terminate()


def main() -> None:
    catalogue = RenderedCatalogue(int(sys.argv[1]))
    with _Server(catalogue) as server:
        ready = PageServer(server.server_address[1], catalogue.page_counts, catalogue.item_bytes)
        print(json.dumps(vars(ready)), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
