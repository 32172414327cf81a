"""docs/runbook.md has an entry for every error, guard and exit code."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from include.ozon import errors
from include.ozon.cli import common, run_result
from include.ozon.monitoring import runbook
from include.ozon.monitoring.health.summary import EXIT_CODES
from include.ozon.monitoring.rules import RULES
from include.ozon.scheduling.wrapper import NOT_DUE_EXIT_CODE
from include.ozon.settings.guards import GuardsSettings
from include.ozon_local.home import ROOT

ERRORS = [
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, (errors.OzonError, errors.CancelledError))
]
CODES = {
    0,
    common.FAILED,
    common.WRONG_USAGE,
    common.INTERRUPTED,
    run_result.FAILED,
    run_result.TAKEN,
    NOT_DUE_EXIT_CODE,
    128 + signal.SIGTERM,
    *EXIT_CODES.values(),
}


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the rows of the tables below a heading of the page, as lists of cells."""
    page = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    section = re.split(r"^## ", page.partition(f"\n## {heading}\n")[2], flags=re.M)[0]
    assert section, f"docs/runbook.md: expected a heading {heading!r}"
    for line in section.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def only(found: list[list[str]], what: str, heading: str, cells: str) -> list[str]:
    assert len(found) == 1, (
        f"docs/runbook.md, section {heading!r}: expected one row for {what}, found {len(found)}. Add one with {cells}."
    )
    assert all(found[0]), f"docs/runbook.md, section {heading!r}: the row for {what} has an empty cell"
    return found[0]


def test_the_table_of_alerts_is_made_from_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert runbook.main(["--check"]) == 0, capsys.readouterr().err
    assert [(row[0], row[-1]) for row in rows("Alerts")][2:] == sorted((rule.title, f"`{rule.name}`") for rule in RULES)
    for row in rows("Alerts"):
        assert all(row), row


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_has_its_row(name: str) -> None:
    cells = "the class in backquotes, whether it is retried, what it means, what to do"
    row = only([row for row in rows("Errors") if row[0] == f"`{name}`"], f"the error {name}", "Errors", cells)

    is_retriable = issubclass(getattr(errors, name), errors.RetriableError)
    assert row[1].startswith("yes" if is_retriable else "no"), f"docs/runbook.md: wrong cell for the retry of {name}"


@pytest.mark.parametrize("guard", list(GuardsSettings.model_fields))
def test_every_guard_has_its_row(guard: str) -> None:
    heading = "A guard stopped a load"
    cells = "the guard in backquotes, what it found, when that is right and when it is wrong"
    only([row for row in rows(heading) if row[0] == f"`{guard}`"], f"the guard {guard}", heading, cells)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_exit_code_has_its_row(code: int) -> None:
    cells = "the code, the commands, what it means"
    only([row for row in rows("Exit codes") if row[0] == str(code)], f"the exit code {code}", "Exit codes", cells)


def test_links_of_the_pages_have_targets() -> None:
    broken = []
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            path, _, anchor = target.partition("#")
            if ":" in path:
                continue
            file = (page.parent / path) if path else page
            if not file.exists() or (anchor and anchor not in _anchors(file.read_text("utf-8"))):
                broken.append(f"{page.name}: {target}")
    assert not broken, f"fix these links: {', '.join(broken)}"


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
