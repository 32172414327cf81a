"""Logs of a run in this process: Airflow's go to a file, and ours are shown."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from include.ozon.cli.common import set_up_logging
from include.ozon.maintenance.logs import RUNS_FOLDER

PrintLine = Callable[[str], None]


def log_file(folder: Path) -> Path:
    """Create a log in Airflow's log folder, which maintenance cleans up; only its owner may read it."""
    name = f"{datetime.now(tz=UTC):%Y-%m-%dT%H%M%S}-{os.getpid()}.log"
    file = folder / RUNS_FOLDER / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return file


@contextmanager
def diverted_output(file: Path | None) -> Iterator[TextIO]:
    """Redirect all output and logs of this process to ``file``, or without one to stderr; yield the former stderr.

    The file descriptors are redirected, because loggers keep the streams they were created with. They are restored at
    the end.
    """
    with os.fdopen(os.dup(2), "w", buffering=1) as stderr:
        saved = os.dup(1)
        target = os.open(file, os.O_WRONLY | os.O_APPEND) if file else os.dup(2)
        _flush()
        for descriptor in (1, 2):
            os.dup2(target, descriptor)
        os.close(target)
        _log_all()
        try:
            yield stderr
        finally:
            _flush()
            os.dup2(saved, 1)
            os.dup2(stderr.fileno(), 2)
            os.close(saved)
            set_up_logging()


@contextmanager
def our_log_lines(print_line: PrintLine, level: int) -> Iterator[None]:
    """Print the log records of this package from ``level`` on."""
    ours = logging.getLogger("ozon")
    handler = _Lines(print_line)
    handler.setLevel(level)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


def _log_all() -> None:
    """Set the log levels that Airflow uses for its own tasks."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.setLevel(logging.NOTSET)
    for logger in (root, *map(logging.getLogger, ("airflow", "ozon"))):
        logger.setLevel(logging.INFO)


class _Lines(logging.Handler):
    def __init__(self, print_line: PrintLine) -> None:
        super().__init__()
        self._print_line = print_line

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname}: "
            self._print_line(level + record.getMessage())
        except Exception:
            self.handleError(record)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
