"""Generator of the table of metrics in docs/observability.md: ``python -m include.ozon.monitoring.telemetry_docs``.

The rest of the page is written by hand. With ``--check`` nothing is written, and the exit code is 1 if the page is out
of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from include.ozon.generated_pages import table, with_part, write_or_check
from include.ozon.monitoring.telemetry import METRICS

DOCS_PATH = Path(__file__).resolve().parents[3] / "docs" / "observability.md"

_MODULE = "include.ozon.monitoring.telemetry_docs"


def metrics_table() -> str:
    """Return a table with a row for each metric."""
    return table(
        ("Metric", "Tags", "Unit", "Meaning"),
        ((f"`{each.name}`", ", ".join(each.tags), each.unit, each.meaning) for each in METRICS),
    )


def main(arguments: list[str]) -> int:
    text = with_part(DOCS_PATH, metrics_table(), f"`python -m {_MODULE}` from the columns and the rules")
    return write_or_check(DOCS_PATH, text, _MODULE, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
