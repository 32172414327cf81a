"""Check that no docstring is a noun clause: ``python -m tests.support.docstrings [FILE ...]``, by default all files.

Docstrings of attributes count too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from include.ozon_local.home import ROOT

_FOLDERS = ("include", "dags", "plugins", "tests")
_CLAUSE = re.compile(r"\s*(What|Whether|How|Who)\b")


def noun_clauses(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the first word of each docstring that begins with What, Whether, How or Who."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str() as docstring)) if found := _CLAUSE.match(docstring):
                yield node.lineno, found[1]


def main(files: list[Path]) -> int:
    problems = [(file, *problem) for file in files for problem in noun_clauses(file.read_text("utf-8"))]
    for file, line, word in problems:
        print(f"{file}:{line}: the docstring begins with {word!r}; expected a verb or a noun phrase")
    return 1 if problems else 0


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]]
    sys.exit(main(named or sorted(file for folder in _FOLDERS for file in (ROOT / folder).rglob("*.py"))))
