"""Paging: the end of a list, and the detection of loops."""

from __future__ import annotations

from include.ozon.errors import BadDataError

# Pages may repeat while the catalogue changes, but this many in a row mean a loop.
MOST_PAGES_WITHOUT_NEWS = 10
# Every cursor of a list is kept in memory, and each request sends one back. Ozon's have some dozen characters.
LONGEST_CURSOR = 10_000


class CursorTrail:
    """The cursors that one list has been requested with.

    A list without ``has_next`` ends at an empty page, at a page shorter than the limit, or at an empty cursor: Ozon's
    last page may have a cursor. A list with ``has_next`` ends when that is false or a page is empty; its other pages
    may be short. A repeated cursor would return the same pages again. Treating it as the end could lose half a
    catalogue, so it is an error.

    The exception is the list of stocks, which is also documented to end with a repeated cursor: a page that answers
    with its own cursor is the last, unless entries are missing according to ``total_items``.

    New cursors can lead in a loop too. Only the code that stores the entries can detect that: it reports with
    ``note_new`` how many entries of a page were new.

    A resumed list starts with the counts of the pages read before and without their cursors.
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
        """Return the cursor of the next page, or None at the end of the list.

        ``item_count`` includes the rejected entries of the page. Raises BadDataError for a loop, for a list that
        announces a next page without a cursor, and for a cursor of more than LONGEST_CURSOR characters.
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
                f"{method}: page {self.pages_read} announces a next page (has_next). Expected its cursor, found none; "
                "the list cannot be completed, and nothing of it was loaded. Try again later."
            )
        if len(answered) > LONGEST_CURSOR:
            raise BadDataError(
                f"{method}: page {self.pages_read} leads to a cursor of {len(answered)} characters, expected at most "
                f"{LONGEST_CURSOR}; the list cannot be completed, and nothing of it was loaded. Try again later."
            )
        if answered in self._asked:
            if repeat_ends and answered == asked and self._is_complete(total_items):
                return None
            raise BadDataError(
                f"{method} goes in circles: page {self.pages_read} of {item_count} entries leads to cursor "
                f"{_shown(answered)}, which was read before. Expected a new cursor; the list "
                "cannot be completed, and nothing of it was loaded. Try again later."
            )
        return answered

    def note_new(self, name: str, count: int) -> None:
        """Raise BadDataError if the last pages of the list ``name`` contained no new entry."""
        self._pages_without_news = 0 if count else self._pages_without_news + 1
        if self._pages_without_news >= MOST_PAGES_WITHOUT_NEWS:
            raise BadDataError(
                f"The list {name} goes in circles: its last {self._pages_without_news} pages, up to page "
                f"{self.pages_read}, contain only entries that were read before or cannot be loaded. Expected new "
                "entries or the end of the list; nothing of it was loaded. Try again later."
            )

    def _is_complete(self, total_items: int | None) -> bool:
        return total_items is None or self.items_read >= total_items


def _shown(cursor: str) -> str:
    return ascii(cursor if len(cursor) <= 80 else cursor[:80] + "...")
