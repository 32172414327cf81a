"""PostgreSQL reads the text of ``copy_text`` unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.ozon.warehouse.copy_text import boolean, optional, text, text_array
from include.ozon_local.postgres import SUPERUSER, EmbeddedPostgres

# The check of the marketplace's answers rejects NUL and half a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(scope="module")
def connection(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn("postgres", SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE copied (n int, a text, b text[], c boolean, d numeric)")
        yield connection


prices = st.none() | st.decimals(min_value=0, max_value=10**12, places=2)
rows = st.lists(st.tuples(texts, st.lists(texts), st.booleans(), prices), max_size=5)


@settings(max_examples=200, deadline=None)
@given(rows=rows)
@example(rows=[("\\N", ["\\N", "NULL", "", '"', "\\", "{", ",", " "], True, None), ("\\.", [], False, None)])
@example(rows=[("a\tb\nc\rd\\te\x0b\x1b\x7f\u2028", ["a\tb\nc\r", '\\"', "\\\\"], True, None)])
def test_every_text_comes_back_as_it_was(connection: psycopg.Connection[Any], rows: list[Any]) -> None:
    connection.execute("TRUNCATE copied")
    lines = "".join(
        f"{n}\t{text(a)}\t{text_array(b)}\t{boolean(c)}\t{optional(None if d is None else str(d))}\n"
        for n, (a, b, c, d) in enumerate(rows)
    )
    with connection.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as copy:
        copy.write(lines.encode())

    assert connection.execute("SELECT a, b, c, d FROM copied ORDER BY n").fetchall() == rows
