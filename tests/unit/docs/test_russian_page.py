"""The Russian page for managers uses the words of the page, the mails and the report."""

from __future__ import annotations

import re

from include.ozon.monitoring.metrics.definitions import DEFINITIONS, VISIBILITIES
from include.ozon.monitoring.metrics.judgement import RULES as METRIC_RULES
from include.ozon.monitoring.rules import RULES
from include.ozon.translation import _, use_language
from include.ozon_local.home import ROOT

PAGE = (ROOT / "docs/ru/README.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """Return the first column of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (.+?) \|", section, flags=re.MULTILINE)[2:]


def test_each_number_of_the_page_has_its_title() -> None:
    with use_language("ru"):
        visibilities = {_(each.title) for each in VISIBILITIES.values()}
        titles = visibilities | {_(each.title) for each in DEFINITIONS.values()}
    found = set(first_cells("Что значат показатели"))

    assert found <= titles
    assert visibilities <= found


def test_each_alert_has_the_title_of_its_mail_and_those_about_visibility_are_there() -> None:
    with use_language("ru"):
        titles = {_(rule.title).partition(":")[0] for rule in RULES}
        about_visibility = {_(rule.title) for rule in METRIC_RULES if rule.group == "visibility"}
    found = {title for cell in first_cells("Что делать по оповещению") for title in cell.split("; ")}

    assert found - titles == {"остальные"}
    assert about_visibility <= found


def test_labels_and_buttons_are_those_that_a_reader_sees() -> None:
    for text in ("Found", "Expected", "In the log", "Acknowledge", "RECOVERED"):
        assert f"«{_ru(text)}»" in PAGE


def _ru(text: str) -> str:
    with use_language("ru"):
        return _(text)
