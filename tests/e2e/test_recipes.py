"""The recipes of CONTRIBUTING.md, carried out as they stand; two of them have more tests of what was added."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from tests.support import process
from tests.support.changed_project import ChangedProject

pytestmark = pytest.mark.long


def test_after_all_recipes_the_lint_is_content_and_the_pages_have_what_was_added(project: ChangedProject) -> None:
    for recipe in ("Add a component", "Add a rule", "Add a column to the report"):
        project.follow(recipe)

    project.shell(f"make lint --old-file=venv BIN={process.OZON.parent}")

    assert "| `warehouses_etl` |" in (project.folder / "docs" / "DAGs.md").read_text("utf-8")
    assert "| `rules.uptime_days` |" in (project.folder / "docs" / "configuration.md").read_text("utf-8")
    assert "| the machine was not restarted for long |" in (project.folder / "docs" / "runbook.md").read_text("utf-8")


@pytest.mark.usefixtures("loaded")
def test_a_column_of_the_report_is_in_every_format(project: ChangedProject) -> None:
    project.follow("Add a column to the report")

    shown = {output: project.ozon("visibility", "--output", output) for output in ("text", "csv", "html")}

    assert "Value of stock" in shown["text"]
    assert "<th>Value of stock" in shown["html"]
    rows = [row for row in csv.DictReader(io.StringIO(shown["csv"])) if row["units"] and row["price"]]
    assert len(rows) > 10
    for row in rows:
        assert Decimal(row["stock_value"]) == int(row["units"]) * Decimal(row["price"])
