"""Common features of all commands, from Typer's own list: help, JSON and shell completion."""

from __future__ import annotations

import inspect
import os
import re
import shutil

import pytest
import typer

from include.ozon.cli import app
from include.ozon_local.home import ROOT
from tests.integration.ozon.cli.conftest import Ozon
from tests.support import process
from tests.support.commands import ROWS, commands, own_options
from tests.support.documents import data_of

COMMANDS = dict(commands())
# Exit codes beyond 0, 1, 2 and 130, which the help of `ozon` itself names.
OWN_CODES = {"health": "0 healthy, 1 warning, 2 critical, 3", "run": "3 another run is loading the account, 130 or 143",
             "schedule due": "10 if it is not"}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_shows_all_that_is_written_and_an_example_that_is_understood(words: str, ozon: Ozon) -> None:
    done = ozon(None, *words.split(), "--help", COLUMNS="200")

    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    written = " ".join((COMMANDS[words].help or "").split())
    # A table's name in brackets would be interpreted as markup and disappear.
    assert written in text, f"ozon {words}: the help leaves out a part of the docstring; are there brackets in it?"
    (example,) = re.findall(r"Example: (.*)", done.stdout) or [""]
    assert example.startswith(f"ozon {words}"), f"ozon {words}: add a line `Example: ozon {words} ...` to its docstring"
    assert "Exit code" in text or not raises_exit(words), f"ozon {words}: it ends with codes of its own; name them"
    assert OWN_CODES.get(words, "") in text


def raises_exit(words: str) -> bool:
    """Return whether the command's function sets its own exit code."""
    return "typer.Exit(" in inspect.getsource(inspect.unwrap(COMMANDS[words].callback))


def test_the_help_of_ozon_names_the_exit_codes_of_all(ozon: Ozon) -> None:
    text = " ".join(ozon(None, "--help", COLUMNS="200").stdout.split())
    assert "Exit codes: 0 done; 1 failed for an external reason; 2 the command line" in text
    assert "Example: ozon runs --last 5" in text


def test_every_output_is_available_as_json() -> None:
    """Other tests check that the output is only JSON: those of surroundings and of each command."""
    without = {
        words for words, found in COMMANDS.items() if not any("--output" in param.opts for param in own_options(found))
    }
    assert without == {words for words, row in ROWS.items() if not row.has_json}, (
        "give the command `output: Output` of cli/common.py and print_json, or say in tests/support/commands.py "
        "(has_json) why there is nothing to show"
    )


SHOWN = {
    "alerts": (), "alerts inbox": (), "config show": (), "config validate": (), "db status": (), "db upgrade": (),
    "health": ("--checks", "warehouse"), "maintenance": ("--dry-run", "staging"), "runs": (),
    "schedule status": (), "schedule restore": (), "schedule validate": (), "db downgrade": ("-1",),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("words", [words for words in SHOWN if words != "schedule restore"])
def test_json_is_all_that_is_on_stdout(words: str, ozon: Ozon, warehouse_dsn: str, tmp_path: object) -> None:
    (ROOT / ".local").mkdir(exist_ok=True)
    variables = {"OZON__ALERTS__INBOX_FOLDER": f"{tmp_path}/none", "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags")}

    done = ozon(warehouse_dsn, *words.split(), *SHOWN[words], "--output", "json", **variables)

    assert data_of(done.stdout) is not None
    assert done.stderr == ""


def complete(line: str) -> list[str]:
    """Return bash's completions at the line's end, with the script of `ozon --show-completion`."""
    script = f"""
        eval "$(ozon --show-completion)"
        COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _ozon_completion ozon
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{process.OZON.parent}:{os.environ['PATH']}"
    # Typer detects the shell that has started it.
    done = process.run("bash", "-c", script, env={**os.environ, "PATH": path, "SHELL": "/bin/bash"})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_and_environments() -> None:
    visible = {words.split()[0] for words, found in COMMANDS.items() if not found.hidden}
    assert set(complete('ozon ""')) == visible
    assert complete("ozon db up") == ["upgrade"]
    assert "--accept-guard" in complete("ozon run --")
    assert complete('ozon --env ""') == ["development", "testing", "production"]
    assert complete('ozon runs --output ""') == ["text", "json"]


def test_the_list_of_commands_is_the_one_that_is_installed() -> None:
    assert {words.split()[0] for words in COMMANDS} == set(typer.main.get_command(app).commands)
