"""The shell script that the crontab's lines call, because cron starts commands with almost no environment."""

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
"""The exit code of ``ozon schedule due``; it differs from those of `ozon health`."""

_TITLE = "# Written by `ozon schedule install --target crontab`, with the environment of that terminal."
_PREFIXES = ("OZON_", "AIRFLOW_")
_OTHER_NAMES = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *(name for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (proxy, proxy.upper())),
)
# They describe a process, not the installation.
_EXCLUDED = ("OZON_LOCAL_PROCESS", "OZON_TESTS_SCRATCH")
_EXCLUDED_PREFIX = "AIRFLOW_CTX_"
# cron starts in another folder than the terminal.
_PATHS = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "OZON_CONFIG", "OZON_LOCAL_HOME")
_SEARCH_PATHS = ("PATH", "PYTHONPATH")

_BODY = f"""\
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
    """Return the folder of the wrapper and the backups: below AIRFLOW_HOME, like all other state."""
    return airflow_home(environ).absolute() / "cron"


def wrapper_path(environ: Mapping[str, str], project: Path) -> Path:
    """Return the wrapper's path, which depends on the project's folder: clones may share an AIRFLOW_HOME."""
    return cron_folder(environ) / f"ozon-{sha256(os.fsencode(project)).hexdigest()[:8]}.sh"


def kept_variables(environ: Mapping[str, str], project: Path) -> dict[str, str]:
    """Return the wrapper's variables: PATH begins with this program's folder, PYTHONPATH with the project's."""
    kept = {
        name: value
        for name, value in sorted(environ.items())
        if (name in _OTHER_NAMES or name.startswith(_PREFIXES))
        and name not in _EXCLUDED
        and not name.startswith(_EXCLUDED_PREFIX)
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
        "# It contains passwords and keys: only its owner may read it. cron runs it as: /bin/sh FILE COMMAND...",
        f"cd {shlex.quote(str(project))} || exit 1",
    ]
    return os.fsencode("\n".join([*head, *exports, _BODY]))


def remove_wrapper(file: Path) -> bool:
    """Remove the wrapper; return False if `install` has not written it."""
    if not _is_ours(file):
        return False
    file.unlink()
    return True


def wrapper_problem(file: Path) -> str | None:
    """Return why cron cannot run the wrapper or others can read it, if so."""
    if not file.is_file():
        return f"{file} is missing"
    found = file.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"{file} contains passwords and can be read by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.read_bytes().startswith(_TITLE.encode())
