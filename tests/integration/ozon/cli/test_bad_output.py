"""A closed pipe, a full disk, and Ctrl-C while a command waits, as processes."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from include.ozon_local.home import LOOPBACK, ROOT
from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import environment
from tests.support import process
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.faults

SHOW = ["config show", "config show --output json", "config validate", "--help", "runs --help"]
NO_NAMESPACE = os.geteuid() != 0 or shutil.which("unshare") is None


def shell(script: str, home: Path, dsn: str = "postgresql://ozon@127.0.0.1:1/warehouse") -> tuple[int, str]:
    script = script.replace("ozon ", f"{shlex.quote(str(process.OZON))} ", 1)
    done = process.run("bash", "-c", script, env=environment(home, dsn))
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", SHOW)
def test_a_closed_pipe_prints_no_error(words: str, tmp_path: Path) -> None:
    # The reader is gone before anything is written.
    script = (
        f"set -o pipefail; {{ until [ -e gone ]; do sleep 0.05; done; ozon {words}; }} | {{ exec <&-; touch gone; }}"
    )
    script = script.replace("gone", shlex.quote(str(tmp_path / "gone")))
    assert shell(script, tmp_path) == (1, "")


@pytest.mark.parametrize("words", SHOW)
def test_a_full_disk_is_one_sentence(words: str, tmp_path: Path) -> None:
    code, stderr = shell(f"ozon {words} > /dev/full", tmp_path)
    assert code == 1
    assert stderr == (
        "ozon: The output cannot be written (No space left on device). Free disk space, and run this again.\n"
    )


@pytest.mark.parametrize("words", SHOW)
def test_no_output_at_all_is_wanted(words: str, tmp_path: Path) -> None:
    assert shell(f"ozon {words} >&-", tmp_path) == (0, "")


@pytest.mark.skipif(NO_NAMESPACE, reason="needs root and unshare, to mount a small file system that only the test sees")
def test_a_report_that_finds_no_room_is_one_sentence_and_leaves_nothing(
    start_sandbox: StartSandbox, warehouse_dsn: str, tmp_path: Path
) -> None:
    Pipeline(start_sandbox({"main": 50}), warehouse_dsn).load()
    folder = tmp_path / "small"
    folder.mkdir()
    script = (
        f"unshare --mount sh -c 'mount -t tmpfs -o size=8k none {folder} && head -c 8192 /dev/zero > {folder}/full; "
        f'"$0" visibility --output html --save-report --folder {folder} > /dev/null; code=$?; '
        f"ls -A {folder} >&2; exit $code' ozon "
    )

    code, stderr = shell(script, tmp_path, warehouse_dsn)

    sentence, *left = stderr.splitlines()
    assert code == 2
    assert sentence.startswith("ozon: The report visibility-")
    assert "(No space left on device)" in sentence
    assert left == ["full"]


def test_ctrl_c_while_it_waits_for_the_warehouse(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        dsn = f"postgresql://ozon:pass-word-1@{LOOPBACK}:{silent.getsockname()[1]}/warehouse"
        command = subprocess.Popen(
            [str(process.OZON), "db", "status"], env=environment(tmp_path, dsn), cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        with silent.accept()[0]:  # it is connected, and gets no answer
            command.send_signal(signal.SIGINT)
            shown, stderr = command.communicate()

    assert (command.returncode, shown, stderr) == (130, "", "ozon: Interrupted.\n")
