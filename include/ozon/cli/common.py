"""What all commands have in common: their options, where their text goes, and how they end.

Exit codes: 0 done; 1 it could not be done, for a reason outside (one sentence on stderr); 2 the command line or the
configuration is wrong; 130 or 143 interrupted by Ctrl-C or SIGTERM. Commands with further ones say so in their help.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup
from typer.exceptions import TyperException

from include.ozon.checks import Check
from include.ozon.configuration.sources import ENVIRONMENTS
from include.ozon.errors import ConfigurationError, ConnectionSettingsError, OzonError

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

Output = Annotated[Literal["text", "json"], typer.Option(help="What to print.")]

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "unknown": "magenta"}

# A table is no use folded into a pipe's 80 columns.
_PIPE_WIDTH = 160

# This package, and not a traceback's lines in somebody else's.
_OURS = str(Path(__file__).resolve().parents[2])


@dataclass
class _Asked:
    """What the command line says for the whole of this process."""

    verbose: bool = False
    quiet: bool = False
    interrupted: bool = False


_asked = _Asked()


def is_verbose() -> bool:
    return _asked.verbose


def is_quiet() -> bool:
    """Whether confirmations, notes and what is in order are to be left out."""
    return _asked.quiet


def say(text: str) -> None:
    """A confirmation or a note, which ``--quiet`` leaves out."""
    if not _asked.quiet:
        typer.echo(text)


def console() -> Console:
    """As wide as the terminal, and wide enough for a table in a pipe."""
    found = Console()
    return found if found.is_terminal else Console(width=_PIPE_WIDTH)


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def check_table(title: str, checks: Iterable[Check]) -> Table:
    """What was looked at, a line each."""
    table = Table(title=title, title_justify="left")
    for heading in ("check", "status", "what was found"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        table.add_row(check.name, Text(check.status, style=_STYLES[check.status]), Text(check.message))
    return table


def add_common_options(command: Any) -> None:
    """Give a command and all below it the options that are the same everywhere.

    So they hold before a subcommand and after it. A command's own option of the same name stays what it is.
    """
    taken = {option for param in command.params for option in param.opts}
    command.params += [param for param in _common_params() if taken.isdisjoint(param.opts)]
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            add_common_options(each)


def run(command: Any) -> int:
    """Run the command line; returns the exit code. Whatever happens, the user reads a sentence and no traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        result = command(standalone_mode=False)
        if _asked.interrupted and result == INTERRUPTED:
            # Typer makes an exit code of it, and says nothing.
            return _end(KeyboardInterrupt())
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()
    except BaseException as error:
        return _end(error)
    return result if isinstance(result, int) else 0


@contextmanager
def importing_airflow() -> Iterator[None]:
    """Around imports of `include.ozon.adapter`, which take seconds: no command needs Airflow before its own work.

    Raises ConfigurationError where Airflow does not start with its settings.
    """
    # Outside of its own processes Airflow looks for connections in the environment only, and not in its database,
    # where its web UI keeps them; `airflow connections test` sets this for the same reason.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    try:
        # What Airflow dislikes it prints to stdout, among a command's own output.
        with redirect_stdout(sys.stderr):
            yield
    except OzonError:
        raise
    except (Exception, SystemExit) as error:
        found = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(
            f"Airflow does not start with its configuration ({found}). Check AIRFLOW_HOME and the AIRFLOW__ variables; "
            "`ozon doctor` looks at them."
        ) from error
    finally:
        set_up_logging()


def set_up_logging() -> None:
    """Logs go to stderr, and only what is wrong unless ``--verbose`` asks for all.

    Again after each import of Airflow, which sends them to stdout, among a command's own output.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler(sys.stderr))
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
        handler.setLevel(logging.NOTSET if _asked.verbose else logging.WARNING)
    root.setLevel(logging.INFO if _asked.verbose else logging.WARNING)
    for name in ("airflow", "alembic", "ozon"):
        logging.getLogger(name).setLevel(logging.INFO if _asked.verbose else logging.WARNING)


def _common_params() -> Sequence[Any]:
    """The options as Typer makes them; no command is given their values."""
    declared = typer.Typer(add_completion=False)
    declared.callback(invoke_without_command=True)(_declaration)
    return [param for param in typer.main.get_command(declared).params if "--help" not in param.opts]


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, where the command has no answer of its own to it."""
    _asked.interrupted = True
    raise KeyboardInterrupt


def _take_verbose(value: bool) -> None:
    if value:
        _asked.verbose = True
        set_up_logging()


def _take_quiet(value: bool) -> None:
    if value:
        _asked.quiet = True


def _take_config(value: Path | None) -> None:
    # As a variable, because what a command starts has to read the same file, wherever it runs.
    if value is not None:
        file = value.expanduser().absolute()
        if not file.exists():
            raise typer.BadParameter(f"there is no file {file}")
        os.environ["OZON_CONFIG"] = str(file)


def _take_env(value: str | None) -> None:
    if value is not None:
        if value not in ENVIRONMENTS:
            raise typer.BadParameter(f"{value!r} is no environment; there are {', '.join(ENVIRONMENTS)}")
        os.environ["OZON_ENV"] = value


_PANEL = "Options of all commands"


def _declaration(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Also show logs, and the traceback of an error.",
            callback=_take_verbose,
            expose_value=False,
            rich_help_panel=_PANEL,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Leave out confirmations, notes and what is in order.",
            callback=_take_quiet,
            expose_value=False,
            rich_help_panel=_PANEL,
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The configuration file, in place of what OZON_CONFIG names.",
            callback=_take_config,
            expose_value=False,
            rich_help_panel=_PANEL,
        ),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="NAME",
            help=f"The environment ({', '.join(ENVIRONMENTS)}), in place of what OZON_ENV names.",
            callback=_take_env,
            autocompletion=lambda: list(ENVIRONMENTS),
            expose_value=False,
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> None:
    """Never called: its options are added to the commands' own."""


def _end(error: BaseException) -> int:
    """Tell why the command ended, and the exit code of it."""
    if _asked.verbose and not isinstance(error, TyperException):
        traceback.print_exception(error)
    match error:
        case TyperException():
            sentence, exit_code = _usage_error(error), error.exit_code
        case typer.Abort() | KeyboardInterrupt():
            sentence, exit_code = str(error) or "Interrupted.", INTERRUPTED
        case BrokenPipeError():
            # Whoever read our output, such as `head`, has seen enough; nothing more is to be flushed into it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sentence, exit_code = "", FAILED
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            sentence = f"The output cannot be written ({error.strerror}). Make room where it goes, and run this again."
            exit_code = FAILED
        case ConfigurationError() | ConnectionSettingsError():
            sentence, exit_code = str(error), WRONG_USAGE
        case OzonError():
            sentence, exit_code = str(error), FAILED
        case Exception():
            # Not its own words: a foreign error may quote an address with a password in it.
            hint = "" if _asked.verbose else "; run with --verbose to see all of it"
            sentence, exit_code = f"unexpected {type(error).__name__} {_place(error)}{hint}.", FAILED
        case _:
            raise error
    if sentence:
        print(f"ozon: {sentence}", file=sys.stderr)
    return exit_code


def _usage_error(error: TyperException) -> str:
    """Empty where the help was shown in its place."""
    # The words "Value error" are those of the library that reads the value.
    found = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    where = f"; see `{context.command_path} --help`" if context is not None else ""
    return f"{found}{where}." if found else ""


def _place(error: BaseException) -> str:
    """Where in this package it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_OURS)]
    if not ours:
        return "outside of this package"
    return f"in {os.path.relpath(ours[-1].filename, Path(_OURS).parent)}, line {ours[-1].lineno}"
