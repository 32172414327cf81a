"""A Docker engine for the tests: the one that is running, or a new one that ends with the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from include.ozon_local.processes import tail, tied

START_SECONDS = 60
STOP_SECONDS = 60
# The engine, compose, and the builder of the stand-ins' root file system.
_PACKAGES = ("docker.io", "docker-compose", "debootstrap")
_PROGRAMS = ("dockerd", "docker-compose", "debootstrap")


class NoEngineError(Exception):
    """No engine runs and none can be started; the message has the reason."""


@contextmanager
def running_engine(state: Path) -> Iterator[bool]:
    """Provide an engine for ``docker``; yield whether it is ours, with its images below ``state``.

    Raises `NoEngineError` if no engine runs and none can be started.
    """
    if _answers():
        yield False
        return
    _install_missing()
    # A short path: a socket's path may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="ozon-docker-") as folder:
        address = f"unix://{folder}/docker.sock"
        log = state / "dockerd.log"
        state.mkdir(parents=True, exist_ok=True)
        command = [
            *("dockerd", "--host", address, "--data-root", str(state / "engine")),
            *("--exec-root", f"{folder}/run", "--pidfile", f"{folder}/dockerd.pid"),
            # No network: containers and image builds get everything from the host.
            *("--bridge", "none"),
        ]
        with log.open("wb") as output:
            server = subprocess.Popen(tied(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        os.environ["DOCKER_HOST"] = address
        try:
            _wait_until_it_answers(server, log)
            yield True
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            del os.environ["DOCKER_HOST"]


def _answers() -> bool:
    return shutil.which("docker") is not None and _succeeds(["docker", "version"])


def _install_missing() -> None:
    missing = [package for package, program in zip(_PACKAGES, _PROGRAMS, strict=True) if shutil.which(program) is None]
    if not missing:
        if os.geteuid() != 0:
            raise NoEngineError("no Docker engine runs, and only root may start one")
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoEngineError(f"no Docker engine runs, and {', '.join(missing)} can only be installed by root on Debian")
    print(f"Installing {' '.join(missing)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "--quiet", "--quiet", "update"],
        ["apt-get", "--quiet", "--quiet", "install", "--yes", "--no-install-recommends", *missing, "iptables"],
    ):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise NoEngineError(f"`{' '.join(command)}` failed: {' '.join(done.stderr.split())[-300:]}")


def _wait_until_it_answers(server: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not _answers():
        if server.poll() is not None or time.monotonic() > give_up_at:
            raise NoEngineError(f"dockerd did not start. The end of {log}:\n{tail(log)}")
        time.sleep(0.2)


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
