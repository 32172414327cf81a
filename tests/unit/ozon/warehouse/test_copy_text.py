from __future__ import annotations

import pytest

from include.ozon.warehouse.copy_text import NULL, boolean, optional, text, text_array


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Полка 120 см", "Полка 120 см"),
        ("", ""),
        ("a\tb", "a\\tb"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("a\\b", "a\\\\b"),
        ("\\N", "\\\\N"),
        ("\x1b\x7f", "\x1b\x7f"),
    ],
)
def test_text_escapes_what_copy_would_take_for_something_else(value: str, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "{}"),
        (["NULL"], '{"NULL"}'),
        (["a", ""], '{"a",""}'),
        (['say "no"'], '{"say \\\\"no\\\\""}'),
        (["a\\b"], '{"a\\\\\\\\b"}'),
        (["a\tb"], '{"a\\tb"}'),
    ],
)
def test_an_array_is_quoted_for_the_array_and_then_for_copy(values: list[str], expected: str) -> None:
    assert text_array(values) == expected


def test_a_missing_boolean_is_false() -> None:
    assert [boolean(value) for value in (True, False, None)] == ["t", "f", "f"]


@pytest.mark.parametrize(
    ("value", "expected"), [(None, NULL), ("", NULL), (0, "0"), (0.0, "0.0"), ("0.00", "0.00"), (7, "7")]
)
def test_only_missing_or_empty_values_are_null(value: str | int | float | None, expected: str) -> None:
    assert optional(value) == expected
