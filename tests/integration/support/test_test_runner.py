"""`make test` as a process: the checks of the machine, the tests, and the exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from include.ozon_local.home import ROOT
from tests.support import process

# A few unit tests.
QUICK = "copy_text"
CHECKED = ["python", "packages", "configuration", "programs", "room", "ports", "database"]


def run_tests(*arguments: str, **variables: str) -> process.Done:
    """Run the test runner without the variables of the `make test --coverage` that runs this test."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return process.run(
        sys.executable, "-m", "tests.support.run", "--workers", "0", *arguments, env={**own, **variables}
    )


@pytest.mark.long
def test_it_checks_the_machine_runs_the_named_tests_and_writes_reports(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"

    done = run_tests(QUICK, "--coverage", "--junit", str(results), COVERAGE_FILE=str(tmp_path / "data"))

    assert done.returncode == 0, done.stdout + done.stderr
    checked = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert checked == CHECKED
    assert "passed" in done.stdout.splitlines()[-1]
    suite = ElementTree.parse(results).getroot()[0]
    assert int(suite.attrib["tests"]) > 0
    assert suite.attrib["failures"] == suite.attrib["errors"] == "0"
    folder = ROOT / ".local" / "coverage"
    covered = ElementTree.parse(folder / "coverage.xml").getroot()
    assert int(covered.attrib["lines-covered"]) > 0
    assert int(covered.attrib["branches-covered"]) > 0
    assert (folder / "html" / "index.html").is_file()


def test_a_failing_test_sets_the_exit_code_and_is_in_the_results(tmp_path: Path) -> None:
    file, results = tmp_path / "test_wrong.py", tmp_path / "results.xml"
    file.write_text("def test_wrong():\n    assert 1 == 2\n")

    done = run_tests(str(file), "--quiet", "--junit", str(results), f"--config-file={ROOT}/pyproject.toml")

    assert done.returncode == 1, done.stdout + done.stderr
    assert not [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert ElementTree.parse(results).getroot()[0].attrib["failures"] == "1"


def test_a_failed_check_of_the_machine_is_reported_and_no_test_runs(tmp_path: Path) -> None:
    done = run_tests(QUICK, PATH=str(tmp_path))

    assert done.returncode == 1
    assert "FAILED  programs      git, make not found" in done.stderr
    assert done.stderr.splitlines()[-1] == "This machine cannot run the tests; see the failed check above."
    assert "test session starts" not in done.stdout


def test_an_unknown_name_is_reported_before_anything_starts() -> None:
    done = run_tests("no_such_test_anywhere")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "unknown test 'no_such_test_anywhere'" in done.stderr
