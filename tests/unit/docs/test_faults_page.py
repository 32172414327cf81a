"""docs/faults.md has every fault of the registry, with its sentence."""

from __future__ import annotations

import re

from include.ozon_local.home import ROOT
from tests.faults.registry import FAULTS


def test_the_page_has_every_fault_and_no_violation() -> None:
    page = (ROOT / "docs" / "faults.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+?) \| (\d+) \|", page, flags=re.M)

    assert [(name, sentence) for name, sentence, _ in rows] == [(fault.name, fault.sentence) for fault in FAULTS]
    assert ", 0 violations" in page
    assert all(int(runs) for _, _, runs in rows)
