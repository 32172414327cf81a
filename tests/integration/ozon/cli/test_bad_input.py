"""Bad input: every command answers with one sentence and exit code 2, as a process, and starts nothing.

The commands are Typer's own list; what a test has to know of one stands in tests/support/commands.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.core import TyperGroup

from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.commands import NONSENSE, ROWS, Reported, commands, everything, is_refused, own_options

COMMANDS = dict(commands())
WRONG_VALUES = [
    (words, (param.opts[0], NONSENSE) if not param.is_flag else (f"{param.opts[0]}={NONSENSE}",))
    for words, found in COMMANDS.items()
    for param in own_options(found)
    if is_refused(param)
]
WRONG_LINES = [(words, arguments) for words, row in ROWS.items() for arguments in row.wrong]
NEEDS_ARGUMENTS = [
    words
    for words, found in COMMANDS.items()
    if any(p.required and p.param_type_name == "argument" for p in found.params)
]
READS_CONFIGURATION = [words for words, row in ROWS.items() if row.configuration is not None]


def test_every_command_has_its_row() -> None:
    missing, gone = COMMANDS.keys() - ROWS.keys(), ROWS.keys() - COMMANDS.keys()

    assert not missing, (
        f"tests/support/commands.py: add a row to ROWS for {', '.join(sorted(missing))}: what to call it with, which "
        "command lines it refuses, and how it ends where what it needs is not there."
    )
    assert not gone, f"tests/support/commands.py: there is no command {', '.join(sorted(gone))}; delete its row."


@pytest.mark.parametrize("words", [words for words, _ in everything()])
def test_an_unknown_option_or_command(words: str, ozon: Ozon) -> None:
    done = ozon(None, *words.split(), f"--{NONSENSE}")
    assert_one_sentence(done, 2, f"--{NONSENSE}")
    assert f"see `{f'ozon {words}'.strip()} --help`" in done.stderr
    if isinstance(dict(everything())[words], TyperGroup):
        assert_one_sentence(ozon(None, *words.split(), NONSENSE), 2, f"No such command '{NONSENSE}'; see `ozon")


@pytest.mark.parametrize(("words", "arguments"), WRONG_VALUES, ids=str)
def test_a_value_that_is_not_of_its_options_type(words: str, arguments: tuple[str, ...], ozon: Ozon) -> None:
    done = ozon(None, *words.split(), *ROWS[words].arguments, *arguments)
    assert_one_sentence(done, 2, arguments[0].partition("=")[0])
    assert "Value error" not in done.stderr


@pytest.mark.parametrize(("words", "arguments"), WRONG_LINES, ids=str)
def test_a_command_line_that_the_command_itself_refuses(words: str, arguments: tuple[str, ...], ozon: Ozon) -> None:
    assert_one_sentence(ozon(None, *words.split(), *arguments), 2, "")


@pytest.mark.parametrize("words", NEEDS_ARGUMENTS)
def test_an_argument_that_is_missing(words: str, ozon: Ozon) -> None:
    assert_one_sentence(ozon(None, *words.split()), 2, "Missing argument")


@pytest.mark.parametrize("words", COMMANDS)
def test_an_environment_or_a_file_that_there_is_not(words: str, ozon: Ozon) -> None:
    command = (*words.split(), *ROWS[words].arguments)
    assert_one_sentence(ozon(None, *command, "--env", NONSENSE), 2, "--env: expected one of development, ")
    assert_one_sentence(
        ozon(None, *command, "--config", "/nowhere/ozon.toml"), 2, "file /nowhere/ozon.toml does not exist"
    )


@pytest.mark.long
@pytest.mark.parametrize("words", READS_CONFIGURATION)
def test_a_configuration_that_cannot_be_used(words: str, ozon: Ozon, tmp_path: Path) -> None:
    (tmp_path / "ozon.toml").write_text("[default\n")
    command, expected = (*words.split(), *ROWS[words].arguments), ROWS[words].configuration
    for variables, message in (
        ({"OZON_ENV": NONSENSE}, f'OZON_ENV: unknown environment "{NONSENSE}"; allowed: '),
        ({"OZON_CONFIG": "/nowhere/ozon.toml"}, "/nowhere/ozon.toml: file not found"),
        ({"OZON_CONFIG": str(tmp_path / "ozon.toml")}, "ozon.toml: is not valid TOML"),
    ):
        done = ozon(None, *command, **variables)
        assert "Traceback" not in done.stdout + done.stderr
        if isinstance(expected, Reported):
            assert (done.returncode, done.stderr) == (expected.exit_code, "")
            assert " ".join(message.split()[:2]) in " ".join(done.stdout.split())
        else:
            # One sentence for each error.
            assert (done.returncode, done.stdout) == (expected, "")
            first, *problems = done.stderr.splitlines()
            assert first == "ozon: The configuration has 1 problem:"
            (problem,) = problems
            assert message in problem
