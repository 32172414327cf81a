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
    """The page comes a second time before the next one; no product is lost."""

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if not method.mark:
            return
        asked = position_of(call.request.mark)
        if asked.note != _AGAIN:
            method.holder_of_mark(answer)[method.mark[-1]] = Position(asked.index, _AGAIN).mark()


class DuplicateItems(Fault, frozen=True):
    """The page's first ``count`` entries come twice on it, beyond the limit."""

    count: Annotated[int, Meta(ge=1)] = 1

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        entries = method.entries_of(answer)
        entries += entries[: self.count]


class LoopingMark(Fault, frozen=True):
    """``last_id`` or ``cursor`` stops moving on after the first page.

    Length 1 gives the same mark for ever, length 2 gives two in turn, A, B, A, B, and length 0 gives ever new marks
    to the first page.
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
    """The page ends ``missing`` entries before the limit, though the list goes on after it."""

    missing: Annotated[int, Meta(ge=1)] = 1

    def request(self, request: Any) -> Any:
        limit = getattr(request, "limit", None)
        return msgspec.structs.replace(request, limit=max(1, limit - self.missing)) if limit else request


class Totals(Fault, frozen=True):
    """``total`` and ``total_items`` in other ways than usual.

    ``missing`` drops both, ``legacy`` has only ``total`` and it is right, ``wrong`` has a ``total_items`` that is
    off by ``by``.
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
    """``ALL`` leaves the archived products out, as some pages of Ozon's say; its answers have them."""

    def request(self, request: Any) -> Any:
        asked_for = getattr(request, "filter", None)
        if asked_for is None or asked_for.visibility != "ALL":
            return request
        narrowed = msgspec.structs.replace(asked_for)
        narrowed.visibility = ALL_BUT_ARCHIVED
        return msgspec.structs.replace(request, filter=narrowed)


class WarehouseRefused(Fault, frozen=True):
    """Ozon does not name the stock of one of the seller's warehouses, the ``number``-th of the account."""

    number: Annotated[int, Meta(ge=1)] = 1
    status: Literal[400, 404, 500] = 400

    def request(self, request: Any) -> Any:
        # The ids of an account's warehouses follow each other from a multiple of a thousand on.
        if getattr(request, "warehouse_id", -1) % 1000 == self.number - 1:
            raise {400: errors.warehouse_not_found(), 404: errors.not_found("Warehouse")}.get(
                self.status, errors.internal()
            )
        return request


class DetailsLeftOut(Fault, frozen=True):
    """``/v3/product/info/list`` says nothing about these products, though the lists have them."""

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
    "duplicate_items": DuplicateItems,
    "looping_mark": LoopingMark,
    "short_page": ShortPage,
    "totals": Totals,
    "archived_left_out": ArchivedLeftOut,
    "details_left_out": DetailsLeftOut,
    "warehouse_refused": WarehouseRefused,
}
