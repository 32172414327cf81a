"""The warehouse as an area's checks ask it: one session, and its errors in our own sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from include.ozon.monitoring.health.checks import HealthContext

if TYPE_CHECKING:
    from include.ozon.warehouse.session import Connection

Row = tuple[Any, ...]


class WarehouseSession:
    """The queries of an area's checks."""

    def __init__(self, context: HealthContext) -> None:
        self._context = context

    def connection(self) -> Connection:
        """The session that all checks of the area share. Raises as `open_session` does."""
        return self._context.connection()

    def rows(self, query: LiteralString, **parameters: object) -> list[Row]:
        from include.ozon.warehouse.session import translated_errors

        connection = self.connection()
        with translated_errors():
            return connection.execute(query, parameters).fetchall()

    def row(self, query: LiteralString, **parameters: object) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(query, **parameters)), None)
