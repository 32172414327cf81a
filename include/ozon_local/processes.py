"""Starting child processes so that they can be found again, and ending them so that none is left."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

# In the environment of Airflow and a run, with the state folder as its value. Children inherit it, so that
# one whose parent was killed is still found. (PostgreSQL and the sandbox are known by their process ids.)
MARKER = "OZON_LOCAL_PROCESS"


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal told the command to stop; like KeyboardInterrupt, no error."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.exit_code = 128 + signal_number


def raise_on_signals() -> None:
    """Let the first request to end raise `Interrupted`; later ones do not disturb the clean-up."""
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
    """This process's environment for a child that can be found again."""
    # SPT_NOENV: the process titles that Airflow sets would otherwise overwrite the environment.
    return os.environ | {MARKER: str(home), "SPT_NOENV": "1"}


def tied(command: list[str], ending: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command, sent a signal by the kernel when the process that started it dies (Linux only)."""
    if shutil.which("setpriv") is None:
        return command
    return ["setpriv", "--pdeathsig", ending.name.removeprefix("SIG"), *command]


def marked(is_ours: Callable[[Path], bool]) -> list[psutil.Process]:
    """All processes started for a state folder that ``is_ours``, without this one and its ancestors."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            home = process.environ().get(MARKER)
            if home and is_ours(Path(home)) and process.pid not in own:
                found.append(process)
    return found


def end(processes: Iterable[psutil.Process], grace_seconds: float) -> None:
    """SIGTERM to all and to their descendants, and SIGKILL to those that are still there after the grace."""
    family = set(processes)
    for process in list(family):
        with suppress(psutil.Error):
            family.update(process.children(recursive=True))
    for process in family:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_seconds)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


class ProcessFile:
    """A background process's id in a file, with a word of its command that tells it from a later namesake."""

    def __init__(self, file: Path, word: str) -> None:
        self._file = file
        self._word = word

    def record(self, process_id: int) -> None:
        self._file.write_text(str(process_id))

    def process(self) -> psutil.Process | None:
        """The process, while it runs."""
        try:
            process = psutil.Process(int(self._file.read_text()))
            is_ours = self._word in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.Error):
            return None
        return process if is_ours else None


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log file, for a message that says why something did not start."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
