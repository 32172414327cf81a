"""Where Airflow's own words go while it runs in this process, and where ours go."""

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

Say = Callable[[str], None]


def log_file(folder: Path) -> Path:
    """A new log below Airflow's own, which are cleaned up together; only its owner may read it."""
    name = f"{datetime.now(tz=UTC):%Y-%m-%dT%H%M%S}-{os.getpid()}.log"
    file = folder / "ozon_run" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return file


@contextmanager
def diverted_output(file: Path | None) -> Iterator[TextIO]:
    """Have this process write to ``file``, or else to stderr, whatever it prints and logs; yields what stderr was.

    By the descriptors, because loggers keep the streams that they found. ``sys.stdout`` is as before at the end.
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
def our_log_lines(say: Say, level: int) -> Iterator[None]:
    """Show what this package logs, from ``level`` on."""
    ours = logging.getLogger("ozon")
    handler = _Lines(say)
    handler.setLevel(level)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


def _log_all() -> None:
    """As much as Airflow logs of its own tasks; what is shown of it is another matter."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.setLevel(logging.NOTSET)
    for logger in (root, *map(logging.getLogger, ("airflow", "ozon"))):
        logger.setLevel(logging.INFO)


class _Lines(logging.Handler):
    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname}: "
            self._say(level + record.getMessage())
        except Exception:
            self.handleError(record)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
