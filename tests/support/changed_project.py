"""A copy of the project that a test changes like a developer and runs like a user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from include.ozon_local.home import ROOT
from tests.support import process, scratch
from tests.support.airflow_runs import Airflow, FinishedRun
from tests.support.documents import data_of

_VERSIONS = "include/ozon/warehouse/migrations/versions"
_SECONDS = 180


class ChangedProject:
    """A copy of the project; ``environment`` is the environment for the original."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.folder = scratch.new_folder("project")
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, found.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        # The programs still come from the .venv that the tests run in.
        moved = ("PYTHONPATH", "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER")
        own = {name: environment[name].replace(str(ROOT), str(self.folder), 1) for name in moved}
        self.environment = {**environment, **own}

    def follow(self, recipe: str) -> None:
        """Carry out a recipe of CONTRIBUTING.md as it stands: write its files, apply its diffs, run its commands."""
        page = (self.folder / "CONTRIBUTING.md").read_text("utf-8")
        (text,) = re.findall(rf"^### {recipe}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            match language:
                case "python":
                    path, _, content = block.removeprefix("# ").partition("\n")
                    (self.folder / path).write_text(content, "utf-8")
                case "diff":
                    apply = ["git", "apply", "--verbose"]
                    subprocess.run(apply, cwd=self.folder, input=block, check=True, text=True)
                case "sh":
                    self.shell(block)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the only occurrence of ``old`` in a file."""
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path}: expected one {old!r}, found {text.count(old)}"
        file.write_text(text.replace(old, new), "utf-8")

    def add_migration(self, text: str) -> None:
        """Add a migration after the last one, whose revision replaces ``HEAD``."""
        revisions = sorted(file.name[:4] for file in (self.folder / _VERSIONS).glob("[0-9]*.py"))
        (self.folder / _VERSIONS / "9001_added.py").write_text(text.replace("HEAD", revisions[-1]), "utf-8")

    def shell(self, script: str) -> str:
        """Return the script's stdout; raise if it fails."""
        path = f"{process.OZON.parent}:{os.environ['PATH']}"
        done = process.run("bash", "-euc", script, env={**self.environment, "PATH": path}, cwd=self.folder)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def command(self, name: str, *arguments: str) -> process.Done:
        """Run a program of the tests' environment in the copy."""
        program = process.OZON.with_name(name)
        return process.run(program, *arguments, env=self.environment, cwd=self.folder, timeout_seconds=_SECONDS)

    def ozon(self, *arguments: str, exit_code: int = 0) -> str:
        """Return the command's stdout; raise unless it ends with ``exit_code``."""
        done = self.command("ozon", *arguments)
        assert done.returncode == exit_code, f"ozon {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ozon_json(self, *arguments: str, exit_code: int = 0) -> Any:
        return data_of(self.ozon(*arguments, exit_code=exit_code))

    def load(self, **variables: str) -> FinishedRun:
        """Run the DAG by the real ``airflow dags test``."""
        return Airflow({**self.environment, **variables}, self.folder).run()
