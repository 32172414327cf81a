"""The results of a session, and their table in docs/faults.md."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from include.ozon_local.home import ROOT
from tests.faults.registry import FAULTS

PAGE = ROOT / "docs" / "faults.md"
_BEGIN, _END = "<!-- the results: written by make test-faults -->\n", "<!-- end of the results -->\n"
_MOST_ENDS = 3
SKIPPED = "skipped"
MISSED = "ended before the fault"


@dataclass(frozen=True)
class Result:
    """The end of one run, or why it says nothing; ``violation`` is a traceback, empty if all held."""

    seed: int
    fault: str
    moment: str
    end: str
    seconds: float
    violation: str = ""

    @property
    def is_skipped(self) -> bool:
        return self.end.startswith(SKIPPED)

    @property
    def has_missed(self) -> bool:
        return self.end == MISSED

    def __str__(self) -> str:
        return f"seed {self.seed} {self.fault} {self.moment}: {self.end} ({self.seconds:.1f} s)"


def write_page(results: Sequence[Result]) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n{_table(results)}\n{_END}{rest.partition(_END)[2]}", "utf-8")


def _table(results: Sequence[Result]) -> str:
    memory_gb = psutil.virtual_memory().total / 2**30
    seeds = f"{results[0].seed} to {results[-1].seed}"
    violated = sum(bool(result.violation) for result in results)
    missed = sum(result.has_missed for result in results)
    lines = [
        f"{len(results)} runs with the seeds {seeds}, {violated} violations; {missed} runs ended before the fault and "
        f"are not in the table. On {os.cpu_count()} cores with "
        f"{memory_gb:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}, PostgreSQL 18:",
        "",
        "| fault | where | what happens | runs | how the attempts ended, with the number of runs |",
        "|---|---|---|---|---|",
    ]
    for fault in FAULTS:
        ends = Counter(result.end for result in results if result.fault == fault.name and not result.has_missed)
        shown = "; ".join(f"{end} ({count})" for end, count in ends.most_common(_MOST_ENDS))
        others = sum(ends.values()) - sum(count for _, count in ends.most_common(_MOST_ENDS))
        shown += f"; others ({others})" if others else ""
        lines.append(f"| `{fault.name}` | {fault.place} | {fault.sentence} | {sum(ends.values())} | {shown} |")
    return "\n".join(lines) + "\n"
