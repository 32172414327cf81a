"""One request for a view: who asks, for which accounts and days, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import HTMLResponse

from include.ozon.page.access import Admit, NotAllowedError, Visitor, is_from_this_page
from include.ozon.page.rendering import page
from include.ozon.page.sessions import Read, Sessions, T
from include.ozon.settings import Settings
from include.ozon.warehouse.session import Connect

DEFAULT_DAYS = 30


class NotFoundError(LookupError):
    """The address names an account, a product or a run that does not exist."""


@dataclass(frozen=True)
class Parts:
    """The parts that all requests share, kept in the application's ``state.parts``."""

    admit: Admit
    connect: Connect
    sessions: Sessions
    load_settings: Callable[[], Settings]


async def visitor(request: Request) -> Visitor:
    """Return who asks. Raises NotSignedInError or NotAllowedError."""
    parts: Parts = request.app.state.parts
    return await parts.admit(request)


async def require_editor(request: Request, visitor: Annotated[Visitor, Depends(visitor)]) -> None:
    """Raise NotAllowedError unless this page sent the request, by a visitor who may edit the DAGs."""
    if not (visitor.may_acknowledge and is_from_this_page(request)):
        raise NotAllowedError


@dataclass(frozen=True)
class View:
    """A request of a visitor who may see the page.

    ``account`` is the selected one, empty for all; ``days`` the period.
    """

    request: Request
    visitor: Visitor
    settings: Settings
    account: str
    days: int
    now: datetime

    @property
    def accounts(self) -> list[str]:
        """The selected account, or all."""
        return [self.account] if self.account else list(self.settings.accounts)

    @property
    def since(self) -> datetime:
        return self.now - timedelta(days=self.days)

    @property
    def parts(self) -> Parts:
        parts: Parts = self.request.app.state.parts
        return parts

    async def read(self, read: Read[T]) -> T:
        """Return what ``read`` reads from one snapshot of the warehouse."""
        return await self.parts.sessions.read(read)

    def page(self, template: str, **values: Any) -> HTMLResponse:
        return page(self.request, template, self.settings, self.visitor, view=self, **values)


async def view(
    request: Request,
    visitor: Annotated[Visitor, Depends(visitor)],
    account: Annotated[str, Query(max_length=40, pattern=r"^([a-z][a-z0-9_]*)?$")] = "",
    days: Annotated[int, Query(ge=1, le=366)] = DEFAULT_DAYS,
) -> View:
    """Return the request's view. Raises NotFoundError, and what `visitor` raises."""
    settings: Settings = request.state.settings
    if account and account not in settings.accounts:
        raise NotFoundError(account)
    return View(request, visitor, settings, account, days, datetime.now(tz=UTC))


InView = Annotated[View, Depends(view)]
