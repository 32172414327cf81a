"""The size of a folder, measured within a time limit."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 200_000
MOST_SECONDS = 1.0


@dataclass(frozen=True)
class TreeSize:
    """Number and size of the files in a folder; a minimum unless ``is_complete``.

    ``byte_count`` is the space on the disk: a log that was truncated while it is written has holes.
    """

    file_count: int
    byte_count: int
    is_complete: bool


def measure_tree(folder: Path, *, most_files: int = MOST_FILES, most_seconds: float = MOST_SECONDS) -> TreeSize:
    """Measure a folder without following links. A missing folder has no files.

    Raise OSError if ``folder`` cannot be read. Entries below it that vanish meanwhile or cannot be read are skipped.
    """
    file_count = byte_count = 0
    give_up_at = time.monotonic() + most_seconds
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        try:
            entries = os.scandir(place)
        except FileNotFoundError:
            continue
        except OSError:
            if place == str(folder):
                raise
            continue
        with entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        continue
                    size = entry.stat(follow_symlinks=False).st_blocks * 512
                except OSError:
                    continue
                file_count += 1
                byte_count += size
                if file_count >= most_files or time.monotonic() > give_up_at:
                    return TreeSize(file_count, byte_count, is_complete=False)
    return TreeSize(file_count, byte_count, is_complete=True)
