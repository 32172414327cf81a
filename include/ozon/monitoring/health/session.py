"""The warehouse as an area's checks ask it: one session, its errors in our own sentences, no waiting twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from include.ozon.monitoring.health.checks import HealthContext

if TYPE_CHECKING:
    from include.ozon.warehouse.session import Connection

Row = tuple[Any, ...]


class WarehouseSession:
    """A warehouse that could not be connected to is not tried again: each check would wait for the time-out."""

    def __init__(self, context: HealthContext) -> None:
        self._context = context
        self._failure: Exception | None = None

    def connection(self) -> Connection:
        """The session that all checks of the area share. Raises as `open_session` does."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._context.connection()
        except Exception as error:
            self._failure = error
            raise

    def rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        from include.ozon.warehouse.session import translated_errors

        connection = self.connection()
        with translated_errors():
            return connection.execute(query, parameters).fetchall()

    def row(self, query: LiteralString, **parameters: object) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(query, **parameters)), None)
