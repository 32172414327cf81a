"""Faults of single values: fields that are missing, new, of another type, or have unexpected values.

A field is given by its path, for example ``statuses.status_name``; a list within the path means each of its entries.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from include.ozon_sandbox.calls import Answer, Call, Method
from include.ozon_sandbox.faults.base import Fault
from include.ozon_sandbox.vocabulary import STATUS_NAMES

Share = Annotated[float, Meta(gt=0, le=1)]

# JSON cannot be encoded with half a surrogate pair: this placeholder is replaced in the encoded answer.
_STAND_IN = "\ue000"
_LONE_SURROGATE = b"\\ud83d"

_ODD_TEXTS = {
    "nul": "до\x00после",
    "lone_surrogate": f"до{_STAND_IN}после",
    "control": "до\x01\x1b[31m\x7fпосле",
    "bidi": "до\u202eпосле\u2066",
    "long": "ж" * 100_000,
    "empty": "",
}
_WRONG_TYPES: dict[str, Any] = {
    "price": 699.0,
    "old_price": 999,
    "sku": "1610000001",
    "name": 12345,
    "is_archived": "false",
    "statuses": "price_sent",
    "stocks": [],
    "present": "12",
    "reserved": 1.5,
}


def is_hit(item: dict[str, Any], share: float) -> bool:
    """Return whether this entry's product belongs to a share of the products, which is always the same one."""
    identity = item.get("id") or item.get("product_id") or item.get("sku") or item.get("warehouse_id")
    return zlib.crc32(f"hit {identity}".encode()) < share * (1 << 32)


def holders(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects that have the path's last field."""
    if isinstance(value, list):
        for entry in value:
            yield from holders(entry, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            yield value
        else:
            yield from holders(value[path[0]], path[1:])


class _EntriesFault(Fault, frozen=True, kw_only=True):
    """A fault of the answer's entries or, depending on ``where``, of the answer itself."""

    share: Share = 1.0
    where: Literal["entries", "answer"] = "entries"

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        if self.where == "answer":
            self.change(answer)
            return
        for entry in method.entries_of(answer):
            if is_hit(entry, self.share):
                self.change(entry)

    def change(self, entry: dict[str, Any]) -> None:
        raise NotImplementedError


class DropField(_EntriesFault, frozen=True, kw_only=True):
    field: Annotated[str, Meta(min_length=1)]

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in list(holders(entry, path)):
            del holder[path[-1]]


class SetField(_EntriesFault, frozen=True, kw_only=True):
    """Any other value: null, a huge or negative number, an unknown word, another type."""

    field: Annotated[str, Meta(min_length=1)]
    value: Any

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in holders(entry, path):
            holder[path[-1]] = self.value


class OddText(_EntriesFault, frozen=True, kw_only=True):
    """Text that is valid in JSON but not in databases or terminals; the lone surrogate is sent as an escape."""

    kind: Literal["nul", "lone_surrogate", "control", "bidi", "long", "empty"]
    field: Annotated[str, Meta(min_length=1)] = "name"

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in holders(entry, path):
            holder[path[-1]] = _ODD_TEXTS[self.kind]

    def body(self, body: bytes) -> bytes:
        return body.replace(_STAND_IN.encode(), _LONE_SURROGATE)


class WrongTypes(_EntriesFault, frozen=True):
    """Numbers as text, text as numbers, lists instead of objects."""

    def change(self, entry: dict[str, Any]) -> None:
        for name, value in _WRONG_TYPES.items():
            if name in entry:
                entry[name] = value


class UnknownFields(_EntriesFault, frozen=True):
    """Undocumented fields, as in many of Ozon's releases."""

    def change(self, entry: dict[str, Any]) -> None:
        entry["quantum_state"] = {"spin": "up", "entangled_with": [1, 2, 3]}
        entry["новое_поле"] = None


class UpperCase(_EntriesFault, frozen=True, kw_only=True):
    """A word of Ozon's in capitals."""

    field: Annotated[str, Meta(min_length=1)]

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in holders(entry, path):
            holder[path[-1]] = str(holder[path[-1]]).upper()


class AsText(_EntriesFault, frozen=True, kw_only=True):
    """A number as text."""

    field: Annotated[str, Meta(min_length=1)]

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in holders(entry, path):
            holder[path[-1]] = str(holder[path[-1]])


class DropZeros(_EntriesFault, frozen=True, kw_only=True):
    """A field is omitted if it is 0, as in protobuf's JSON."""

    field: Annotated[str, Meta(min_length=1)]

    def change(self, entry: dict[str, Any]) -> None:
        path = self.field.split(".")
        for holder in list(holders(entry, path)):
            if not holder[path[-1]]:
                del holder[path[-1]]


class StatusLanguage(_EntriesFault, frozen=True, kw_only=True):
    """The names of statuses in the language of the seller's account; the technical fields do not change.

    Two Chinese names are from Ozon's documentation; the others are invented.
    """

    language: Literal["en", "zh"]

    def change(self, entry: dict[str, Any]) -> None:
        statuses = entry.get("statuses", {})
        for name in ("status_name", "status_description"):
            if russian := statuses.get(name):
                statuses[name] = STATUS_NAMES[self.language].get(russian, f"[{self.language}] {len(russian)}")


class SplitSkus(_EntriesFault, frozen=True, kw_only=True):
    """No top-level ``sku``, and one for each sales scheme in ``sources``; that of FBO is the usual one."""

    def change(self, entry: dict[str, Any]) -> None:
        sku = entry.pop("sku", 0)
        if sku:
            (source,) = entry["sources"]
            entry["sources"] = [
                source | {"sku": sku + 1_000_000_000, "source": "fbs"},
                source | {"sku": sku, "source": "fbo"},
            ]


class WarehousesUnnamed(_EntriesFault, frozen=True, kw_only=True):
    """``/v1/analytics/stocks`` does not name warehouses: each row is that of a whole cluster."""

    def answer(self, call: Call, method: Method, answer: Answer) -> None:
        rows = answer["items"]
        summed = {(row["sku"], row["cluster_id"]) for row in rows if row["warehouse_id"] == 0}
        answer["items"] = [
            row | {"warehouse_id": 0, "warehouse_name": ""}
            for row in rows
            if row["warehouse_id"] == 0 or (row["sku"], row["cluster_id"]) not in summed
        ]


class FboLeftOut(_EntriesFault, frozen=True, kw_only=True):
    """``/v4/product/info/stocks`` without FBO, as announced by Ozon."""

    def change(self, entry: dict[str, Any]) -> None:
        if isinstance(entry.get("stocks"), list):
            entry["stocks"] = [stock for stock in entry["stocks"] if stock.get("type") != "fbo"]


class OtherAnswer(Fault, frozen=True, kw_only=True):
    """Status 200 with any other JSON, for example ``{}``."""

    value: Any

    def body(self, body: bytes) -> bytes:
        return msgspec.json.encode(self.value)


KINDS: dict[str, type[Fault]] = {
    "drop_field": DropField,
    "set_field": SetField,
    "odd_text": OddText,
    "wrong_types": WrongTypes,
    "unknown_fields": UnknownFields,
    "upper_case": UpperCase,
    "as_text": AsText,
    "drop_zeros": DropZeros,
    "warehouses_unnamed": WarehousesUnnamed,
    "status_language": StatusLanguage,
    "split_skus": SplitSkus,
    "fbo_left_out": FboLeftOut,
    "other_answer": OtherAnswer,
}
