r"""PostgreSQL's text format of COPY: one line a row, tabs between the columns, ``\N`` for null.

The worker threads create the lines, so that the only thread that writes to PostgreSQL just passes them on. Values must
not contain NUL characters or lone surrogates; the marketplace's answers are checked for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from include.ozon.warehouse.tables.column import Column

NULL = r"\N"

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def text(value: str) -> str:
    """Return the value of a text column."""
    # Few values need escaping, and checking is many times cheaper than translating.
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def text_array(values: Sequence[str]) -> str:
    """Return the value of a column of type text[]."""
    if not values:
        return "{}"
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return text('{"' + '","'.join(quoted) + '"}')


def integer_array(values: Sequence[int]) -> str:
    """Return the value of a column of type bigint[]."""
    return "{" + ",".join(map(str, values)) + "}"


def boolean(value: bool | None) -> str:
    """Return the value of a boolean column; a missing value is false."""
    return "t" if value else "f"


def optional(value: str | int | float | None) -> str:
    """Return a number, a price or a moment as Ozon sent it; null for a missing or empty one."""
    return NULL if value is None or value == "" else str(value)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "text": text,
    "text[]": text_array,
    "bigint[]": integer_array,
    "boolean": boolean,
    "bigint": optional,
    "integer": optional,
    "numeric": optional,
    "timestamptz": optional,
}


def writer_of(columns: Iterable[Column]) -> Callable[[Iterable[Any]], bytes]:
    """Return a function that converts entries into lines, with the columns' sources."""
    parts = [(_WRITERS[column.type], column.source) for column in columns if column.source]

    def write(entries: Iterable[Any]) -> bytes:
        lines = ["\t".join([text_of(source(entry)) for text_of, source in parts]) for entry in entries]
        return "".join(f"{line}\n" for line in lines).encode()

    return write
