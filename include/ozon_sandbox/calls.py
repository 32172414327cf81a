"""One request to the sandbox, and the definition of a method."""

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
    """The input of a method; ``request`` is the decoded body, of the method's type."""

    account_name: str
    account: Account
    base_url: str
    catalogue: Catalogue
    reports: Reports
    request: Any


@dataclass(frozen=True)
class Method:
    """A method of the API. ``entries`` and ``mark`` are the paths of its page and its next mark in the answer.

    A removed method has no ``request``: its body is not read.
    """

    path: str
    request: type[Any] | None
    answer: Callable[[Call], Answer]
    entries: tuple[str, ...] = ()
    mark: tuple[str, ...] = ()

    def entries_of(self, answer: Answer) -> list[dict[str, Any]]:
        """Return the page of an answer, to change in place; empty for a method without one."""
        found: Any = answer
        for key in self.entries:
            found = found[key]
        return found if self.entries else []

    def holder_of_mark(self, answer: Answer) -> Answer:
        """Return the object that contains the mark and the totals."""
        return answer["result"] if len(self.mark) > 1 else answer
