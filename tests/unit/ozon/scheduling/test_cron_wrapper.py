"""The script that sets the environment of cron's commands."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from include.ozon.errors import ConfigurationError, FatalError
from include.ozon.files import write_private
from include.ozon.scheduling.backups import read_backup, save_backup
from include.ozon.scheduling.wrapper import (
    kept_variables,
    remove_wrapper,
    wrapper_path,
    wrapper_problem,
    wrapper_script,
)
from tests.unit.ozon.scheduling.test_crontab_block import NOW

MINIMAL = {"HOME": "/nonexistent", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LOGNAME": "nobody"}


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", str(script), *words], env=MINIMAL, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("secret", ['it\'s $HOME `id` \\ "x"', "two\nlines", "пароль %", "\udcff raw byte", ""])
def test_variables_arrive_as_they_were(secret: str, tmp_path: Path) -> None:
    script = tmp_path / "ozon.sh"
    write_private(script, wrapper_script({"AIRFLOW_CONN_X": secret, "HOME": "/root"}, tmp_path))

    done = run(script, sys.executable, "-c", "import os; print(ascii(os.environ['AIRFLOW_CONN_X']), os.getcwd())")

    assert done.stdout == f"{secret!a} {tmp_path}\n", done.stderr
    assert stat.S_IMODE(script.stat().st_mode) == 0o600


def test_only_what_the_commands_need_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "PATH": "/usr/bin:bin:",
        "AIRFLOW_HOME": "home",
        "OZON_ENV": "production",
        "OZON_CONFIG": "my.toml",
        "AIRFLOW__CORE__FERNET_KEY": "k",
        "https_proxy": "http://proxy:3128",
        "HOME": "/root",
        "AWS_SECRET_ACCESS_KEY": "no business of ours",
        "OZON_LOCAL_PROCESS": "/x",
        "AIRFLOW_CTX_DAG_ID": "x",
    }

    assert kept_variables(environ, Path("/srv/project")) == {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__FERNET_KEY": "k",
        "OZON_CONFIG": str(tmp_path / "my.toml"),
        "OZON_ENV": "production",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:{tmp_path / 'bin'}",
        "PYTHONPATH": "/srv/project",
        "https_proxy": "http://proxy:3128",
    }


@pytest.mark.parametrize(
    ("due_code", "exit_code", "output"),
    [(0, 7, "due metrics\nstarted\n"), (10, 0, "due metrics\n"), (2, 2, "due metrics\n")],
)
def test_a_command_that_is_not_due_is_not_started_and_an_error_is_reported(
    due_code: int, exit_code: int, output: str, tmp_path: Path
) -> None:
    script, stand_in = tmp_path / "ozon.sh", tmp_path / "bin" / "ozon"
    content = wrapper_script({"PATH": f"{stand_in.parent}:/usr/bin:/bin"}, tmp_path)
    own = str(Path(sys.executable).parent).encode()
    write_private(script, content.replace(own + b":", b""))
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$2 $3"\nexit {due_code}\n')
    stand_in.chmod(0o755)

    done = run(script, "--if-due", "metrics", "/bin/sh", "-c", "echo started; exit 7")

    assert (done.returncode, done.stdout) == (exit_code, output), done.stderr


def test_a_wrapper_that_others_may_read_is_a_problem(tmp_path: Path) -> None:
    script = tmp_path / "ozon.sh"
    assert "missing" in (wrapper_problem(script) or "")
    write_private(script, wrapper_script({}, tmp_path))
    assert wrapper_problem(script) is None

    script.chmod(0o640)
    assert "mode 0640" in (wrapper_problem(script) or "")


def test_only_a_file_of_our_own_is_removed(tmp_path: Path) -> None:
    own, other = tmp_path / "own.sh", tmp_path / "other.sh"
    write_private(own, wrapper_script({}, tmp_path))
    other.write_text("#!/bin/sh\n")

    assert [remove_wrapper(file) for file in (own, other, tmp_path / "none.sh")] == [True, False, False]
    assert (own.exists(), other.exists()) == (False, True)


def test_clones_that_share_a_home_have_their_own_wrappers() -> None:
    assert len({wrapper_path({"AIRFLOW_HOME": "/srv"}, Path(folder)) for folder in ("/srv/one", "/srv/two")}) == 2


@pytest.mark.parametrize("content", [b"", None, b"0 1 * * * \xff\r\nno end"])
def test_a_backup_restores_every_byte_and_also_a_missing_crontab(content: bytes | None, tmp_path: Path) -> None:
    files = [save_backup(tmp_path / "new", "crontab", content, NOW) for _ in range(2)]

    assert files[0] != files[1]
    for file in files:
        assert file.name.startswith("crontab-2026-11-24T11-53-52Z")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert read_backup(file) == content


def test_files_that_cannot_be_read_or_written_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_backup(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="cannot be written"):
        save_backup(tmp_path / "file" / "folder", "crontab", b"", NOW)
