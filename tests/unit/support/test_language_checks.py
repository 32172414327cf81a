"""The checks of language in `make lint`: banned words, misspellings, and docstrings that are noun clauses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support import docstrings, process

CODESPELL = Path(sys.executable).with_name("codespell")
BANNED_WORDS = ("-D", "tests/support/banned_words.txt", "-r", "[A-Za-z][a-z]*")


@pytest.mark.parametrize(
    "text",
    [
        '"""What a file does."""',
        'def f():\n    """Whether it is so."""',
        'class A:\n    """\n    Who calls it.\n    """',
        'class A:\n    field: int\n    """How many."""',
    ],
)
def test_a_docstring_that_is_a_noun_clause_is_found(text: str) -> None:
    assert len(list(docstrings.noun_clauses(text))) == 1


@pytest.mark.parametrize("text", ['"""Whatever."""', '"""Return what it found."""', 'text = "What"', "# What"])
def test_other_texts_are_accepted(text: str) -> None:
    assert list(docstrings.noun_clauses(text)) == []


def test_a_noun_clause_is_reported_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "module.py"
    file.write_text('"""A module."""\n\n\ndef f():\n    """Whether it is so."""\n')

    assert docstrings.main([file]) == 1
    assert f"{file}:5: the docstring begins with 'Whether'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "text", "word"),
    [
        (BANNED_WORDS, "was_told()", "told"),  # codespell:ignore told
        (BANNED_WORDS, "# Mend it.", "Mend"),  # codespell:ignore mend
        ((), "# We recieve it.", "recieve"),  # codespell:ignore recieve
    ],
)
def test_a_banned_or_misspelled_word_is_reported(
    options: tuple[str, ...], text: str, word: str, tmp_path: Path
) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"{text}\n")

    done = process.run(CODESPELL, *options, file)

    assert done.returncode == 65, done.stderr
    assert f"module.py:1: {word} ==> " in done.stdout
