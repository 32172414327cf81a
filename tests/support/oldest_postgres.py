"""PostgreSQL 15, the oldest version that is supported: ``python -m tests.support.oldest_postgres`` names its folder.

Debian's own, installed where it is missing and this may be done; otherwise one sentence on stderr, and exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = 15
PROGRAMS = Path(f"/usr/lib/postgresql/{VERSION}/bin")


def main() -> int:
    if not PROGRAMS.is_dir() and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", f"postgresql-{VERSION}"]):
            subprocess.run(["apt-get", "-qq", *command], check=False, stdout=sys.stderr)
    if not PROGRAMS.is_dir():
        print(
            f"There is no PostgreSQL {VERSION} in {PROGRAMS}, and apt-get cannot install it here (it needs root, and a "
            f"Debian that has the package postgresql-{VERSION}). Name another: `ozon test --postgres DIR`.",
            file=sys.stderr,
        )
        return 1
    print(PROGRAMS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
