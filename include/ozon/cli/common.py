"""The common options, output and error handling of all commands.

Exit codes: 0 done; 1 failed for an external reason (one sentence on stderr); 2 the command line or the configuration is
wrong; 130 or 143 interrupted by Ctrl-C or SIGTERM. The help of a command names further ones.
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

from include.ozon import __version__
from include.ozon.checks import Check
from include.ozon.configuration.sources import ENVIRONMENTS
from include.ozon.errors import ConfigurationError, ConnectionSettingsError, OzonError, require_known
from include.ozon.reports.envelope import in_envelope
from include.ozon.words import one_line

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

Output = Annotated[
    Literal["text", "json"], typer.Option(help="What to print; JSON has the fields schema, version and data.")
]

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "unknown": "magenta"}

# A table folded into the 80 columns of a pipe is unreadable.
_PIPE_WIDTH = 160

# The lines of a traceback that are in this package.
_OURS = str(Path(__file__).resolve().parents[2])


@dataclass
class _Options:
    """The common options of this process, and whether it was interrupted."""

    verbose: bool = False
    quiet: bool = False
    interrupted: bool = False


_options = _Options()


def show_version(is_asked: bool) -> None:
    """Print the version and end the command, if it is asked for."""
    if is_asked:
        typer.echo(f"ozon {__version__}")
        raise typer.Exit


def is_verbose() -> bool:
    return _options.verbose


def is_quiet() -> bool:
    """Return whether to leave out confirmations, notes and everything that is ok."""
    return _options.quiet


def say(text: str) -> None:
    """Print a confirmation or a note, unless ``--quiet`` is set."""
    if not _options.quiet:
        typer.echo(text)


def console() -> Console:
    """Return a console as wide as the terminal; in a pipe, wide enough for a table."""
    # A text from Ozon is never markup.
    found = Console(markup=False)
    return found if found.is_terminal else Console(width=_PIPE_WIDTH, markup=False)


def print_json(schema: str, data: object) -> None:
    """Print the document of a command; ``schema`` names what it is, for example ``runs``."""
    # float: the numbers of a run may be decimals.
    typer.echo(json.dumps(in_envelope(schema, data), ensure_ascii=False, indent=2, default=float))


def text_table(title: str, *headings: str) -> Table:
    """Return an empty table whose cells fold."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def check_table(title: str, checks: Iterable[Check]) -> Table:
    """Return a table with a row for each check."""
    table = text_table(title, "check", "status", "result")
    for check in checks:
        table.add_row(check.name, Text(check.status, style=_STYLES[check.status]), Text(check.message))
    return table


def add_common_options(command: Any) -> None:
    """Add the common options to a command and all its subcommands, so that they work before and after a subcommand.

    A command's own option of the same name stays unchanged.
    """
    own = {option for param in command.params for option in param.opts}
    command.params += [param for param in _common_params() if own.isdisjoint(param.opts)]
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            add_common_options(each)


def run(command: Any) -> int:
    """Run the command line and return the exit code. The user reads a sentence for every error, never a traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        result = command(standalone_mode=False)
        if _options.interrupted and result == INTERRUPTED:
            # Typer turns it into an exit code without a message.
            return _end(KeyboardInterrupt())
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()
    except BaseException as error:
        return _end(error)
    return result if isinstance(result, int) else 0


@contextmanager
def importing_airflow() -> Iterator[None]:
    """Wrap imports of `include.ozon.adapter`, which take seconds, so commands import it only when they need it.

    Raise ConfigurationError if Airflow does not start with its settings.
    """
    # Without this, Airflow finds connections only in the environment, and not in its database, where its web UI stores
    # them; `airflow connections test` sets it for the same reason.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    try:
        # Airflow prints its warnings to stdout, into the command's own output.
        with redirect_stdout(sys.stderr):
            yield
    except OzonError:
        raise
    except (Exception, SystemExit) as error:
        found = one_line(error) or type(error).__name__
        raise ConfigurationError(
            f"Airflow does not start with its configuration ({found}). Check AIRFLOW_HOME and the AIRFLOW__ variables "
            "with `ozon doctor`."
        ) from error
    finally:
        set_up_logging()


def set_up_logging() -> None:
    """Send logs to stderr: warnings and errors, or with ``--verbose`` everything.

    Has to be repeated after each import of Airflow, which sends logs to stdout.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler(sys.stderr))
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
        handler.setLevel(logging.NOTSET if _options.verbose else logging.WARNING)
    root.setLevel(logging.INFO if _options.verbose else logging.WARNING)
    for name in ("airflow", "alembic", "ozon"):
        logging.getLogger(name).setLevel(logging.INFO if _options.verbose else logging.WARNING)


def _common_params() -> Sequence[Any]:
    """Return the options as Typer makes them; their values are not passed to the commands."""
    declared = typer.Typer(add_completion=False)
    declared.callback(invoke_without_command=True)(_declaration)
    return [param for param in typer.main.get_command(declared).params if "--help" not in param.opts]


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Handle Ctrl-C, for commands without a handler of their own."""
    _options.interrupted = True
    raise KeyboardInterrupt


def _take_verbose(value: bool) -> None:
    if value:
        _options.verbose = True
        set_up_logging()


def _take_quiet(value: bool) -> None:
    if value:
        _options.quiet = True


def _take_config(value: Path | None) -> None:
    # As a variable, so that processes that the command starts read the same file.
    if value is not None:
        file = value.expanduser().absolute()
        if not file.exists():
            raise typer.BadParameter(f"file {file} does not exist")
        os.environ["OZON_CONFIG"] = str(file)


def _take_env(value: str | None) -> None:
    if value is not None:
        require_known("--env", [value], ENVIRONMENTS)
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
            help="Leave out confirmations, notes and everything that is ok.",
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
            help="The configuration file, instead of the one in OZON_CONFIG.",
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
            help=f"The environment ({', '.join(ENVIRONMENTS)}), instead of the one in OZON_ENV.",
            callback=_take_env,
            autocompletion=lambda: list(ENVIRONMENTS),
            expose_value=False,
            rich_help_panel=_PANEL,
        ),
    ] = None,
) -> None:
    """Declare the common options; never called."""


def _end(error: BaseException) -> int:
    """Print why the command ended, and return its exit code."""
    if _options.verbose and not isinstance(error, TyperException):
        traceback.print_exception(error)
    match error:
        case TyperException():
            sentence, exit_code = _usage_error(error), error.exit_code
        case typer.Abort() | KeyboardInterrupt():
            sentence, exit_code = str(error) or "Interrupted.", INTERRUPTED
        case BrokenPipeError():
            # The reader of our output, for example `head`, has closed it; nothing may be flushed into it any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sentence, exit_code = "", FAILED
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            sentence = f"The output cannot be written ({error.strerror}). Free disk space, and run this again."
            exit_code = FAILED
        case ConfigurationError() | ConnectionSettingsError():
            sentence, exit_code = str(error), WRONG_USAGE
        case OzonError():
            sentence, exit_code = str(error), FAILED
        case Exception():
            # Without its message: an error of another package may quote an address with a password in it.
            hint = "" if _options.verbose else "; run with --verbose for the traceback"
            sentence, exit_code = f"unexpected {type(error).__name__} {_place(error)}{hint}.", FAILED
        case _:
            raise error
    if sentence:
        print(f"ozon: {sentence}", file=sys.stderr)
    return exit_code


def _usage_error(error: TyperException) -> str:
    """Return the message; empty if the help was shown instead."""
    # "Value error" is a prefix of the library that reads the value.
    found = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    where = f"; see `{context.command_path} --help`" if context is not None else ""
    return f"{found}{where}." if found else ""


def _place(error: BaseException) -> str:
    """Return the place in this package where the error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_OURS)]
    if not ours:
        return "outside this package"
    return f"in {os.path.relpath(ours[-1].filename, Path(_OURS).parent)}, line {ours[-1].lineno}"
