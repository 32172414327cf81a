"""Faults of paging: pages that repeat, lists that loop, end early, or count wrongly."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from include.ozon_sandbox import errors
from include.ozon_sandbox.calls import Answer, Call, Method
from include.ozon_sandbox.cursors import Position, position_of
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.faults.values import is_hit
from include.ozon_sandbox.filters import ALL_BUT_ARCHIVED

_AGAIN = "again"


class RepeatedPage(Fault, frozen=True):
    """The page is returned twice before the next one; no product is lost."""

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if not method.mark:
            return
        asked = position_of(call.request.mark)
        if asked.note != _AGAIN:
            method.holder_of_mark(answer)[method.mark[-1]] = Position(asked.index, _AGAIN).mark()


class DuplicateItems(Fault, frozen=True):
    """The page contains its first ``count`` entries twice, beyond the limit."""

    count: Annotated[int, Meta(ge=1)] = 1

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        entries = method.entries_of(answer)
        entries += entries[: self.count]


class ReversedPage(Fault, frozen=True):
    """The page's entries are in reverse order; Ozon promises none."""

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        method.entries_of(answer).reverse()


class LoopingMark(Fault, frozen=True):
    """``last_id`` or ``cursor`` does not advance after the first page.

    Length 1 repeats the same mark forever, length 2 alternates between two, and length 0 returns new marks of the
    first page forever.
    """

    length: Literal[0, 1, 2] = 1

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if not method.mark:
            return
        holder, key = method.holder_of_mark(answer), method.mark[-1]
        asked = position_of(call.request.mark)
        if self.length == 0:
            holder[key] = Position(0, str(int(asked.note or "0") + 1)).mark()
            if "has_next" in holder:
                holder["has_next"] = True
            return
        if not call.request.mark:
            return
        if self.length == 1:
            holder[key] = call.request.mark
        elif asked.note.isdigit():
            holder[key] = Position(int(asked.note)).mark()
        else:
            holder[key] = Position(position_of(holder[key]).index, str(asked.index)).mark()


class ShortPage(Fault, frozen=True):
    """The page is ``missing`` entries shorter than the limit, although the list continues."""

    missing: Annotated[int, Meta(ge=1)] = 1

    def request(self, request: Any) -> Any:
        limit = getattr(request, "limit", None)
        return msgspec.structs.replace(request, limit=max(1, limit - self.missing)) if limit else request


class Totals(Fault, frozen=True):
    """Unusual ``total`` and ``total_items``.

    ``missing`` drops both, ``legacy`` has only a correct ``total``, ``wrong`` has a ``total_items`` that is off by
    ``by``.
    """

    mode: Literal["missing", "legacy", "wrong"]
    by: int = 7

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if not method.mark:
            return
        holder = method.holder_of_mark(answer)
        holder.pop("total", None)
        found_count = holder.pop("total_items", None)
        if found_count is None or self.mode == "missing":
            return
        if self.mode == "legacy":
            holder["total"] = found_count
        else:
            holder["total_items"] = max(0, found_count + self.by)


class ArchivedLeftOut(Fault, frozen=True):
    """``ALL`` omits archived products, as in some of Ozon's documentation; real answers contain them."""

    def request(self, request: Any) -> Any:
        asked_for = getattr(request, "filter", None)
        if asked_for is None or asked_for.visibility != "ALL":
            return request
        narrowed = msgspec.structs.replace(asked_for)
        narrowed.visibility = ALL_BUT_ARCHIVED
        return msgspec.structs.replace(request, filter=narrowed)


class WarehouseRefused(Fault, frozen=True):
    """Ozon refuses the stock of one seller warehouse, the ``number``-th of the account."""

    number: Annotated[int, Meta(ge=1)] = 1
    status: Literal[400, 404, 500] = 400

    def request(self, request: Any) -> Any:
        # The ids of an account's warehouses are consecutive, from a multiple of a thousand on.
        if getattr(request, "warehouse_id", -1) % 1000 == self.number - 1:
            raise {400: errors.warehouse_not_found(), 404: errors.not_found("Warehouse")}.get(
                self.status, errors.internal()
            )
        return request


class DetailsLeftOut(Fault, frozen=True):
    """``/v3/product/info/list`` omits these products, although the lists contain them."""

    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    product_ids: tuple[int, ...] = ()

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if method.path != "/v3/product/info/list":
            return
        answer["items"] = [
            item for item in answer["items"] if item["id"] not in self.product_ids and not is_hit(item, self.share)
        ]


KINDS: dict[str, type[Fault]] = {
    "repeated_page": RepeatedPage,
    "reversed_page": ReversedPage,
    "duplicate_items": DuplicateItems,
    "looping_mark": LoopingMark,
    "short_page": ShortPage,
    "totals": Totals,
    "archived_left_out": ArchivedLeftOut,
    "details_left_out": DetailsLeftOut,
    "warehouse_refused": WarehouseRefused,
}
