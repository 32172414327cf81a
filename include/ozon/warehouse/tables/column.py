"""What a table of the warehouse consists of: staging, COPY, comparison, merge and comments follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, LiteralString


@dataclass(frozen=True)
class Column:
    """One column, with its type in PostgreSQL and a sentence on what it means.

    ``source`` gives its value, from what ``COPY`` stages a row of; a column without one is not staged. ``merged`` is
    the SQL that makes the value of the staged rows; by default it is the staged column, ``s`` for short. A column that
    has either is loaded: the merge compares it with the warehouse and writes it where it differs. ``keeps_known`` says
    that null stands for not known, so that what the warehouse has stays.
    """

    name: LiteralString
    type: LiteralString
    comment: str
    source: Callable[[Any], object] | None = None
    merged: LiteralString | None = None
    keeps_known: bool = False

    @property
    def is_loaded(self) -> bool:
        return self.source is not None or self.merged is not None


@dataclass(frozen=True)
class Table:
    """A table of the schema ``ozon``, and what one row of it is. ``key`` are the columns that tell its rows apart."""

    name: LiteralString
    comment: str
    columns: tuple[Column, ...]
    key: tuple[LiteralString, ...] = ()

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of its staging table."""
        return tuple(column for column in self.columns if column.source)

    @property
    def loaded(self) -> tuple[Column, ...]:
        """What the merge compares and writes, besides the key."""
        return tuple(column for column in self.columns if column.is_loaded and column.name not in self.key)


ACCOUNT = Column("account", "text", "The account, by its name in the configuration.")
PRODUCT_ID = Column("product_id", "bigint", "Ozon's id of the product.")
CHANGED_BY = Column(
    "workflow_id", "text", "The workflow that last changed the row; `etl_workflow_executions` tells about it."
)


def names(columns: Iterable[Column], alias: LiteralString = "") -> LiteralString:
    """The columns' names, such as ``s.price, s.name`` with the alias ``s.``."""
    return ", ".join(alias + column.name for column in columns)


def definitions(columns: Iterable[Column]) -> LiteralString:
    """The columns of a staging table."""
    return ", ".join(f"{column.name} {column.type}" for column in columns)


def merged(columns: Iterable[Column]) -> LiteralString:
    """What staged rows ``s`` become, as the columns of a SELECT."""
    return ",\n    ".join(f"{column.merged or f's.{column.name}'} AS {column.name}" for column in columns)


def differ(columns: Iterable[Column], new: LiteralString, known: LiteralString) -> LiteralString:
    """The condition that a row of ``new`` differs from the one of ``known``; both are aliases."""
    columns = tuple(columns)
    values = ", ".join(_written(column, new, known) for column in columns)
    return f"({names(columns, f'{known}.')}) IS DISTINCT FROM ({values})"


def assignments(columns: Iterable[Column], new: LiteralString, known: LiteralString) -> LiteralString:
    """What an UPDATE of ``known`` sets from ``new``."""
    return ",\n    ".join(f"{column.name} = {_written(column, new, known)}" for column in columns)


def _written(column: Column, new: LiteralString, known: LiteralString) -> LiteralString:
    value: LiteralString = f"{new}.{column.name}"
    return f"coalesce({value}, {known}.{column.name})" if column.keeps_known else value
