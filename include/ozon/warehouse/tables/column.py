"""The definition of tables and columns, from which staging, COPY, comparison, merge and comments are derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, LiteralString


@dataclass(frozen=True)
class Column:
    """One column, with its type in PostgreSQL and a comment.

    ``source`` returns its value in the row that ``COPY`` stages; a column without a source is not staged. ``merged`` is
    the SQL expression of its value over the staged rows ``s``, by default the staged column. A column with either is
    loaded: the merge compares it with the warehouse and writes the differences. ``keeps_known`` means that null stands
    for unknown and does not overwrite the warehouse's value.
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
    """A table or view. ``comment`` defines a row; ``key`` are the columns that identify it."""

    name: LiteralString
    comment: str
    columns: tuple[Column, ...]
    key: tuple[LiteralString, ...] = ()
    schema: LiteralString = "ozon"

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of its staging table."""
        return tuple(column for column in self.columns if column.source)

    @property
    def loaded(self) -> tuple[Column, ...]:
        """The columns that the merge compares and writes, without the key."""
        return tuple(column for column in self.columns if column.is_loaded and column.name not in self.key)


ACCOUNT = Column("account", "text", "The account, by its name in the configuration.")
PRODUCT_ID = Column("product_id", "bigint", "Ozon's id of the product.")
CHANGED_BY = Column("workflow_id", "text", "The workflow that last changed the row; see `etl_workflow_executions`.")


def names(columns: Iterable[Column], alias: LiteralString = "") -> LiteralString:
    """Return the columns' names, for example ``s.price, s.name`` with the alias ``s.``."""
    return ", ".join(alias + column.name for column in columns)


def definitions(columns: Iterable[Column]) -> LiteralString:
    """Return the column definitions of a staging table."""
    return ", ".join(f"{column.name} {column.type}" for column in columns)


def merged(columns: Iterable[Column]) -> LiteralString:
    """Return the values of the staged rows ``s``, as the columns of a SELECT."""
    return ",\n    ".join(f"{column.merged or f's.{column.name}'} AS {column.name}" for column in columns)


def differ(columns: Iterable[Column], new: LiteralString, known: LiteralString) -> LiteralString:
    """Return the condition that a row of ``new`` differs from that of ``known``; both are aliases."""
    columns = tuple(columns)
    values = ", ".join(_written(column, new, known) for column in columns)
    return f"({names(columns, f'{known}.')}) IS DISTINCT FROM ({values})"


def assignments(columns: Iterable[Column], new: LiteralString, known: LiteralString) -> LiteralString:
    """Return the assignments of an UPDATE of ``known`` from ``new``."""
    return ",\n    ".join(f"{column.name} = {_written(column, new, known)}" for column in columns)


def _written(column: Column, new: LiteralString, known: LiteralString) -> LiteralString:
    value: LiteralString = f"{new}.{column.name}"
    return f"coalesce({value}, {known}.{column.name})" if column.keeps_known else value
