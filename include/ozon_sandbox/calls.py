"""One request on its way through the sandbox, and what the methods have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.config import Account
from include.ozon_sandbox.reports import Reports

Answer = dict[str, Any]


@dataclass
class Call:
    """What a method needs to answer; ``request`` is the decoded body, of the method's type."""

    account_name: str
    account: Account
    base_url: str
    catalogue: Catalogue
    reports: Reports
    request: Any


@dataclass(frozen=True)
class Method:
    """A method of the API. ``entries`` and ``mark`` are where its page and its next mark stand in the answer.

    A removed method has no ``request``: nobody looks at its body.
    """

    path: str
    request: type[Any] | None
    answer: Callable[[Call], Answer]
    entries: tuple[str, ...] = ()
    mark: tuple[str, ...] = ()

    def entries_of(self, answer: Answer) -> list[dict[str, Any]]:
        """The page of an answer, to change in place; empty for a method without one."""
        found: Any = answer
        for key in self.entries:
            found = found[key]
        return found if self.entries else []

    def holder_of_mark(self, answer: Answer) -> Answer:
        """The object that holds the mark and the totals."""
        return answer["result"] if len(self.mark) > 1 else answer
