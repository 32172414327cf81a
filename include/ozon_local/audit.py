"""The target `make audit`: known vulnerabilities of the locked packages, by pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from include.ozon_local.bootstrap import REQUIREMENTS

VULNERABLE = 1
NOT_AUDITED = 2


def audit(options: Sequence[str] = (), requirements: Path = REQUIREMENTS) -> int:
    """Print the vulnerabilities; return VULNERABLE for any, NOT_AUDITED if a package could not be looked up, or 0."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--require-hashes"),
            *("--disable-pip", "--format", "json", "--progress-spinner", "off", *options),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    # Without a connection it prints no JSON; with packages that the service does not know it exits with 0.
    if not done.stdout.startswith("{"):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"Not audited: pip-audit ended without a result ({last}).", file=sys.stderr)
        return NOT_AUDITED
    packages = json.loads(done.stdout)["dependencies"]
    found = [(each, advisory) for each in packages for advisory in each.get("vulns", ())]
    for package, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    skipped = sum("skip_reason" in each for each in packages)
    if skipped:
        print(f"Not audited: no advisories reached for {skipped} of {len(packages)} packages.", file=sys.stderr)
    if found:
        return VULNERABLE
    if skipped:
        return NOT_AUDITED
    print(f"No known vulnerabilities in {len(packages)} packages.")
    return 0
