"""PostgreSQL 15, the oldest supported version: ``python -m tests.support.oldest_postgres`` prints its folder.

Installs Debian's package if it is missing and apt-get is allowed; otherwise prints an error and exits with code 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import debian

VERSION = 15
PROGRAMS = Path(f"/usr/lib/postgresql/{VERSION}/bin")


def main() -> int:
    if not debian.has(PROGRAMS, f"postgresql-{VERSION}"):
        print(
            f"PostgreSQL {VERSION} not found in {PROGRAMS}, and apt-get cannot install it here (it needs root, and a "
            f"Debian with the package postgresql-{VERSION}). Name another folder: `make test ARGS='--postgres DIR'`.",
            file=sys.stderr,
        )
        return 1
    print(PROGRAMS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
