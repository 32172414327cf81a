"""Generated pages of docs/, and the check that they are up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from include.ozon.errors import FatalError


def write_or_check(path: Path, text: str, module: str, arguments: Sequence[str]) -> int:
    """Write the page, or only compare it with ``--check``; return the exit code of ``python -m <module>``."""
    if "--check" not in arguments:
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path} is out of date; run: python -m {module}", file=sys.stderr)
    return 1


def with_part(path: Path, part: str, source: str) -> str:
    """Return the page with the part between its marks replaced; ``source`` names its generator.

    Raises FatalError if the marks are missing.
    """
    begin, end = f"<!-- Made by {source}; do not edit. -->\n", "<!-- End of what is made. -->\n"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise FatalError(f"{path} has no generated part: expected the lines {begin.strip()} and {end.strip()}.")
    return f"{before}{begin}\n{part}\n{end}{after}"


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
