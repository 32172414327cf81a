"""An HTTP server with scripted answers."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """An HTTP answer, sent after ``seconds``.

    A ``body`` other than bytes is sent as JSON; ``lost`` drops the connection ``before`` or ``within`` the body.
    """

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: str = ""
    seconds: float = 0.0

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class Asked:
    path: str
    body: Any
    headers: dict[str, str]
    arrived_at: float
    port: int
    """The client's port, which identifies the connection."""


class Server:
    """A server that sends ``answers`` in order, and repeats the last one."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer(body={})]
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        # Silent: in some tests the client does not wait for the end of an answer.
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def next_answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                arrived_at = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null"
                port = self.client_address[1]
                asked = Asked(self.path, json.loads(body), dict(self.headers.items()), arrived_at, port)
                answer = server.next_answer(asked)
                time.sleep(answer.seconds)
                if answer.lost == "before":
                    self.close_connection = True
                    return
                content = answer.content
                self.send_response(answer.status)
                headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
                for name, value in (headers | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.lost == "within":
                    content = content[: len(content) // 2]
                    self.close_connection = True
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
