"""Debian's Chromium: ``python -m tests.support.chromium`` installs it if it is missing and apt-get is allowed.

Playwright drives it; its own browsers are not needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support import debian

PROGRAM = Path("/usr/bin/chromium")
_FONTS = "fonts-dejavu-core"

# Root has no sandbox; the others keep Chromium from asking the internet for anything of its own.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> int:
    if not debian.has(PROGRAM, "chromium", _FONTS):
        print(
            f"Chromium not found at {PROGRAM}, and apt-get cannot install it here. As root on a Debian: "
            f"`apt-get install chromium {_FONTS}`.",
            file=sys.stderr,
        )
        return 1
    return 0


@contextmanager
def running_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=list(_FLAGS))
        yield browser
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
