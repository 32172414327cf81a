"""The output of `ozon run` during a run."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.ozon.cli.run_display import RunDisplay
from include.ozon.pipeline.run_records import ComponentState, Listed
from include.ozon_local.home import ROOT
from tests.support.pipeline import quick_settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def state(status: str = "running", rows_read: int | None = None, attempt: int = 1, error: str = "") -> ComponentState:
    return ComponentState("run/main", "main", "product_etl", attempt, status, rows_read, error or None, 12.3)


def lines_of(stream: io.StringIO) -> list[str]:
    """Return the lines without their moments."""
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()]


def test_without_a_terminal_each_news_is_a_line_once() -> None:
    stream = io.StringIO()
    display = RunDisplay(stream, quick_settings())
    for _ in range(2):
        display.show(state(), None)
        display.show(state(), Listed(1200, 3400))
        display.show(state(attempt=1, status="failed", rows_read=1200, error="HTTP 503 [/v3]."), None)
    display.close()

    assert lines_of(stream)[:3] == [
        "product_etl of account main, attempt 1: running",
        "product_etl of account main, attempt 1: 1 200 of 3 400 listed",
        "product_etl of account main, attempt 1: failed, 1 200 rows read. HTTP 503 [/v3].",
    ]
    assert "\x1b" not in stream.getvalue()


def test_counts_come_no_oftener_than_configured() -> None:
    stream = io.StringIO()
    display = RunDisplay(stream, quick_settings())
    for read in range(100):
        display.show(state(), Listed(read, None))
    assert lines_of(stream) == [
        "product_etl of account main, attempt 1: running",
        "product_etl of account main, attempt 1: 0 listed",
    ]


def test_on_a_terminal_each_component_has_a_bar_and_the_cursor_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    display = RunDisplay(stream, quick_settings())
    display.show(state(), None)
    display.show(state(attempt=2), Listed(150, 300))
    display.print_line("a line [with] brackets")
    display.show(state("success", rows_read=300, attempt=2), None)
    display.close()
    display.print_line("afterwards")

    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "main product_etl" in shown
    assert "a line [with] brackets" in shown
    assert re.search(r"main product_etl .*300 rows 12 s success \(attempt 2\)", shown)
    assert shown.rstrip().endswith("afterwards")
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


DIVERTED = """
import logging, os, sys
from pathlib import Path
from include.ozon.cli.run_log import diverted_output, log_file, our_log_lines

file = log_file(Path(sys.argv[1])) if len(sys.argv) > 1 else None
lines = []
with diverted_output(file) as stderr, our_log_lines(lines.append, logging.WARNING):
    os.write(1, b"by a child\\n")
    print("by a print")
    print("by a warning", file=sys.stderr)
    logging.getLogger("ozon.component").warning("a %s", "problem")
    logging.getLogger("ozon.component").info("a detail")
    print("for a person", file=stderr)
print("the result:", *lines)
"""


def diverted(*folder: str) -> tuple[list[str], list[str]]:
    """Return stdout and stderr of a process that redirects its output."""
    done = subprocess.run(
        [sys.executable, "-c", DIVERTED, *folder], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_output_of_the_process_goes_to_the_file_and_its_result_to_stdout(tmp_path: Path) -> None:
    assert diverted(str(tmp_path)) == (["the result: WARNING: a problem"], ["for a person"])
    (file,) = (tmp_path / "ozon_run").iterdir()
    assert {"by a child", "by a print", "by a warning"} <= set(file.read_text().splitlines())
    assert file.stat().st_mode & 0o077 == 0


def test_without_a_file_all_but_the_result_goes_to_stderr() -> None:
    stdout, stderr = diverted()
    assert stdout == ["the result: WARNING: a problem"]
    assert {"by a child", "by a print", "by a warning", "for a person"} <= set(stderr)
