from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.ozon_local import processes
from include.ozon_local.home import ROOT

SLEEP = "import time; time.sleep(120)"
READY_THEN_SLEEP = f"print('ready', flush=True); {SLEEP}"
IGNORE_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"


@pytest.fixture
def no_process_left(tmp_path: Path) -> Iterator[None]:
    yield
    processes.end(processes.marked(lambda home: home == tmp_path), grace_seconds=0)


def start(program: str, home: Path) -> subprocess.Popen[str]:
    """Start a Python program, and wait until it has printed a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=processes.child_environment(home),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.mark.usefixtures("no_process_left")
def test_a_grandchild_is_found_after_its_parent_was_killed(tmp_path: Path) -> None:
    parent = start(
        # Waits for the grandchild's output: right after its exec the kernel does not show its environment yet.
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {READY_THEN_SLEEP!r}]); {SLEEP}",
        tmp_path,
    )
    parent.kill()
    parent.wait()

    found = processes.marked(lambda home: home == tmp_path)
    assert len(found) == 1

    processes.end(found, grace_seconds=10)
    assert not found[0].is_running()


@pytest.mark.usefixtures("no_process_left")
def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    stubborn = start(f"{IGNORE_SIGTERM} print('ready', flush=True); {SLEEP}", tmp_path)

    processes.end([psutil.Process(stubborn.pid)], grace_seconds=0.2)

    assert stubborn.wait() in (-signal.SIGKILL, 0)
    assert not psutil.pid_exists(stubborn.pid)


@pytest.mark.usefixtures("no_process_left")
def test_a_tied_process_ends_with_its_parent(tmp_path: Path) -> None:
    parent = start(
        "import subprocess, sys; from include.ozon_local.processes import tied;"
        f"child = subprocess.Popen(tied([sys.executable, '-c', {SLEEP!r}]));"
        f"print(child.pid, flush=True); {SLEEP}",
        tmp_path,
    )
    child = processes.marked(lambda home: home == tmp_path)
    parent.kill()
    parent.wait()

    _, alive = psutil.wait_procs(child, timeout=10)
    assert not alive


def test_the_first_signal_interrupts_and_the_next_does_not_stop_the_clean_up(tmp_path: Path) -> None:
    process = start(
        "import sys, time; from include.ozon_local import processes; processes.raise_on_signals()\n"
        "try:\n    print('ready', flush=True); time.sleep(120)\n"
        "except processes.Interrupted as interrupted:\n"
        "    print('cleaning', flush=True); time.sleep(0.5)\n"
        "    print('cleaned', flush=True); sys.exit(interrupted.exit_code)",
        tmp_path,
    )
    assert process.stdout
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "cleaning\n"
    process.send_signal(signal.SIGINT)

    assert process.communicate()[0] == "cleaned\n"
    assert process.returncode == 128 + signal.SIGTERM


def test_a_process_id_reused_by_another_program_is_ignored(tmp_path: Path) -> None:
    file = processes.ProcessFile(tmp_path / "process_id", word="no-such-word")
    file.record(os.getpid())
    assert file.process() is None

    ours = processes.ProcessFile(tmp_path / "process_id", word=psutil.Process().cmdline()[-1])
    found = ours.process()
    assert found
    assert found.pid == os.getpid()


def test_the_tail_of_a_missing_log_is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("1\n2\n3\n")

    assert processes.tail(tmp_path / "log", lines=2) == "2\n3"
    assert processes.tail(tmp_path / "none") == "(no log)"
