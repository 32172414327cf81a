"""When a list ends, and when it only goes in circles."""

from __future__ import annotations

from include.ozon.errors import BadDataError

# Pages may repeat while the catalogue changes; so many in a row only fill the time until the task's time-out.
MOST_PAGES_WITHOUT_NEWS = 10


class CursorTrail:
    """The cursors that one list has been asked for, from its first page on.

    A list that says nothing about a next page ends at an empty page, at a page shorter than the limit, or at an
    empty cursor: Ozon's last page may well carry a cursor. A list with ``has_next`` ends where that is false or a
    page is empty; its pages may be short on the way. A cursor that was asked for before would only bring the same
    pages again. Calling that the end could lose half a catalogue, so it is an error.

    The one exception are the stocks, whose documented end is also a cursor that repeats itself: there the page
    that answers with its own cursor is the last, unless ``total_items`` says that entries are still to come.

    Cursors that are ever new can lead in circles too. Only whoever keeps the entries sees that, and reports with
    ``note_new`` how many of a page's were new.

    A list that is resumed gets the counts of what was read before; its trail begins where it is taken up.
    """

    def __init__(self, pages_read: int = 0, items_read: int = 0) -> None:
        self.pages_read = pages_read
        self.items_read = items_read
        self._asked: set[str] = set()
        self._pages_without_news = 0

    def next_cursor(
        self,
        method: str,
        *,
        asked: str,
        answered: str | None,
        item_count: int,
        limit: int,
        has_next: bool | None = None,
        total_items: int | None = None,
        repeat_ends: bool = False,
    ) -> str | None:
        """The cursor to ask for after this page, or None where the list ends.

        ``item_count`` counts the entries of the page that were rejected too. Raises BadDataError for a loop, and
        for a list that promises a next page and gives no cursor to it.
        """
        self.pages_read += 1
        self.items_read += item_count
        self._asked.add(asked)
        if item_count == 0 or has_next is False:
            return None
        if has_next is None and (item_count < limit or not answered):
            return None
        if not answered:
            raise BadDataError(
                f"{method} says after page {self.pages_read} that there is more (has_next). Expected a cursor to the "
                "next page, found none; the list cannot be completed, and nothing of it was loaded. Try again later."
            )
        if answered in self._asked:
            if repeat_ends and answered == asked and self._is_complete(total_items):
                return None
            raise BadDataError(
                f"{method} goes in circles: page {self.pages_read} of {item_count} entries leads to cursor "
                f"{_shown(answered)}, which was read before. Expected a cursor to further entries; the list "
                "cannot be completed, and nothing of it was loaded. Try again later."
            )
        return answered

    def note_new(self, name: str, count: int) -> None:
        """Raise BadDataError for a list ``name`` whose last pages had no entry that was new."""
        self._pages_without_news = 0 if count else self._pages_without_news + 1
        if self._pages_without_news >= MOST_PAGES_WITHOUT_NEWS:
            raise BadDataError(
                f"The list {name} goes in circles: its last {self._pages_without_news} pages, up to page "
                f"{self.pages_read}, had only entries that were read before or cannot be loaded. Expected further "
                "entries, or the list's end; nothing of it was loaded. Try again later."
            )

    def _is_complete(self, total_items: int | None) -> bool:
        return total_items is None or self.items_read >= total_items


def _shown(cursor: str) -> str:
    return ascii(cursor if len(cursor) <= 80 else cursor[:80] + "...")
