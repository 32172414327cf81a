"""Checks of this machine: Python, its packages, and the folders that are written to."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

from include.ozon.checks import Check
from include.ozon.project import PROJECT, REQUIREMENTS

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
FREE_DISK_GB = 1
_NAMED = 5


def python() -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        yield Check("python", "ok", f"Python {found}.")
    else:
        yield Check("python", "failed", f"Expected Python 3.11, 3.12 or 3.13, found {found}: install one of them.")


def packages(requirements: Path = REQUIREMENTS) -> Iterator[Check]:
    """Compare the installed packages with the versions that this package was tested with."""
    if not requirements.is_file():
        yield Check("packages", "unknown", f"Not checked: {requirements} is missing.")
        return
    missing, others = [], []
    for requirement in _pinned(requirements.read_text(encoding="utf-8")):
        installed = _installed_version(requirement.name)
        if installed is None:
            missing.append(requirement.name)
        elif installed not in requirement.specifier:
            others.append(f"{requirement.name} {installed} (tested: {str(requirement.specifier).removeprefix('==')})")
    fix = f"Run `pip install -r {requirements}`."
    if missing:
        yield Check("packages", "failed", f"Not installed: {_some_of(missing)}. {fix}")
    elif others:
        yield Check("packages", "warning", f"Other versions than tested: {_some_of(others)}. {fix}")
    else:
        yield Check("packages", "ok", f"All packages are installed in the versions of {requirements.name}.")


def project() -> Iterator[Check]:
    """Check that any process of Airflow finds this package, and this copy of it."""
    question = "import include.ozon, pathlib; print(pathlib.Path(include.ozon.__file__).resolve().parents[2])"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", question], cwd="/", check=False, capture_output=True, text=True
    )
    found = done.stdout.strip()
    if not done.returncode and found == str(PROJECT):
        yield Check("project", "ok", f"Python finds this package in {PROJECT}.")
        return
    yield Check(
        "project",
        "failed",
        f"Airflow's processes import this package as include.ozon: expected it in {PROJECT}, found "
        f"{f'it in {found}' if found else 'no such package'}. Set PYTHONPATH={PROJECT} for all of them.",
    )


def environment() -> Iterator[Check]:
    if chosen := os.environ.get("OZON_ENV"):
        yield Check("environment", "ok", f"OZON_ENV sets the environment {chosen}.")
    else:
        yield Check(
            "environment",
            "warning",
            "OZON_ENV is not set, so the environment is development. On a server, set OZON_ENV=production.",
        )


def folders(wanted: Iterable[Path]) -> Iterator[Check]:
    """Check that the folders can be written to, and have free space."""
    for folder in dict.fromkeys(wanted):
        name = f"folder {folder.name}"
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        free_gb = shutil.disk_usage(existing).free / 2**30
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            yield Check(
                name,
                "failed",
                f"{folder} cannot be written to: this user may not write to {existing}. Correct its owner or mode.",
            )
        elif free_gb < FREE_DISK_GB:
            yield Check(
                name,
                "failed",
                f"{folder} has {free_gb:.2f} GB of free space, expected {FREE_DISK_GB} GB. Free some, or move it.",
            )
        else:
            yield Check(name, "ok", f"{folder} can be written to and has {free_gb:.0f} GB of free space.")


def _pinned(text: str) -> Iterator[Requirement]:
    for line in text.splitlines():
        requirement = line.partition(" #")[0].rstrip("\\ ").strip()
        if requirement and not requirement.startswith(("#", "-")):
            parsed = Requirement(requirement)
            if parsed.marker is None or parsed.marker.evaluate():
                yield parsed


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _some_of(names: list[str]) -> str:
    further = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {further} more" if further > 0 else "")
