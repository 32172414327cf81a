"""The images that docker-compose.yaml names: pulled if possible, otherwise replaced by stand-ins with their tags.

A stand-in has the user, folders, entry point and commands that the stack uses, and the packages that our Dockerfile
requires. Its contents come from the host, because containers have no network.
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
    """Return the images that we do not build: those of the services, and the base of our Dockerfile."""
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].values()
    ours = {service["image"] for service in services if "build" in service}
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [*base, *sorted({service["image"] for service in services} - ours)]


def provide_images(state: Path, engine_is_ours: bool) -> list[str]:
    """Pull or build all images; return those that are stand-ins."""
    stand_ins = []
    for image in needed_images():
        if engine_is_ours or not (_label(image) == "" or _pulled(image)):
            _build(image, state)
            stand_ins.append(image)
    return stand_ins


def remove_images(images: Iterable[str]) -> None:
    """Remove the stand-ins from a shared engine, where others would mistake them for the real images."""
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
    """Return the key of a stand-in's sources; "" for an image that is not a stand-in, None without an image."""
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
    """Import a small Debian with the packages of all stand-ins; keep it as a file for the next engine."""
    if _label(BASE) is not None:
        return
    archive = state / f"{_DEBIAN}-{hashlib.sha256(_DEBIAN_PACKAGES.encode()).hexdigest()[:8]}.tar"
    if not archive.exists():
        root = state / "root"
        shutil.rmtree(root, ignore_errors=True)
        state.mkdir(parents=True, exist_ok=True)
        _run("debootstrap", "--variant=minbase", f"--include={_DEBIAN_PACKAGES}", _DEBIAN, root)
        # With this file pip refuses to install packages.
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
    # The programs' first lines name this machine's Python.
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
    # aiosmtpd and its dependencies, as the lock pins them for this machine's Python.
    lines = "".join(pinned(name) for name in ("aiosmtpd", "atpublic", "attrs"))
    file = context / "requirements.txt"
    file.write_text(lines)
    _install(context / "site-packages", "--requirement", file)
    shutil.copy(SOURCES / "mailpit", context / "mailpit")


def _nothing(context: Path) -> None:
    """Add nothing: the base image has everything."""


def _install(target: Path, *what: str | Path) -> None:
    _run(
        *(sys.executable, "-m", "uv", "--quiet", "pip", "install", "--target", target, "--python-version", "3.11"),
        *what,
        settings=settings_of_pip(),
    )


def _run(*command: str | Path, settings: Mapping[str, str] | None = None) -> None:
    # Without this a newer client would look for a builder that Debian's engine does not have.
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
