"""The figures of the stack, told in one line at the end."""

from __future__ import annotations

import pytest

HEALTHY = pytest.StashKey[dict[str, int]]()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if HEALTHY not in config.stash:
        return  # a run of other tests
    told = ", ".join(f"{name} healthy after {seconds} s" for name, seconds in config.stash[HEALTHY].items())
    passed, failed = (len(terminalreporter.getreports(name)) for name in ("passed", "failed"))
    terminalreporter.write_line(f"docker stack: {told or 'it did not come up'}; {passed} passed, {failed} failed")
