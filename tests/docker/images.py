"""The images that docker-compose.yaml names: pulled where that is possible, and otherwise stand-ins under their tags.

A stand-in has the same user, folders, entry point and commands as far as the stack uses them, and the same packages
that our Dockerfile asks for. Its contents are made on the host, because a container has no way out.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml

from include.ozon_local.bootstrap import pinned, settings_of_pip
from include.ozon_local.home import ROOT
from include.ozon_local.postgres import programs_folder

SOURCES = Path(__file__).parent / "stand_ins"
BASE = "ozon-stand-in:base"
KEY_LABEL = "ozon.stand-in"
_PULL_SECONDS = 300
_DEBIAN = "bookworm"  # whose Python is the official image's 3.11
_DEBIAN_PACKAGES = "python3,python3-distutils,tzdata,curl,ca-certificates,redis-server,dumb-init"


def needed_images() -> list[str]:
    """Those that are not built by us: of the services, and what our Dockerfile begins with."""
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].values()
    ours = {service["image"] for service in services if "build" in service}
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [*base, *sorted({service["image"] for service in services} - ours)]


def provide_images(state: Path, engine_is_ours: bool) -> list[str]:
    """Have all images at hand; those for which a stand-in had to be built."""
    stand_ins = []
    for image in needed_images():
        if engine_is_ours or not (_label(image) == "" or _pulled(image)):
            _build(image, state)
            stand_ins.append(image)
    return stand_ins


def remove_images(images: Iterable[str]) -> None:
    """Take the stand-ins away from an engine that others use: to them they would look like the real ones."""
    for image in [*images, BASE]:
        subprocess.run(["docker", "image", "rm", "--force", image], check=False, capture_output=True)


def _pulled(image: str) -> bool:
    try:
        done = subprocess.run(
            ["docker", "pull", "--quiet", image], check=False, capture_output=True, timeout=_PULL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _label(image: str) -> str | None:
    """What a stand-in was made from; "" for an image that is none, None where there is no such image."""
    template = f'{{{{index .Config.Labels "{KEY_LABEL}"}}}}'
    done = subprocess.run(
        ["docker", "inspect", "--format", template, image], check=False, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _build(image: str, state: Path) -> None:
    name = next(name for start, name in _NAMES.items() if image.startswith(start))
    contents = [_DEBIAN_PACKAGES.encode(), *(file.read_bytes() for file in sorted(SOURCES.glob(f"{name}*")))]
    contents += [(ROOT / file).read_bytes() for file in ("docker/requirements.txt", "requirements.lock")]
    key = hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]
    if _label(image) == key:
        return
    print(f"Building a stand-in of {image}", flush=True)
    _import_base(state)
    context = state / name
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    _CONTEXTS[name](context)
    dockerfile = SOURCES / f"{name}.Dockerfile"
    _run("docker", "build", "--quiet", "--file", dockerfile, "--label", f"{KEY_LABEL}={key}", "--tag", image, context)
    shutil.rmtree(context)


def _import_base(state: Path) -> None:
    """A small Debian with what all stand-ins need; its packages are kept as a file, for the next engine."""
    if _label(BASE) is not None:
        return
    archive = state / f"{_DEBIAN}-{hashlib.sha256(_DEBIAN_PACKAGES.encode()).hexdigest()[:8]}.tar"
    if not archive.exists():
        root = state / "root"
        shutil.rmtree(root, ignore_errors=True)
        state.mkdir(parents=True, exist_ok=True)
        _run("debootstrap", "--variant=minbase", f"--include={_DEBIAN_PACKAGES}", _DEBIAN, root)
        # pip would refuse to look at packages beside Debian's own.
        (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()
        (root / "usr/bin/python").symlink_to("python3")
        draft = archive.with_suffix(".new")
        left_out = [
            f"--exclude=./{folder}" for folder in ("var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/doc/*", "dev/*")
        ]
        _run("tar", "--create", "--file", draft, "--directory", root, *left_out, ".")
        draft.replace(archive)
        shutil.rmtree(root)
    _run("docker", "import", archive, BASE)


def _airflow(context: Path) -> None:
    packages = context / "site-packages"
    _install(packages, "--requirement", ROOT / "docker" / "requirements.txt", "pip")
    # Programs name the Python of this machine.
    programs = context / "bin"
    (packages / "bin").rename(programs)
    for program in programs.iterdir():
        program.write_bytes(
            re.sub(rb"\A#!.*?\n(?:'''exec' .*?\n' '''\n)?", b"#!/usr/bin/python3\n", program.read_bytes())
        )
    shutil.copy(SOURCES / "airflow-entrypoint", context / "entrypoint")


def _postgres(context: Path) -> None:
    installation = programs_folder().parent
    package = installation.parent
    shutil.copytree(installation, context / "postgres" / package.name / installation.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), context / "postgres" / f"{package.name}.libs")
    shutil.copy(SOURCES / "postgres-entrypoint", context / "entrypoint")


def _mail(context: Path) -> None:
    # With what it needs, of any version: the lock has it for this machine's Python.
    lines = "".join(pinned(name) for name in ("aiosmtpd", "atpublic", "attrs"))
    file = context / "requirements.txt"
    file.write_text(lines)
    _install(context / "site-packages", "--requirement", file)
    shutil.copy(SOURCES / "mailpit", context / "mailpit")


def _nothing(context: Path) -> None:
    """All of it is in the base."""


def _install(target: Path, *what: str | Path) -> None:
    _run(
        *(sys.executable, "-m", "uv", "--quiet", "pip", "install", "--target", target, "--python-version", "3.11"),
        *what,
        settings=settings_of_pip(),
    )


def _run(*command: str | Path, settings: Mapping[str, str] | None = None) -> None:
    # The client of today would otherwise look for a builder that Debian's engine does not have.
    environment = {**(settings or {}), **os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(
        command,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"`{' '.join(map(str, command))}` failed:\n{done.stdout[-3000:]}")


_NAMES = {"apache/airflow:": "airflow", "postgres:": "postgres", "redis:": "redis", "axllent/mailpit:": "mail"}
_CONTEXTS: Mapping[str, Callable[[Path], None]] = {
    "airflow": _airflow,
    "postgres": _postgres,
    "redis": _nothing,
    "mail": _mail,
}
