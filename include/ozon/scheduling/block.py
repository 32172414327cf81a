"""This package's block in a crontab.

A crontab is handled as bytes: it may not be UTF-8, and its line ends may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from include.ozon.errors import FatalError

_MARKER = re.compile(rb"# (>>>|<<<) ozon-etl (.+) (>>>|<<<)")
_LIKE_A_MARKER = re.compile(rb"[\s#]*#\s*(>>>|<<<)\s*ozon-etl")
_SETS_ZONE = re.compile(rb"""\s*["']?CRON_TZ["']?\s*=""")
# A job begins with one of these, a variable's name never does; the last one is cronie's.
_FIRST_OF_A_JOB = b"0123456789*@-"


@dataclass(frozen=True)
class Block:
    """The position of a block in bytes, including its markers and their line ends."""

    folder: bytes
    start: int
    end: int


def begin_marker(folder: bytes) -> bytes:
    """Return the first line; ``folder`` is the project's, because each clone on a machine has its own block."""
    return b"# >>> ozon-etl " + folder + b" >>>"


def end_marker(folder: bytes) -> bytes:
    return b"# <<< ozon-etl " + folder + b" <<<"


def find_blocks(crontab: bytes) -> list[Block]:
    """Return the blocks of all clones. Raises FatalError if the markers are damaged."""
    blocks: list[Block] = []
    opened: tuple[bytes, int, int] | None = None
    for number, start, line in _lines(crontab):
        if not _LIKE_A_MARKER.match(line):
            continue
        marker = _MARKER.fullmatch(line.rstrip(b"\r\n"))
        if marker is None or marker[1] != marker[3]:
            raise _damaged(f"line {number} is not a complete marker")
        folder, is_begin = marker[2], marker[1] == b">>>"
        if is_begin and opened:
            raise _damaged(f"a block begins in line {number} before the block of line {opened[2]} has ended")
        if is_begin and any(block.folder == folder for block in blocks):
            raise _damaged(f"the block that begins in line {number} is a duplicate")
        if is_begin:
            opened = folder, start, number
        elif opened is None or opened[0] != folder:
            raise _damaged(f"the block that ends in line {number} has no beginning")
        else:
            blocks.append(Block(folder, opened[1], start + len(line)))
            opened = None
    if opened:
        raise _damaged(f"the block that begins in line {opened[2]} has no end")
    return blocks


def find_block(crontab: bytes, folder: bytes) -> Block | None:
    return next((block for block in find_blocks(crontab) if block.folder == folder), None)


def with_block(crontab: bytes, folder: bytes, block: bytes) -> bytes:
    """Return the crontab with this block in its old place or at the end; everything else stays unchanged.

    The block is always above the first line that sets CRON_TZ: if cron supports that, it shifts the hours of all lines
    below. A last line without a line end gets one.
    """
    found = find_block(crontab, folder)
    rest = without_block(crontab, folder)
    place = found.start if found else len(rest)
    zones = [start for _, start, line in _lines(rest) if _SETS_ZONE.match(line)]
    place = min([place, *zones])
    # Not into another clone's block.
    place = next((other.end for other in find_blocks(rest) if other.start < place < other.end), place)
    before, after = rest[:place], rest[place:]
    if before and not before.endswith(b"\n"):
        before += b"\n"
    return before + block + after


def without_block(crontab: bytes, folder: bytes) -> bytes:
    found = find_block(crontab, folder)
    return crontab[: found.start] + crontab[found.end :] if found else crontab


def adopt(crontab: bytes, pattern: re.Pattern[bytes], now: datetime) -> tuple[bytes, int]:
    """Comment out the matching jobs and return their number; blocks, comments and variables are never changed."""
    blocks = find_blocks(crontab)
    note = f"# Commented out by ozon-etl at {now:%Y-%m-%dT%H:%M:%SZ}: ".encode()
    lines = []
    adopted = 0
    for _, start, line in _lines(crontab):
        is_match = _is_foreign_job(start, line, blocks) and pattern.search(line.rstrip(b"\r\n"))
        adopted += bool(is_match)
        lines.append(note + line if is_match else line)
    return b"".join(lines), adopted


def count_foreign_jobs(crontab: bytes) -> int:
    """Return the number of jobs outside of this package's blocks."""
    blocks = find_blocks(crontab)
    return sum(_is_foreign_job(start, line, blocks) for _, start, line in _lines(crontab))


def _is_foreign_job(start: int, line: bytes, blocks: list[Block]) -> bool:
    is_job = line.lstrip()[:1] in [bytes([first]) for first in _FIRST_OF_A_JOB]
    return is_job and not any(block.start <= start < block.end for block in blocks)


def _lines(crontab: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, first byte and text of each line. Only LF ends a line: for cron a CR is part of it."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", crontab)
    starts = accumulate((len(line) for line in lines), initial=0)
    return zip(range(1, len(lines) + 1), starts, lines, strict=False)


def _damaged(what: str) -> FatalError:
    return FatalError(
        f"The markers of this package in the crontab are damaged: {what}. "
        "Fix or delete these lines with `crontab -e`, or restore a backup with `ozon schedule restore`."
    )
