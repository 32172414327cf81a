"""Generator of the definitions in docs/visibility-report.md: ``python -m include.ozon.monitoring.metrics.docs``.

The rest of the page is written by hand. With ``--check`` nothing is written, and the exit code is 1 if the page is out
of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from include.ozon.generated_pages import table, with_part, write_or_check
from include.ozon.monitoring.metrics.definitions import DEFINITIONS, QUALITY_PARTS, VISIBILITIES

DOCS_PATH = Path(__file__).resolve().parents[4] / "docs" / "visibility-report.md"

_MODULE = "include.ozon.monitoring.metrics.docs"


def definitions() -> str:
    """Return a table of the visibilities, one of the numbers, and one of the data quality's parts."""
    visibilities = table(
        ("visibility", "code", "meaning"),
        ((each.title, str(name), each.meaning) for name, each in VISIBILITIES.items()),
    )
    numbers = table(("number", "meaning"), ((each.title, each.meaning) for each in DEFINITIONS.values()))
    parts = table(
        ("part of the data quality", "weight", "of 100"),
        ((f"{each.title} (`{name}`)", str(each.weight), each.meaning) for name, each in QUALITY_PARTS.items()),
    )
    return f"{visibilities}\n{numbers}\n{parts}"


def main(arguments: list[str]) -> int:
    text = with_part(DOCS_PATH, definitions(), f"`python -m {_MODULE}` from the definitions")
    return write_or_check(DOCS_PATH, text, _MODULE, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
