"""PostgreSQL 15, the oldest version that is supported: ``python -m tests.support.oldest_postgres`` names its folder.

Debian's own, installed where it is missing and this may be done; otherwise one sentence on stderr, and exit code 1.
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
            f"There is no PostgreSQL {VERSION} in {PROGRAMS}, and apt-get cannot install it here (it needs root, and a "
            f"Debian that has the package postgresql-{VERSION}). Name another: `make test ARGS='--postgres DIR'`.",
            file=sys.stderr,
        )
        return 1
    print(PROGRAMS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
