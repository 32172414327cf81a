"""This package's one block in a crontab.

A crontab is bytes: nobody promises that it is UTF-8, or ends all lines alike.
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
# A name cannot begin with any of these, a job has to; the last one is cronie's.
_FIRST_OF_A_JOB = b"0123456789*@-"


@dataclass(frozen=True)
class Block:
    """Where a block begins and ends, in bytes, its markers and their line's end included."""

    folder: bytes
    start: int
    end: int


def begin_marker(folder: bytes) -> bytes:
    """``folder`` is the project's: each clone on a machine has a block of its own."""
    return b"# >>> ozon-etl " + folder + b" >>>"


def end_marker(folder: bytes) -> bytes:
    return b"# <<< ozon-etl " + folder + b" <<<"


def find_blocks(crontab: bytes) -> list[Block]:
    """The blocks of all clones. Raises FatalError where it cannot be told what is in a block and what is not."""
    blocks: list[Block] = []
    opened: tuple[bytes, int, int] | None = None
    for number, start, line in _lines(crontab):
        if not _LIKE_A_MARKER.match(line):
            continue
        marker = _MARKER.fullmatch(line.rstrip(b"\r\n"))
        if marker is None or marker[1] != marker[3]:
            raise _damaged(f"line {number} is no whole marker")
        folder, is_begin = marker[2], marker[1] == b">>>"
        if is_begin and opened:
            raise _damaged(f"a block begins in line {number} before the one of line {opened[2]} has ended")
        if is_begin and any(block.folder == folder for block in blocks):
            raise _damaged(f"the block that begins in line {number} is there a second time")
        if is_begin:
            opened = folder, start, number
        elif opened is None or opened[0] != folder:
            raise _damaged(f"a block ends in line {number} that has not begun")
        else:
            blocks.append(Block(folder, opened[1], start + len(line)))
            opened = None
    if opened:
        raise _damaged(f"the block that begins in line {opened[2]} has no end")
    return blocks


def find_block(crontab: bytes, folder: bytes) -> Block | None:
    return next((block for block in find_blocks(crontab) if block.folder == folder), None)


def with_block(crontab: bytes, folder: bytes, block: bytes) -> bytes:
    """The crontab with this block: in its old place, or at the end; all else stays as it is.

    Before the first line that sets CRON_TZ, though: where cron knows that, it moves the hours of all lines below. A
    last line without an end gets one.
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
    """Comment out the jobs that match, and say how many. Blocks, comments and variables are never touched."""
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
    """Jobs outside of the blocks of this package."""
    blocks = find_blocks(crontab)
    return sum(_is_foreign_job(start, line, blocks) for _, start, line in _lines(crontab))


def _is_foreign_job(start: int, line: bytes, blocks: list[Block]) -> bool:
    is_job = line.lstrip()[:1] in [bytes([first]) for first in _FIRST_OF_A_JOB]
    return is_job and not any(block.start <= start < block.end for block in blocks)


def _lines(crontab: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, first byte and text of each line. Only LF ends a line: cron takes CR for a part of it."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", crontab)
    starts = accumulate((len(line) for line in lines), initial=0)
    return zip(range(1, len(lines) + 1), starts, lines, strict=False)


def _damaged(what: str) -> FatalError:
    return FatalError(
        f"The markers of this package in the crontab are damaged: {what}. "
        "Mend or delete these lines with `crontab -e`, or bring a backup back with `ozon schedule restore`."
    )
