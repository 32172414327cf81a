"""The report of the measurements: tables for people, JSON for programs, and one last line."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.benchmarks.rounds import CONTENDERS, Measurement


class Results:
    """Measurements by size, latency and case; every figure is the median of its rounds."""

    def __init__(self, measurements: Sequence[Measurement], pages_of_all: dict[int, int]) -> None:
        """``pages_of_all`` is the length of the list ALL in pages, by the size of the catalogue."""
        self.measurements = measurements
        self.pages_of_all = pages_of_all
        self.keys = list(dict.fromkeys((m.size, m.latency_ms, m.case) for m in measurements))

    def median(self, figure: str, contender: str, size: int, latency_ms: int, case: str) -> float | None:
        key = (contender, size, latency_ms, case)
        values = [
            getattr(m.sample, figure) for m in self.measurements if (m.contender, m.size, m.latency_ms, m.case) == key
        ]
        return median(values) if values else None

    def seconds(self, contender: str, size: int, latency_ms: int, case: str) -> float | None:
        return self.median("wall_seconds", contender, size, latency_ms, case)

    def ratio(self, contender: str, to: str, size: int, latency_ms: int, case: str) -> float | None:
        above = self.seconds(contender, size, latency_ms, case)
        below = self.seconds(to, size, latency_ms, case)
        return above / below if above is not None and below else None

    def list_seconds(self, size: int, latency_ms: int) -> float:
        """Return the seconds for downloading the pages of the longest list one by one."""
        return self.pages_of_all[size] * latency_ms / 1000

    def peak_memory_mb(self, contender: str, size: int) -> float:
        return max(m.sample.peak_memory_mb for m in self.measurements if (m.contender, m.size) == (contender, size))

    def figures(self) -> list[dict[str, object]]:
        """Return a record for each size, latency and case."""
        return [
            {
                "size": size,
                "latency_ms": latency_ms,
                "case": case,
                "seconds": {c: self.seconds(c, size, latency_ms, case) for c in CONTENDERS},
                "cpu_seconds": {c: self.median("cpu_seconds", c, size, latency_ms, case) for c in CONTENDERS},
                "peak_memory_mb": {c: self.median("peak_memory_mb", c, size, latency_ms, case) for c in CONTENDERS},
                "product_etl_to_floor": self.ratio("product_etl", "floor", size, latency_ms, case),
                "dlt_to_product_etl": self.ratio("dlt_merge", "product_etl", size, latency_ms, case),
                "to_sql_to_product_etl": self.ratio("pandas_to_sql", "product_etl", size, latency_ms, case),
                "list_seconds": self.list_seconds(size, latency_ms),
            }
            for size, latency_ms, case in self.keys
        ]


def print_tables(console: Console, results: Results) -> None:
    console.print(_speed_table(results))
    if any(latency_ms for _, latency_ms, _ in results.keys):
        console.print(_latency_table(results))
    console.print(_memory_table(results))


def _speed_table(results: Results) -> Table:
    table = Table(title="Load, seconds (medians; CPU seconds of the client in parentheses)")
    for heading in ("products", "load"):
        table.add_column(heading)
    for heading in (*CONTENDERS, "product_etl / floor", "dlt / product_etl", "to_sql / product_etl"):
        table.add_column(heading, justify="right")
    for size, latency_ms, case in results.keys:
        if latency_ms:
            continue
        of = (size, latency_ms, case)
        table.add_row(
            f"{size:,}",
            case,
            *(_seconds_and_cpu(results, contender, *of) for contender in CONTENDERS),
            _times(results.ratio("product_etl", "floor", *of)),
            _times(results.ratio("dlt_merge", "product_etl", *of)),
            _times(results.ratio("pandas_to_sql", "product_etl", *of)),
        )
    return table


def _latency_table(results: Results) -> Table:
    table = Table(
        title="Load with a latency for each request, seconds",
        caption="Not measured (-): contenders that download pages one by one and would take minutes.",
    )
    for heading in ("products", "latency", "load"):
        table.add_column(heading)
    for heading in ("list ALL alone", *CONTENDERS, "product_etl / list", "product_etl / floor"):
        table.add_column(heading, justify="right")
    for size, latency_ms, case in results.keys:
        if not latency_ms:
            continue
        of = (size, latency_ms, case)
        list_seconds = results.list_seconds(size, latency_ms)
        own_seconds = results.seconds("product_etl", *of)
        table.add_row(
            f"{size:,}",
            f"{latency_ms} ms",
            case,
            f"{list_seconds:.1f}",
            *(_number(results.seconds(contender, *of), ".1f") for contender in CONTENDERS),
            _times(own_seconds and own_seconds / list_seconds),
            _times(results.ratio("product_etl", "floor", *of)),
        )
    return table


def _memory_table(results: Results) -> Table:
    table = Table(title="Peak memory of the client's process, MB (the highest of all loads; without Airflow)")
    table.add_column("products")
    for contender in CONTENDERS:
        table.add_column(contender, justify="right")
    for size in dict.fromkeys(size for size, _, _ in results.keys):
        measured = {m.contender for m in results.measurements if m.size == size}
        cells = [f"{results.peak_memory_mb(c, size):.0f}" if c in measured else "-" for c in CONTENDERS]
        table.add_row(f"{size:,}", *cells)
    return table


def _seconds_and_cpu(results: Results, contender: str, size: int, latency_ms: int, case: str) -> str:
    seconds = results.seconds(contender, size, latency_ms, case)
    cpu_seconds = results.median("cpu_seconds", contender, size, latency_ms, case)
    return f"{seconds:.2f} ({cpu_seconds:.2f})" if seconds is not None else "-"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f} x"


def write_json(results: Results, folder: Path) -> Path:
    """Write the figures and all samples to a new file."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    file = folder / f"bench-{now:%Y%m%dT%H%M%SZ}.json"
    content = {
        "measured_at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cpu_count": os.cpu_count(),
        "figures": results.figures(),
        "samples": [asdict(measurement) for measurement in results.measurements],
    }
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file


def last_line(results: Results) -> str:
    """Return all figures in one line."""
    parts = [_sentence(results, *key) for key in results.keys]
    sizes = list(dict.fromkeys(size for size, _, _ in results.keys))
    peaks = " / ".join(f"{results.peak_memory_mb('product_etl', size):.0f}" for size in sizes)
    return f"bench: {'; '.join(parts)}; product_etl's peak memory {peaks} MB at {' / '.join(map(str, sizes))} products"


def _sentence(results: Results, size: int, latency_ms: int, case: str) -> str:
    of = (size, latency_ms, case)
    seconds = results.seconds("product_etl", *of)
    compared: Iterable[tuple[str, float | None]] = (
        ("x floor", results.ratio("product_etl", "floor", *of)),
        ("x list", seconds / results.list_seconds(size, latency_ms) if seconds and latency_ms else None),
        ("x faster than dlt", results.ratio("dlt_merge", "product_etl", *of)),
        ("x faster than to_sql", results.ratio("pandas_to_sql", "product_etl", *of)),
    )
    ratios = ", ".join(f"{ratio:.2f} {what}" for what, ratio in compared if ratio is not None)
    at = f" at {latency_ms} ms" if latency_ms else ""
    return f"{size} {case}{at} {_number(seconds, '.2f')} s ({ratios})"
