"""The shell script that cron's lines call: cron starts a command with almost no environment."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from include.ozon.files import airflow_home

IF_DUE = "--if-due"
NOT_DUE_EXIT_CODE = 10
"""Of ``ozon schedule due``; the codes of `ozon health` are others."""

_TITLE = "# Written by `ozon schedule install --target crontab`, with the environment of that terminal."
_PREFIXES = ("OZON_", "AIRFLOW_")
_ALSO = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *(name for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (proxy, proxy.upper())),
)
# About a process and what it belongs to, not about the installation.
_NOT = ("OZON_LOCAL_PROCESS", "OZON_TESTS_SCRATCH")
_NOT_PREFIX = "AIRFLOW_CTX_"
# cron starts in another folder than the terminal.
_PATHS = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "OZON_CONFIG", "OZON_LOCAL_HOME")
_SEARCH_PATHS = ("PATH", "PYTHONPATH")

_ASK = f"""\
if [ "$1" = {IF_DUE} ]; then
    ozon schedule due "$2"
    code=$?
    if [ "$code" -eq {NOT_DUE_EXIT_CODE} ]; then exit 0; fi
    if [ "$code" -ne 0 ]; then exit "$code"; fi
    shift 2
fi
exec "$@"
"""


def cron_folder(environ: Mapping[str, str]) -> Path:
    """Where the wrapper and the backups are kept: below AIRFLOW_HOME, like all other state."""
    return airflow_home(environ).absolute() / "cron"


def wrapper_path(environ: Mapping[str, str], project: Path) -> Path:
    """Named after the project's folder, because clones may share an AIRFLOW_HOME."""
    return cron_folder(environ) / f"ozon-{sha256(os.fsencode(project)).hexdigest()[:8]}.sh"


def kept_variables(environ: Mapping[str, str], project: Path) -> dict[str, str]:
    """What the wrapper sets, by name: this program's folder comes first in PATH, the project's in PYTHONPATH."""
    kept = {
        name: value
        for name, value in sorted(environ.items())
        if (name in _ALSO or name.startswith(_PREFIXES)) and name not in _NOT and not name.startswith(_NOT_PREFIX)
    }
    for name, first in zip(_SEARCH_PATHS, (Path(sys.executable).parent, project), strict=True):
        folders = kept.get(name, os.defpath if name == "PATH" else "").split(os.pathsep)
        kept[name] = os.pathsep.join(dict.fromkeys([str(first), *(os.path.abspath(each) for each in folders if each)]))
    for name in _PATHS:
        if kept.get(name):
            kept[name] = os.path.abspath(Path(kept[name]).expanduser())
    return kept


def wrapper_script(environ: Mapping[str, str], project: Path) -> bytes:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in kept_variables(environ, project).items()]
    head = [
        _TITLE,
        "# It holds passwords and keys: only its owner may read it. cron runs it as: /bin/sh FILE COMMAND...",
        f"cd {shlex.quote(str(project))} || exit 1",
    ]
    return os.fsencode("\n".join([*head, *exports, _ASK]))


def remove_wrapper(file: Path) -> bool:
    """Whether there was one that `install` had written."""
    if not _is_ours(file):
        return False
    file.unlink()
    return True


def wrapper_problem(file: Path) -> str | None:
    """What keeps cron from running it, or others from not reading it."""
    if not file.is_file():
        return f"{file} is missing"
    found = file.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"{file} holds passwords and may be read by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.read_bytes().startswith(_TITLE.encode())
