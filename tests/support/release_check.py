"""The target `make release-check`: builds the package, and installs it and loads with it as a user does.

Uses an empty environment outside of this folder, with the versions of requirements.txt; only the sandbox and the
embedded PostgreSQL come from here. The last line has the figures.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from include.ozon import __version__
from include.ozon_local.airflow import airflow_environment
from include.ozon_local.bootstrap import settings_of_pip
from include.ozon_local.connections import api_connection, postgres_connection
from include.ozon_local.environment import AIRFLOW_DATABASE, WAREHOUSE_CONNECTION, WAREHOUSE_DATABASE, proxy_exceptions
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import AIRFLOW_ROLE, WAREHOUSE_ROLE, EmbeddedPostgres
from include.ozon_sandbox.process import SandboxProcess
from tests.support import process
from tests.support.agreement import assert_agreement
from tests.support.pipeline import Pipeline

_PRODUCTS = 500
_STEP_SECONDS = 180

# Where a wheel has the files that are beside the code in the repository: see include/ozon/project.py.
_PACKED = {f"{folder}/": f"include/ozon/project_files/{folder}/" for folder in ("config", "dags")} | {
    "requirements.txt": "include/ozon/project_files/requirements.txt"
}


class NotReleasableError(Exception):
    """The package must not be released like this; the message contains the reason."""


@dataclass(frozen=True)
class Installed:
    """The package in an environment of its own in ``folder``."""

    folder: Path

    @property
    def airflow_home(self) -> Path:
        return self.folder / "airflow"

    def program(self, name: str) -> Path:
        return self.folder / "venv" / "bin" / name

    def run(self, name: str, *arguments: str, **variables: str) -> str:
        """Run a program in an empty folder, without PYTHONPATH, and return its output. Raise if it fails."""
        unset = ("PYTHON", "AIRFLOW", "OZON", "VIRTUAL_ENV")
        terminal = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
        env = {**terminal, "AIRFLOW_HOME": str(self.airflow_home), **variables}
        done = process.run(self.program(name), *arguments, env=env, cwd=self.folder, timeout_seconds=_STEP_SECONDS)
        if done.returncode:
            command = " ".join([name, *arguments])
            raise NotReleasableError(f"`{command}` ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def copy_project_files(self) -> None:
        """Run the command of docs/deploy.md that gives Airflow the DAGs, and the user a configuration."""
        files = self.run("python", "-m", "include.ozon.project").strip()
        self.airflow_home.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", f"{files}/dags", f"{files}/config", self.airflow_home], check=True)


def main() -> int:
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ozon-release-") as name:
        folder = Path(name)
        try:
            wheel, sdist = build(folder / "dist")
            refuse([*content_problems(wheel), *version_problems()])
            installed_at = time.monotonic()
            installed = install(wheel, folder)
            install_seconds = time.monotonic() - installed_at
            figures = load(installed)
        except NotReleasableError as error:
            print(f"release-check: {error}")
            return 1
        wheel_mb, sdist_mb = (file.stat().st_size / 1e6 for file in (wheel, sdist))
        sizes = f"wheel {wheel_mb:.1f} MB with {len(names_in(wheel))} files, sdist {sdist_mb:.1f} MB"
    seconds = time.monotonic() - started_at
    print(
        f"release-check: ozon-etl {__version__}; {sizes}; installed in {install_seconds:.0f} s; {figures}; "
        f"{seconds:.0f} s in all"
    )
    return 0


def build(folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel; check their descriptions."""
    _uv("build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    checked = process.run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    if checked.returncode:
        raise NotReleasableError(checked.stdout)
    return wheel, sdist


def refuse(problems: list[str]) -> None:
    if problems:
        raise NotReleasableError("\n".join(problems))


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def content_problems(wheel: Path) -> Iterator[str]:
    """Compare the wheel with the repository: it has the product's files, and no others."""
    expected = set(_packed(_repository_files()))
    found = {name for name in names_in(wheel) if ".dist-info/" not in name}
    yield from (f"{wheel.name} has no {name}" for name in sorted(expected - found))
    yield from (f"{wheel.name} has {name}, which is not in the repository" for name in sorted(found - expected))


def version_problems(root: Path = ROOT) -> Iterator[str]:
    """Compare the places that name the version; ``__version__`` is the source of the package's."""
    if f"\n## [{__version__}]" not in (root / "CHANGELOG.md").read_text("utf-8"):
        yield f"CHANGELOG.md has no section [{__version__}]"
    services = yaml.safe_load((root / "docker-compose.yaml").read_text("utf-8"))["services"].values()
    ours = {image for service in services if (image := service["image"]).startswith("ozon-etl:")}
    if ours != {f"ozon-etl:{__version__}"}:
        yield f"docker-compose.yaml: expected the image ozon-etl:{__version__}, found {', '.join(sorted(ours))}"


def install(wheel: Path, folder: Path) -> Installed:
    """Install the wheel into an empty environment, in the versions of requirements.txt."""
    venv = folder / "venv"
    _uv("venv", "--quiet", "--python", sys.executable, venv)
    pip_install = ("pip", "install", "--quiet", "--python", venv / "bin" / "python")
    _uv(*pip_install, "--require-hashes", "--requirement", ROOT / "requirements.txt")
    _uv(*pip_install, "--no-deps", wheel)
    return Installed(folder)


def load(installed: Installed) -> str:
    """Set up Airflow and the warehouse as docs/deploy.md describes, load, and return the figures."""
    shown = installed.run("ozon", "--version").strip()
    if shown != f"ozon {__version__}":
        raise NotReleasableError(f"`ozon --version` printed {shown!r}")
    installed.copy_project_files()
    postgres = EmbeddedPostgres(installed.folder / "services", durable=False)
    postgres.start()
    try:
        postgres.create_database(WAREHOUSE_DATABASE, WAREHOUSE_ROLE)
        postgres.create_database(AIRFLOW_DATABASE, AIRFLOW_ROLE)
        with SandboxProcess(installed.folder / "sandbox", {"main": _PRODUCTS}) as sandbox:
            dsn = postgres.dsn(WAREHOUSE_DATABASE, WAREHOUSE_ROLE)
            metadata_dsn = postgres.dsn(AIRFLOW_DATABASE, AIRFLOW_ROLE)
            variables = environment(installed, dsn, metadata_dsn, sandbox)
            for command in (
                ("airflow", "db", "migrate"),
                ("airflow", "pools", "set", "ozon_alerts", "1", "Alerts"),
                ("airflow", "dags", "reserialize"),
                ("ozon", "db", "upgrade"),
            ):
                installed.run(*command, **variables)
            checks = json.loads(installed.run("ozon", "doctor", "--output", "json", **variables))["data"]["checks"]
            started_at = time.monotonic()
            installed.run("ozon", "run", **variables)
            seconds = time.monotonic() - started_at
            assert_agreement(Pipeline(sandbox, dsn))
    finally:
        postgres.stop()
    counts = {status: sum(check["status"] == status for check in checks) for status in ("ok", "warning")}
    return (
        f"doctor {counts['ok']} ok, {counts['warning']} warnings; {_PRODUCTS} products and their stock loaded in "
        f"{seconds:.0f} s"
    )


def environment(
    installed: Installed, warehouse_dsn: str, metadata_dsn: str, sandbox: SandboxProcess
) -> Mapping[str, str]:
    """Return the variables for production, with Airflow's default folders for DAGs and plugins."""
    ours = airflow_environment(installed.folder, metadata_dsn)
    defaults = ("PYTHONPATH", "AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER")
    return {
        **proxy_exceptions(os.environ),
        **{name: value for name, value in ours.items() if name not in defaults},
        **dict(api_connection(name, sandbox.base_url, keys) for name, keys in sandbox.accounts.items()),
        WAREHOUSE_CONNECTION: postgres_connection(warehouse_dsn),
        "OZON_ENV": "production",
        "OZON__RETRY__RETRIES": "0",  # production waits for minutes
    }


def _repository_files() -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def _packed(names: Iterable[str]) -> Iterator[str]:
    """Yield the name in the wheel of each file that belongs there."""
    for name in names:
        if name.startswith("include/ozon/"):
            yield name
        for source, target in _PACKED.items():
            if name.startswith(source):
                yield re.sub(f"^{re.escape(source)}", target, name)


def _uv(*arguments: object) -> None:
    env = {**settings_of_pip(), **os.environ}
    done = process.run(sys.executable, "-m", "uv", *arguments, env=env, timeout_seconds=600)
    if done.returncode:
        raise NotReleasableError(f"uv {arguments[0]} failed:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
