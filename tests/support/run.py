"""The test runner of `make test`: checks the machine, then runs pytest. See ``python -m tests.support.run --help``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from include.ozon_local.home import ROOT
from include.ozon_local.postgres import INSTALLED
from tests.support import environment

_TESTS = ROOT / "tests"
TIERS = ("unit", "integration", "e2e", "faults", "long", "docker", "browser")
# They take minutes, or install a container engine or a browser.
_ONLY_WHEN_ASKED_FOR = ("long", "docker", "browser")
# Each worker has a PostgreSQL and sandboxes of its own.
_MOST_WORKERS = 4


class NoSuchTestError(Exception):
    """No test has this name or path."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Check that this machine can run the tests, then become pytest, so that signals reach the tests."""
    parser = _parser()
    options, pytest_options = parser.parse_known_intermixed_args(arguments)
    try:
        selection = select(options.names, options.tier)
    except NoSuchTestError as error:
        parser.error(str(error))
    if options.postgres:
        os.environ[INSTALLED] = str(options.postgres.expanduser().absolute())
    os.chdir(ROOT)
    if environment.main(quiet=options.quiet):
        sys.exit("This machine cannot run the tests; see the failed check above.")
    sys.stdout.flush()
    workers = ["-n", str(options.workers), "--dist", "loadgroup"]
    command = [sys.executable, "-m", "pytest", *selection, *workers, *_reports(options), *pytest_options]
    os.execv(command[0], command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test",
        allow_abbrev=False,
        usage='make test ARGS="[NAME ...] [option ...]"',
        description="Check that this machine can run the tests, then run them in random order: all, by tier or by "
        "name. Other options are pytest's, each as one word: -x; --maxfail=3; --randomly-seed=1 repeats an order.",
        epilog="Exit code: 0 all passed; 1 some failed, or the machine cannot run them; 2 wrong usage or interrupted.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="name of a file or a test, a part of it, or a path")
    add(
        "--tier",
        choices=TIERS,
        action="append",
        default=[],
        help="run only this tier; may be repeated. `faults`: tests of all tiers that break something on purpose; "
        "`long` takes minutes, `docker` installs an engine and `browser` needs Chromium: they are skipped by default",
    )
    add("--coverage", action="store_true", help="measure lines and branches; reports in .local/coverage/")
    add("--junit", type=Path, metavar="FILE", help="also write the results as JUnit XML for a CI system")
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    add("--workers", type=int, default=workers, help="number of processes; 0 runs the tests in this one")
    add("--postgres", type=Path, metavar="DIR", help="use the PostgreSQL programs in DIR, not the embedded ones")
    add("--quiet", action="store_true", help="print only the check of the machine that fails")
    return parser


def select(names: Sequence[str], tiers: Sequence[str]) -> list[str]:
    """Return the pytest arguments that select the tests. Raises NoSuchTestError for an unknown name."""
    wanted = [f"({' or '.join(tiers)})"] if tiers else []
    # A named test runs even if it is long, but a name alone installs nothing.
    left_out = [tier for tier in _ONLY_WHEN_ASKED_FOR if tier not in tiers and not (tier == "long" and names)]
    marks = " and ".join([*wanted, *(f"not {tier}" for tier in left_out)])
    return [*dict.fromkeys(found for name in names for found in _called(name)), "-m", marks]


def _called(name: str) -> list[str]:
    """Return the tests for a name: a path, the file of that name, files that contain it, or tests that contain it."""
    path = name.partition("::")[0]
    if "/" in name or path.endswith(".py"):
        if not (ROOT / path).exists():
            raise NoSuchTestError(f"{name} not found in {ROOT}; give a file or folder below tests/, or a name.")
        return [name]
    # A name may be written in words: "complete workflow".
    plain = re.sub(r"\W+", "_", name).removeprefix("test_")
    files = {str(file.relative_to(ROOT)): file.stem.removeprefix("test_") for file in sorted(_TESTS.rglob("test_*.py"))}
    for found in (
        [file for file, name in files.items() if name == plain],
        [file for file, name in files.items() if plain in name],
        [f"{file}::{test}" for file in files for test in _tests_called(plain, ROOT / file)],
    ):
        if found:
            return found
    similar = get_close_matches(plain, files.values(), n=3)
    hint = f"did you mean {', '.join(similar)}?" if similar else "see the files below tests/."
    raise NoSuchTestError(f"unknown test {name!r}; {hint}")


def _tests_called(plain: str, file: Path) -> list[str]:
    return re.findall(rf"^def (test_\w*{re.escape(plain)}\w*)", file.read_text(encoding="utf-8"), re.MULTILINE)


def _reports(options: argparse.Namespace) -> list[str]:
    measured = ("--cov", "--cov-report=term:skip-covered", "--cov-report=html", "--cov-report=xml")
    junit = [f"--junitxml={options.junit.expanduser().absolute()}"] if options.junit else []
    return [*(measured if options.coverage else ()), *junit]


if __name__ == "__main__":
    main(sys.argv[1:])
