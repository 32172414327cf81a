from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ozon.errors import BadDataError
from include.ozon.marketplace.paging import CursorTrail

LIMIT = 3


def follow(trail: CursorTrail, asked: str, answered: str | None, item_count: int, **more: Any) -> str | None:
    return trail.next_cursor(
        "/v3/product/list", asked=asked, answered=answered, item_count=item_count, limit=LIMIT, **more
    )


@pytest.mark.parametrize(
    ("answered", "item_count", "more"),
    [
        ("next", 0, {}),
        ("next", LIMIT - 1, {}),
        ("", LIMIT, {}),
        (None, LIMIT, {}),
        ("next", LIMIT, {"has_next": False}),
        ("", 0, {"has_next": False}),
        ("next", 0, {"has_next": True}),
    ],
)
def test_the_list_ends(answered: str | None, item_count: int, more: dict[str, Any]) -> None:
    assert follow(CursorTrail(), "", answered, item_count, **more) is None


@pytest.mark.parametrize(("item_count", "more"), [(LIMIT, {}), (LIMIT, {"has_next": True}), (1, {"has_next": True})])
def test_the_list_continues(item_count: int, more: dict[str, Any]) -> None:
    assert follow(CursorTrail(), "", "next", item_count, **more) == "next"


def test_a_short_last_page_with_a_cursor_that_was_read_is_the_end() -> None:
    trail = CursorTrail()
    assert follow(trail, "", "A", LIMIT) == "A"
    assert follow(trail, "A", "A", LIMIT - 1) is None


@pytest.mark.parametrize("cursors", [["A", "A"], ["A", "B", "A"], ["A", "B", "C", "B"]])
@pytest.mark.parametrize("more", [{}, {"has_next": True}])
def test_a_cursor_that_repeats_on_a_full_page_is_a_loop(cursors: list[str], more: dict[str, Any]) -> None:
    trail = CursorTrail()
    asked = ""
    for answered in cursors[:-1]:
        asked = follow(trail, asked, answered, LIMIT, **more) or ""
    with pytest.raises(BadDataError) as caught:
        follow(trail, asked, cursors[-1], LIMIT, **more)
    for named in ("/v3/product/list", f"page {len(cursors)}", repr(cursors[-1])):
        assert named in str(caught.value)


def test_an_endless_cursor_is_an_error() -> None:
    with pytest.raises(BadDataError, match="/v3/product/list: page 1 leads to a cursor of 10000000 characters"):
        follow(CursorTrail(), "", "c" * 10_000_000, LIMIT)


def test_an_announced_page_without_a_cursor_is_an_error() -> None:
    with pytest.raises(BadDataError, match="Expected its cursor, found none"):
        follow(CursorTrail(), "", "", LIMIT, has_next=True)


@pytest.mark.parametrize("total_items", [None, 2 * LIMIT])
def test_stocks_end_where_the_last_page_answers_with_its_own_cursor(total_items: int | None) -> None:
    trail = CursorTrail()
    follow(trail, "", "A", LIMIT, repeat_ends=True, total_items=total_items)
    assert follow(trail, "A", "A", LIMIT, repeat_ends=True, total_items=total_items) is None


def test_stocks_that_repeat_a_cursor_before_their_total_is_reached_are_a_loop() -> None:
    trail = CursorTrail()
    follow(trail, "", "A", LIMIT, repeat_ends=True, total_items=100)
    with pytest.raises(BadDataError, match="goes in circles"):
        follow(trail, "A", "A", LIMIT, repeat_ends=True, total_items=100)


def test_stocks_that_go_back_to_an_older_cursor_are_a_loop() -> None:
    trail = CursorTrail()
    for asked, answered in (("", "A"), ("A", "B")):
        follow(trail, asked, answered, LIMIT, repeat_ends=True)
    with pytest.raises(BadDataError, match="goes in circles"):
        follow(trail, "B", "A", LIMIT, repeat_ends=True)


def test_a_resumed_list_continues_its_counts() -> None:
    trail = CursorTrail(pages_read=4, items_read=4 * LIMIT)
    follow(trail, "D", "E", LIMIT)
    assert (trail.pages_read, trail.items_read) == (5, 5 * LIMIT)


def test_pages_without_new_entries_are_a_loop_despite_new_cursors() -> None:
    trail = CursorTrail()
    for count in (3, *[0] * 9, 1, *[0] * 9):
        trail.note_new("ALL", count)
    with pytest.raises(BadDataError, match=r"The list ALL goes in circles: its last 10 pages"):
        trail.note_new("ALL", 0)


@given(
    answers=st.lists(
        st.tuples(
            st.sampled_from(["", "A", "B", "C", "D", None]),
            st.integers(0, LIMIT),
            st.sampled_from([None, True, False]),
        ),
        min_size=1,
    ),
    repeat_ends=st.booleans(),
)
def test_no_cursor_is_requested_twice_whatever_the_answers(
    answers: list[tuple[str | None, int, bool | None]], repeat_ends: bool
) -> None:
    trail = CursorTrail()
    asked = [""]
    for answered, item_count, has_next in answers:
        try:
            cursor = follow(trail, asked[-1], answered, item_count, has_next=has_next, repeat_ends=repeat_ends)
        except BadDataError:
            break
        if cursor is None:
            break
        asked.append(cursor)
    assert len(asked) == len(set(asked))


@given(item_count=st.integers(0, 40), cursor_on_last_page=st.booleans(), has_next_given=st.booleans())
def test_every_list_of_a_proper_server_is_read_to_its_end(
    item_count: int, cursor_on_last_page: bool, has_next_given: bool
) -> None:
    items = list(range(item_count))
    trail, read, cursor = CursorTrail(), [], ""
    while cursor is not None:
        start = int(cursor or 0)
        page = items[start : start + LIMIT]
        end = start + len(page)
        answered = str(end) if end < item_count or cursor_on_last_page else ""
        has_next = end < item_count if has_next_given else None
        read += page
        cursor = follow(trail, cursor, answered, len(page), has_next=has_next)
    assert read == items
