"""From an answer's bytes to typed entries, as fast as the page allows.

A page is decoded in one go. Only where that fails, or a NUL stands in it, is it taken apart, so that the entries
that are wrong are rejected and all others are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import msgspec

from include.ozon.errors import BadDataError
from include.ozon.marketplace.answers import IdOrZero, RejectedItem
from include.ozon.marketplace.rejection import NUL_ESCAPE, mark_unstorable, refused, unstorable

T = TypeVar("T")


class NotJsonError(Exception):
    """An answer is no JSON, or only its beginning."""


class Listing(msgspec.Struct, Generic[T], kw_only=True):
    """The envelope of all lists; a subclass gives a field the name that its method has for it."""

    items: list[T]
    cursor: str | None = None
    has_next: bool | None = None
    total_items: IdOrZero | None = None
    total: IdOrZero | None = None


class ProductListing(Listing[T], Generic[T], kw_only=True):
    cursor: str | None = msgspec.field(name="last_id", default=None)


class ProductListingResult(msgspec.Struct, Generic[T]):
    result: ProductListing[T]


class WarehouseListing(Listing[T], Generic[T], kw_only=True):
    items: list[T] = msgspec.field(name="warehouses")


class StockListing(Listing[T], Generic[T], kw_only=True):
    items: list[T] = msgspec.field(name="stocks")


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """What one answer of a list holds."""

    items: list[T]
    rejected: list[RejectedItem]
    cursor: str | None
    has_next: bool | None
    total_items: int | None

    @property
    def item_count(self) -> int:
        return len(self.items) + len(self.rejected)


class ListMethod(Generic[T]):
    """A method of the API that answers with a list of ``item_type`` in an ``envelope`` (generic in its items)."""

    def __init__(self, path: str, item_type: type[T], envelope: Any = Listing) -> None:
        self.path = path
        self._page_decoder = msgspec.json.Decoder(envelope[item_type])
        self._envelope_decoder = msgspec.json.Decoder(envelope[msgspec.Raw])
        self._item_decoder = msgspec.json.Decoder(item_type)

    def decode(self, body: bytes) -> Decoded[T]:
        """Decode an answer. Raises NotJsonError, or BadDataError if it is JSON and not this method's list."""
        if NUL_ESCAPE not in body:
            try:
                return _decoded(self._page_decoder.decode(body))
            except (ValueError, RecursionError):
                pass
        return self._decode_apart(body)

    def _decode_apart(self, body: bytes) -> Decoded[T]:
        try:
            page = self._envelope(body)
        except NotJsonError:
            # msgspec refuses a whole page for a lone surrogate, wherever it stands.
            page = self._envelope(mark_unstorable(body))
        entries = [self._entry(bytes(raw)) for raw in page.items]
        return replace(
            page,
            items=[entry for entry in entries if not isinstance(entry, RejectedItem)],
            rejected=[entry for entry in entries if isinstance(entry, RejectedItem)],
        )

    def _envelope(self, body: bytes) -> Decoded[Any]:
        try:
            return _decoded(self._envelope_decoder.decode(body))
        except msgspec.ValidationError as error:
            raise BadDataError(
                f"{self.path} answered with JSON that is not its list: {error}. Expected what Ozon documents for "
                "this method; if this lasts, the method has changed and this package has to be upgraded."
            ) from None
        except (ValueError, RecursionError) as error:
            raise NotJsonError(str(error)) from None

    def _entry(self, item: bytes) -> T | RejectedItem:
        try:
            entry = self._item_decoder.decode(item)
        except msgspec.ValidationError as error:
            return refused(item, error)
        except UnicodeDecodeError:
            return self._entry(mark_unstorable(item))
        return (unstorable(item, entry) if NUL_ESCAPE in item else None) or entry


def _decoded(envelope: Any) -> Decoded[Any]:
    listing = envelope.result if isinstance(envelope, ProductListingResult) else envelope
    # A counter that Ozon has switched off may well stay in the answer as 0.
    total_items = listing.total_items or listing.total or None
    return Decoded(listing.items, [], listing.cursor, listing.has_next, total_items)
