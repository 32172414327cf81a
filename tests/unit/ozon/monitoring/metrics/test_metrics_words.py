"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.ozon.monitoring.metrics import words

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0 RUB"), ("99.5", "99.50 RUB"), ("100.00", "100 RUB"), ("999.99", "999.99 RUB"),
        ("1234567.5", "1 234 568 RUB"), ("0.125", "0.13 RUB"),
    ],
)  # fmt: skip
def test_money_is_rounded_only_where_there_is_much_of_it(amount: str, shown: str) -> None:
    assert words.money(Decimal(amount), "RUB") == shown


def test_numbers() -> None:
    assert [words.number(value) for value in (0, 999, 1000, 1234567, None)] == ["0", "999", "1 000", "1 234 567", "–"]
    assert [words.signed(value, 1) for value in (0.04, -0.04, 0.06, -1234.5)] == ["0", "0", "+0.1", "-1 234.5"]
    assert [words.age(hours) for hours in (0.1, 5.25, 72)] == ["6 minutes", "5.2 hours", "3.0 days"]
    assert [words.count_of(count, "product") for count in (0, 1, 2000)] == ["0 products", "1 product", "2 000 products"]
