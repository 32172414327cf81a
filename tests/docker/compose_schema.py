"""A check of docker-compose.yaml against the schema of docker-compose 1.29, for machines without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

from include.ozon_local.bootstrap import settings_of_pip
from include.ozon_local.home import ROOT

# The last Python package of the program; newer versions are not written in Python and contain no schema.
_PACKAGE = "docker-compose==1.29.2"
_SCHEMA = "compose/config/compose_spec.json"
_FILES = ("docker-compose.yaml", "tests/docker/compose.test.yaml")


def main(state: Path) -> int:
    problems = problems_of(_FILES, _schema(state / "schema"))
    for problem in problems:
        print(problem)
    print(f"{len(_FILES) - len({problem.partition(':')[0] for problem in problems})} passed, {len(problems)} failed")
    return int(bool(problems))


def problems_of(files: tuple[str, ...], schema: dict[str, object]) -> list[str]:
    """Return the files' errors, each beginning with the name of its file."""
    validator = jsonschema.Draft7Validator(schema)
    return [
        f"{file}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for file in files
        for error in validator.iter_errors(yaml.safe_load((ROOT / file).read_text()))
    ]


def _schema(folder: Path) -> dict[str, object]:
    if not (folder / _SCHEMA).exists():
        command = ["uv", "--quiet", "pip", "install", "--no-deps", "--target", str(folder), _PACKAGE]
        subprocess.run([sys.executable, "-m", *command], env={**settings_of_pip(), **os.environ}, check=True)
    found: dict[str, object] = json.loads((folder / _SCHEMA).read_text())
    return found
