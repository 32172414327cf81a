"""Fast decoding of an answer's bytes into typed entries.

A page is decoded in one step. Only if that fails, or if the page contains a NUL, each entry is read tolerantly on its
own, so that wrong entries or fields are rejected and everything else is kept.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

import msgspec

from include.ozon.marketplace.answers import IdOrZero, RejectedItem
from include.ozon.marketplace.faults import GarbledAnswerError
from include.ozon.marketplace.rejection import NUL_ESCAPE, describe, mark_unstorable, rejected_entry, rejected_field
from include.ozon.marketplace.tolerance import MISSING, UnreadableError, tolerant_reader

T = TypeVar("T")

# Needed to know whether a list continues; the other fields of an envelope are optional.
_PAGING_FIELDS = {"cursor", "last_id", "has_next"}
# The fields of an error, which may come with status 200 too.
_ERROR_FIELDS = {"code", "message", "error"}
_QUOTED_BYTES = 100
# No real number is longer, and Python refuses to convert it.
_LONGEST_INTEGER = 1000


class NotJsonError(Exception):
    """An answer is not JSON, or is cut off."""


class Envelope(msgspec.Struct, kw_only=True):
    """The fields around the entries of a list."""

    cursor: str | None = None
    has_next: bool | None = None
    total_items: IdOrZero | None = None
    total: IdOrZero | None = None


class ProductListEnvelope(Envelope, kw_only=True):
    cursor: str | None = msgspec.field(name="last_id", default=None)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """The contents of one answer of a list. ``item_count`` counts all received entries, including rejected ones."""

    items: list[T]
    rejected: list[RejectedItem]
    item_count: int
    cursor: str | None
    has_next: bool | None
    total_items: int | None


class ListMethod(Generic[T]):
    """A method of the API that answers with a list of ``item_type``.

    The list is in ``items_key`` of an ``envelope``, which is in ``wrapper`` or is the whole answer.
    ``is_often_empty`` marks a method for which an account may have no entries: a missing list then counts as empty.
    """

    def __init__(
        self,
        path: str,
        item_type: type[T],
        items_key: str = "items",
        *,
        envelope: type[Envelope] = Envelope,
        wrapper: str | None = None,
        is_often_empty: bool = False,
    ) -> None:
        self.path = path
        self.is_often_empty = is_often_empty
        self._items_key = items_key
        self._wrapper = wrapper
        self._envelope_keys = {field.encode_name for field in msgspec.structs.fields(envelope)}
        self._read_envelope = tolerant_reader(envelope)
        self._read_item = tolerant_reader(item_type)
        self._item_decoder = msgspec.json.Decoder(item_type)
        items = ("items", list[item_type], msgspec.field(name=items_key))  # type: ignore[valid-type]
        page: Any = msgspec.defstruct("Page", [items], bases=(envelope,), kw_only=True)
        self._page_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, page] if wrapper else page)

    def decode(self, body: bytes) -> Decoded[T]:
        """Decode an answer. Raises NotJsonError, or GarbledAnswerError for JSON without this method's list."""
        if NUL_ESCAPE not in body:
            try:
                page = self._page_decoder.decode(body)
                page = page[self._wrapper] if self._wrapper else page
            except (ValueError, KeyError, RecursionError):
                pass
            else:
                return _decoded(page, page.items, [], len(page.items))
        return self._decode_apart(body)

    def _decode_apart(self, body: bytes) -> Decoded[T]:
        fields = self._fields(body)
        raw_items = self._raw_items(fields)
        around = {name: parsed(mark_unstorable(bytes(raw))) for name, raw in fields.items() if name != self._items_key}
        envelope, problems = self._read_envelope(around)
        for problem in problems:
            if problem.path in _PAGING_FIELDS:
                raise self._garbled(problem)
        rejected = [rejected_field({}, problem) for problem in problems]
        items = []
        for raw in raw_items:
            item, faults = self._entry(bytes(raw))
            rejected += faults
            if item is not None:
                items.append(item)
        return _decoded(envelope, items, rejected, len(raw_items))

    def _fields(self, body: bytes) -> dict[str, msgspec.Raw]:
        """Return the fields of the envelope, each as raw JSON."""
        try:
            answer = _object(body)
        except NotJsonError:
            # msgspec refuses a whole page for one lone surrogate.
            answer = _object(mark_unstorable(body))
        if answer is not None and self._wrapper:
            if self._wrapper not in answer:
                raise self._garbled(UnreadableError("an object", MISSING, self._wrapper))
            wrapped = bytes(answer[self._wrapper])
            answer = {} if wrapped == b"null" else _object(wrapped)
        if answer is None:
            found = body[:_QUOTED_BYTES].decode(errors="replace")
            raise self._garbled(UnreadableError("an object", found, "the answer"))
        return answer

    def _raw_items(self, fields: dict[str, msgspec.Raw]) -> list[msgspec.Raw]:
        """Return the entries, each as raw JSON; none for a list that is null, or missing where that is allowed."""
        if self._items_key not in fields:
            is_envelope = self._wrapper or self.is_often_empty or self._envelope_keys & fields.keys()
            if not is_envelope or _ERROR_FIELDS & fields.keys():
                raise self._garbled(UnreadableError("a list", MISSING, self._items_key))
            return []
        items = bytes(fields[self._items_key])
        try:
            return msgspec.json.decode(items, type=list[msgspec.Raw] | None) or []
        except msgspec.ValidationError:
            if items == b"{}":
                return []
            raise self._garbled(UnreadableError("a list", parsed(mark_unstorable(items)), self._items_key)) from None

    def _garbled(self, problem: UnreadableError) -> GarbledAnswerError:
        return GarbledAnswerError(
            f"{self.path} answered with unexpected JSON: {describe(problem)}. Try again later; if this keeps "
            "happening, the method has changed and this package has to be upgraded."
        )

    def _entry(self, item: bytes) -> tuple[T | None, list[RejectedItem]]:
        if NUL_ESCAPE not in item:
            with suppress(ValueError):
                return self._item_decoder.decode(item), []
        item = mark_unstorable(item)
        value = None
        try:
            value = parsed(item)
            entry, problems = self._read_item(value)
        except UnreadableError as problem:
            return None, [rejected_entry(item, value, problem)]
        except (ValueError, RecursionError):
            return None, [rejected_entry(item, None, UnreadableError("JSON that is less deep", item.decode()))]
        return entry, [rejected_field(value, problem) for problem in problems]


def parsed(body: bytes) -> Any:
    """Parse JSON; a number with a fraction becomes a Decimal, so that a price keeps all its digits."""
    return json.loads(body, parse_float=_decimal, parse_int=_integer)


def _decimal(digits: str) -> Decimal | str:
    """Return the number; its text if not even a Decimal holds the exponent."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        return digits


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else Decimal(digits)


def _object(body: bytes) -> dict[str, msgspec.Raw] | None:
    """Return the fields of an object, each as raw JSON; None for JSON of another type."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from None


def _decoded(envelope: Any, items: list[Any], rejected: list[RejectedItem], item_count: int) -> Decoded[Any]:
    # A total that Ozon no longer counts may stay in the answer as 0.
    total_items = envelope.total_items or envelope.total or None
    if total_items is None and item_count == 0 and envelope.total_items == 0:
        total_items = 0
    return Decoded(items, rejected, item_count, envelope.cursor, envelope.has_next, total_items)
