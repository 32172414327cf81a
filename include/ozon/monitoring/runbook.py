"""Generator of the table of alerts in docs/runbook.md: ``python -m include.ozon.monitoring.runbook``.

The rest of the page is written by hand. With ``--check`` nothing is written, and the exit code is 1 if the page is out
of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from include.ozon.generated_pages import table, with_part, write_or_check
from include.ozon.monitoring.rules import RULES

DOCS_PATH = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"

_MODULE = "include.ozon.monitoring.runbook"


def alerts_table() -> str:
    """Return a table with a row for each rule, sorted by title."""
    rules = sorted(RULES, key=lambda rule: rule.title)
    return table(
        ("Subject", "What it means", "What to do", "Rule"),
        ((rule.title, rule.meaning, rule.remedy, f"`{rule.name}`") for rule in rules),
    )


def main(arguments: list[str]) -> int:
    text = with_part(DOCS_PATH, alerts_table(), f"`python -m {_MODULE}` from the rules")
    return write_or_check(DOCS_PATH, text, _MODULE, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
