"""A catalogue rendered to the bytes of Ozon's answers in advance, so that a benchmark does not time the rendering.

It has two states: ``base``, and ``changed``, in which every twentieth product (5 %) has another price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.filters import FILTERS
from include.ozon_sandbox.items import detail_items, list_items
from include.ozon_sandbox.products import Origin

STATES = ("base", "changed")
VISIBILITIES = ("ALL", "ARCHIVED", "VISIBLE")
PAGE_SIZE = 1000
CHANGED_EVERY = 20

Items = dict[int, bytes]
"""By product_id."""


class RenderedCatalogue:
    """All answers for a catalogue of ``size`` products of the sandbox."""

    def __init__(self, size: int) -> None:
        listed: dict[str, list[bytes]] = {visibility: [] for visibility in VISIBILITIES}
        base: Items = {}
        changed: Items = {}
        for products in Catalogue(Origin(seed=1, account="main", size=size), tick=0).chunks():
            entries = [msgspec.json.encode(entry) for entry in list_items(products)]
            for visibility in VISIBILITIES:
                is_listed = FILTERS[visibility](products).tolist()
                listed[visibility] += [entry for entry, yes in zip(entries, is_listed, strict=True) if yes]
            for item in detail_items(products):
                is_changed = len(base) % CHANGED_EVERY == 0
                base[item["id"]] = msgspec.json.encode(item)
                if is_changed:
                    new_price = f"{float(item['price'] or 100) + 1:.2f}"
                    changed[item["id"]] = msgspec.json.encode({**item, "price": new_price})
        self._pages = {visibility: dict(_pages(entries)) for visibility, entries in listed.items()}
        self._items: Mapping[str, Items] = {"base": base, "changed": base | changed}

    @property
    def page_counts(self) -> dict[str, int]:
        return {visibility: len(pages) for visibility, pages in self._pages.items()}

    @property
    def item_bytes(self) -> int:
        return sum(map(len, self._items["base"].values()))

    def page(self, visibility: str, cursor: str) -> bytes:
        """Return the answer of ``/v3/product/list``."""
        return self._pages[visibility][cursor]

    def details(self, state: str, product_ids: list[int]) -> bytes:
        """Return the answer of ``/v3/product/info/list``."""
        items = self._items[state]
        return b'{"items":[' + b",".join([items[product_id] for product_id in product_ids]) + b"]}"


def _pages(entries: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each page with the cursor that requests it. As at Ozon, the last page is short and has a cursor too."""
    rest = iter(entries)
    cursor, following = "", 0
    while True:
        page = list(islice(rest, PAGE_SIZE))
        following += len(page)
        tail = f'],"last_id":"{following}","total_items":{len(entries)}}}}}'
        yield cursor, b'{"result":{"items":[' + b",".join(page) + tail.encode()
        if len(page) < PAGE_SIZE:
            return
        cursor = str(following)
