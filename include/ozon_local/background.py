"""Servers in the background, which outlive the process that started them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from include.ozon.errors import FatalError
from include.ozon_local import processes
from include.ozon_local.home import ROOT, LocalHome

START_SECONDS = 30
STOP_SECONDS = 10


class BackgroundServer:
    """A program that writes ``ready.json`` into its folder once it is ready; ``word`` identifies its command line."""

    def __init__(self, name: str, home: LocalHome, word: str) -> None:
        self._name = name
        self._home = home
        self.folder = home.path / name
        self.ready_file = self.folder / "ready.json"
        self._process = processes.ProcessFile(self.folder / "process_id", word=word)
        self._log = home.logs / f"{name}.log"

    def is_running(self) -> bool:
        return self._process.process() is not None and self.ready_file.exists()

    def start(self, command: Sequence[str]) -> None:
        """Start it and wait until it is ready.

        Raises `FatalError` with the end of its log if it does not start.
        """
        try:
            self._launch(command)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        process = self._process.process()
        if process is not None:
            processes.end([process], STOP_SECONDS)

    def _launch(self, command: Sequence[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        self._home.logs.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._process.record(server.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready_file.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise FatalError(
                    f"The {self._name} server did not start. The end of {self._log}:\n{processes.tail(self._log)}"
                )
            time.sleep(0.05)
