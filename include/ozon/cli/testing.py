"""``ozon test``: this package's own tests, after a look at whether the machine can run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from include.ozon.cli.common import is_quiet
from include.ozon.errors import ConfigurationError, FatalError


class Tier(StrEnum):
    """The markers of pyproject.toml."""

    UNIT = "unit"
    INTEGRATION = "integration"
    E2E = "e2e"
    FAULTS = "faults"
    LONG = "long"
    DOCKER = "docker"


_ROOT = Path(__file__).resolve().parents[3]
_TESTS = _ROOT / "tests"
_ENVIRONMENT_CHECK = "tests.support.environment"
# Read by the tests' server, which this package itself knows nothing of.
_POSTGRES = "OZON_LOCAL_POSTGRES"

# Minutes of work, or an engine that is installed first: only where they are asked for.
_ONLY_WHEN_ASKED_FOR = (Tier.LONG, Tier.DOCKER)
# Each worker has a PostgreSQL and sandboxes of its own.
_MOST_WORKERS = 4


def names_of_tests(incomplete: str = "") -> list[str]:
    """The tests' files by their plain names, for the shell's completion."""
    return sorted(name for name in (_plain(file) for file in _test_files()) if name.startswith(incomplete))


def run_tests(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="What to run: a file's or a test's name or a part of it (`complete_workflow`), or a path.",
            autocompletion=names_of_tests,
        ),
    ] = None,
    tier: Annotated[
        list[Tier] | None,
        typer.Option(
            help="Only these; may be given more than once. `faults` are the tests of all tiers that break something "
            "on purpose; `long` takes minutes and `docker` installs an engine: by themselves both are left out."
        ),
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Measure lines and branches; reports in .local/coverage/.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML, for a CI system.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes to run them in; 0 is this one. By itself one a core, up to 4.")
    ] = None,
    postgres: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Run them on this PostgreSQL, by the folder of its programs, not on the embedded one."
        ),
    ] = None,
    pytest_options: Annotated[
        list[str] | None,
        typer.Option(
            "--pytest",
            metavar="OPTION",
            help="Handed to pytest: `--pytest=-x`; `--pytest=--randomly-seed=1` repeats an order of the tests.",
        ),
    ] = None,
) -> None:
    """Check that this machine can run the tests, then run them, in random order: all, by tier or by name.

    Exit code: 0 all passed; 1 some failed, or the machine cannot run them; 2 wrong usage or interrupted.

    Example: ozon test complete_workflow --coverage --junit results.xml
    """
    if not _TESTS.is_dir():
        raise ConfigurationError(f"{_TESTS} is missing: run `ozon test` in a checkout of the project.")
    command = [
        *(sys.executable, "-m", "pytest"),
        *_selection(names or [], tier or []),
        *_workers(workers),
        *_reports(coverage, junit),
        *(pytest_options or []),
    ]
    if postgres:
        os.environ[_POSTGRES] = str(postgres.expanduser().absolute())
    os.chdir(_ROOT)
    _check_environment()
    sys.stdout.flush()
    # In place of this process: a signal that is meant for the tests reaches them.
    os.execv(command[0], command)  # noqa: S606 - our own interpreter


def _selection(names: Sequence[str], tiers: Sequence[Tier]) -> list[str]:
    """The pytest arguments that pick the tests. Raises ConfigurationError for a name that no test has."""
    return [*dict.fromkeys(found for name in names for found in _called(name)), "-m", _marks(names, tiers)]


def _marks(names: Sequence[str], tiers: Sequence[Tier]) -> str:
    wanted = [f"({' or '.join(tiers)})"] if tiers else []
    # Who names a test wants it, however long it takes; nobody gets an engine installed by a name.
    left_out = [tier for tier in _ONLY_WHEN_ASKED_FOR if tier not in tiers and not (tier is Tier.LONG and names)]
    return " and ".join([*wanted, *(f"not {tier}" for tier in left_out)])


def _called(name: str) -> list[str]:
    """What a name means: a path; else the file called so; else all files, else all tests, of whose names it is part."""
    if "/" in name or name.partition("::")[0].endswith(".py"):
        if not (_ROOT / name.partition("::")[0]).exists():
            raise ConfigurationError(f"There is no {name} in {_ROOT}; give a file or folder below tests/, or a name.")
        return [name]
    # As it stands in the code, also if written in words.
    plain = re.sub(r"\W+", "_", name).removeprefix("test_")
    files = {str(file.relative_to(_ROOT)): _plain(file) for file in _test_files()}
    for found in (
        [file for file, name in files.items() if name == plain],
        [file for file, name in files.items() if plain in name],
        _single_tests(plain),
    ):
        if found:
            return found
    similar = get_close_matches(plain, names_of_tests(), n=3)
    hint = f"did you mean {', '.join(similar)}?" if similar else "the files below tests/ have them."
    raise ConfigurationError(f"No test is called {name!r}; {hint}")


def _single_tests(plain: str) -> list[str]:
    function = re.compile(rf"^def (test_\w*{re.escape(plain)}\w*)", re.MULTILINE)
    return [
        f"{file.relative_to(_ROOT)}::{name}"
        for file in _test_files()
        for name in function.findall(file.read_text(encoding="utf-8"))
    ]


def _test_files() -> list[Path]:
    return sorted(_TESTS.rglob("test_*.py"))


def _plain(file: Path) -> str:
    return file.stem.removeprefix("test_")


def _workers(wanted: int | None) -> list[str]:
    count = min(os.cpu_count() or 1, _MOST_WORKERS) if wanted is None else wanted
    return ["-n", str(count), "--dist", "loadgroup"]


def _reports(coverage: bool, junit: Path | None) -> list[str]:
    measured = ("--cov", "--cov-report=term:skip-covered", "--cov-report=html", "--cov-report=xml") if coverage else ()
    return [*measured, *([f"--junitxml={junit.expanduser().absolute()}"] if junit else [])]


def _check_environment() -> None:
    """Raises FatalError where the tests cannot run; what is missing was printed then."""
    command = [sys.executable, "-m", _ENVIRONMENT_CHECK, *(["--quiet"] if is_quiet() else [])]
    if subprocess.run(command, cwd=_ROOT, check=False).returncode:  # noqa: S603 - our own interpreter
        raise FatalError("This machine cannot run the tests; what is missing is above.")
