"""Creation of ``.venv`` from requirements.lock, which needs only the Python that runs this file.

pip installs uv in the locked version, and uv installs the rest; both check the lock's hashes. A second call is quick: a
stamp in ``.venv`` records its sources.
"""

import sys

# Above everything that an old Python cannot run; hence also no `from __future__ import annotations`.
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"error: expected Python 3.11, 3.12 or 3.13, found {sys.version.split()[0]} ({sys.executable}): "
        "choose another, for example `make PYTHON=python3.12`."
    )

import ast
import fcntl
import hashlib
import importlib.util
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements.lock"
LOCK_FILE = ROOT / ".local" / "venv.lock"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "made-from"


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    LOCK_FILE.parent.mkdir(exist_ok=True)
    with LOCK_FILE.open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        found = STAMP.read_text() if STAMP.exists() else ""
        if found == base() + pins():
            return
        log(f"creating {VENV} from {REQUIREMENTS.name}")
        if not found.startswith(base()):
            create()
        # Without the stamp an interrupted installation is repeated.
        STAMP.unlink(missing_ok=True)
        install()
        STAMP.write_text(base() + pins())


def base() -> str:
    """Return what requires a new ``.venv`` if it changes: its programs contain their Python and their path."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor} in {ROOT}\n"


def pins() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def create() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        sys.exit(f"error: Python's venv module is missing: on Debian and Ubuntu, `apt-get install {name}`.")
    # Not the Python of a virtual environment: that may be the one to be replaced.
    python = Path(sys.executable).resolve()
    run(python, "-m", "venv", "--clear", VENV)


def install() -> None:
    pip = (VENV_PYTHON, "-m", "pip")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as uv_alone:
        uv_alone.write(pinned("uv"))
        uv_alone.flush()
        run(*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", uv_alone.name)
    uv = (VENV_PYTHON, "-m", "uv", "--quiet", "pip")
    # If Python may not write bytecode, each start of Airflow would compile all its imports.
    compiled = ("--compile-bytecode",) if sys.dont_write_bytecode else ()
    run(*uv, "sync", *compiled, "--require-hashes", REQUIREMENTS.name, settings=settings_of_pip())
    # Only for the `ozon` program: the packages are imported from the project's root.
    run(*uv, "install", "--no-deps", "--no-build-isolation", "--editable", ".", settings=settings_of_pip())


def pinned(package: str) -> str:
    """Return the package's lines in the lock, with its hashes."""
    lines = REQUIREMENTS.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    return "\n".join(lines[start : end + 1]) + "\n"


def settings_of_pip() -> dict[str, str]:
    """Return pip's configured package index as uv's variables."""
    listed = subprocess.run([VENV_PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    configured = {}
    # The environment's lines last: they override those of a file.
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        configured[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
    settings = {names[name]: value for name, value in configured.items() if name in names}
    # As pip does; the hashes decide which file is right.
    return {**settings, "UV_INDEX_STRATEGY": "unsafe-best-match"}


def run(*command: str | Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
    environment = {**settings, **os.environ}
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr, start_new_session=True)
    try:
        exit_code = child.wait()
    except BaseException:
        # Installers start child processes: none may still write when the next `make` begins.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if exit_code:
        sys.exit(f"error: could not create {VENV}; the reason is above. Run `make` again to retry.")


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
