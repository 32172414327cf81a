"""The mail catcher: an SMTP server that keeps every mail in a folder instead of delivering it.

``python -m include.ozon_local.mail --folder MAILDIR --port PORT --ready-file FILE`` runs it in the foreground.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from include.ozon.files import write_private
from include.ozon_local.background import BackgroundServer
from include.ozon_local.connections import smtp_connection
from include.ozon_local.home import LOOPBACK, LocalHome

CONNECTION = "AIRFLOW_CONN_SMTP_DEFAULT"


class MailCatcher:
    """The mail catcher in the background; its mails are in a Maildir below ``home``."""

    def __init__(self, home: Path) -> None:
        self._home = LocalHome(home)
        self.inbox = self._home.path / "mail" / "inbox"
        self._server = BackgroundServer("mail", self._home, word=str(self.inbox))

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._home.port('mail')}"

    def connection(self) -> str:
        """Return Airflow's connection ``smtp_default`` to this server."""
        return smtp_connection(LOOPBACK, self._home.port("mail"))

    def start(self) -> None:
        """Start it unless it is running. Raises `FatalError` if it does not start."""
        with self._home.lock("mail"):
            if self.is_running():
                return
            port = self._home.port_to_listen("mail")
            command = [sys.executable, "-m", __name__, "--folder", str(self.inbox), "--port", str(port)]
            self._server.start([*command, "--ready-file", str(self._server.ready_file)])

    def stop(self) -> None:
        with self._home.lock("mail"):
            self._server.stop()

    def is_running(self) -> bool:
        return self._server.is_running()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    ending = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # before the server's thread, which inherits it
    # With a fixed name: otherwise the server looks up this machine's name in the DNS for each mail.
    catcher = Controller(
        Mailbox(arguments.folder), hostname=LOOPBACK, port=arguments.port, server_hostname="mail-catcher.local"
    )
    catcher.start()
    write_private(arguments.ready_file, json.dumps({"port": arguments.port}))
    signal.sigwait(ending)
    catcher.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
