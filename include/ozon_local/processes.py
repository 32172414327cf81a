"""Child processes: marked so that they can be found again, and ended with all their descendants."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

# A variable of Airflow and of a run, with the state folder as its value. Children inherit it, so that they can be found
# even if their parent was killed. (PostgreSQL and the sandbox are identified by their process ids.)
MARKER = "OZON_LOCAL_PROCESS"


class Interrupted(KeyboardInterrupt):
    """The command was interrupted by Ctrl-C, SIGTERM or a closed terminal.

    It is a ``KeyboardInterrupt``, because psycopg cancels the running statement only for that exception.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


def raise_on_signals() -> None:
    """Make the first signal raise `Interrupted`, and ignore later ones, so that the clean-up can finish."""
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it on purpose
        ending.append(signal.SIGHUP)

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        for each in ending:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(signal_number)

    for each in ending:
        signal.signal(each, interrupt)


def child_environment(home: Path) -> dict[str, str]:
    """Return this process's environment with the marker, for a child process."""
    # SPT_NOENV: the process titles that Airflow sets would otherwise overwrite the environment.
    return os.environ | {MARKER: str(home), "SPT_NOENV": "1"}


def tied(command: list[str], ending: signal.Signals = signal.SIGTERM) -> list[str]:
    """Return the command, to which the kernel sends a signal when its parent process dies (Linux only)."""
    if shutil.which("setpriv") is None:
        return command
    return ["setpriv", "--pdeathsig", ending.name.removeprefix("SIG"), *command]


def marked(is_ours: Callable[[Path], bool]) -> list[psutil.Process]:
    """Return all processes of a state folder that ``is_ours``, without this one and its ancestors."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            home = process.environ().get(MARKER)
            if home and is_ours(Path(home)) and process.pid not in own:
                found.append(process)
    return found


def end(processes: Iterable[psutil.Process], grace_seconds: float) -> None:
    """Send SIGTERM to all and their descendants, and SIGKILL to those that still run after the grace period."""
    tree = set(processes)
    for process in list(tree):
        with suppress(psutil.Error):
            tree.update(process.children(recursive=True))
    for process in tree:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(tree, timeout=grace_seconds)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


class ProcessFile:
    """A file with a background process's id; ``word`` of its command line detects that the id was reused."""

    def __init__(self, file: Path, word: str) -> None:
        self._file = file
        self._word = word

    def record(self, process_id: int) -> None:
        self._file.write_text(str(process_id))

    def process(self) -> psutil.Process | None:
        """Return the process while it is running."""
        try:
            process = psutil.Process(int(self._file.read_text()))
            is_ours = self._word in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return process if is_ours else None


def tail(log: Path, lines: int = 15) -> str:
    """Return the end of a log file, for an error message."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
