"""The opaque marks between pages: ``last_id`` and ``cursor``.

A position is the start of the next page in the order of creation, so that products which appear or disappear between
two requests shift the pages as they do at Ozon.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass

from include.ozon_sandbox.errors import bad_request


@dataclass(frozen=True)
class Position:
    """The start of a page; ``note`` distinguishes marks of the same place, for the faults that need it."""

    index: int = 0
    note: str = ""

    def mark(self) -> str:
        return b64encode(f"{self.index}|{self.note}".encode()).decode()


def position_of(mark: str) -> Position:
    """Return the position of a client's mark; the start for an empty one, HTTP 400 for an invalid one."""
    if not mark:
        return Position()
    try:
        index, bar, note = b64decode(mark, validate=True).decode().partition("|")
    except (binascii.Error, ValueError) as error:
        raise bad_request() from error
    if not bar or not (index.isascii() and index.isdigit()):
        raise bad_request()
    return Position(int(index), note)
