"""``python -m tests.benchmarks``: times of product_etl against a bare script, dlt and pandas, the monitoring, the page.

The cases of `make bench-scale`, many accounts and a simulated year, run only if they are named.

Prints tables, the path of a JSON file with every sample, and the figures in the last line.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from rich.console import Console

from include.ozon_local.environment import proxy_exceptions
from include.ozon_local.home import LocalHome
from include.ozon_local.postgres import EmbeddedPostgres
from include.ozon_local.processes import Interrupted, raise_on_signals
from tests.benchmarks import accounts, monitoring, page, report, year
from tests.benchmarks.page_server import serving
from tests.benchmarks.rounds import CASES, CONTENDERS, Measurement, Plan, run

SIZES = (10_000, 200_000)
LARGE_SIZE = 1_000_000
LATENCIES_MS = (0, 300)
ROUNDS = 3
DEFAULT_CASES = (*CASES, monitoring.CASE, page.CASE)
ALL_CASES = (*DEFAULT_CASES, accounts.CASE, year.CASE)

_TABLE_WIDTH = 150  # a pipe is narrower and would cut off the figures


def main() -> int:
    arguments = _arguments()
    plans = _plans(arguments)
    raise_on_signals()
    os.environ.update(proxy_exceptions(os.environ))
    folder = LocalHome.from_environment().path / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
    postgres = EmbeddedPostgres(scratch / "postgres")
    console = Console(width=max(Console().width, _TABLE_WIDTH))
    lines = []
    try:
        postgres.start()
        if plans:
            results = _measure(plans, postgres, scratch, console)
            report.print_tables(console, results)
            console.print(f"All samples: {report.write_json(results, folder)}", soft_wrap=True)
            lines.append(report.last_line(results))
        if monitoring.CASE in arguments.cases:
            size = monitoring.QUICK_SIZE if arguments.quick else monitoring.SIZE
            lines.append(monitoring.last_line(monitoring.run(size, postgres, console)))
        if page.CASE in arguments.cases:
            size = page.QUICK_SIZE if arguments.quick else page.SIZE
            lines.append(page.last_line(page.run(size, postgres, scratch, console)))
        if accounts.CASE in arguments.cases:
            plan = accounts.QUICK if arguments.quick else accounts.FULL
            lines.append(accounts.last_line(accounts.run(plan, postgres, scratch, console)))
        if year.CASE in arguments.cases:
            plan_of_year = year.QUICK if arguments.quick else year.FULL
            lines.append(year.last_line(year.run(plan_of_year, postgres, console)))
    except Interrupted as interrupted:
        return interrupted.exit_code
    finally:
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    print("; ".join(lines))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="numbers of products, for example 10000,200000")
    parser.add_argument("--cases", type=_words(ALL_CASES), default=DEFAULT_CASES, help="any of " + ",".join(ALL_CASES))
    parser.add_argument(
        "--contenders", type=_words(CONTENDERS), default=CONTENDERS, help="any of " + ",".join(CONTENDERS)
    )
    parser.add_argument(
        "--latencies-ms", type=_numbers, default=LATENCIES_MS, help="of each request, for example 0,300"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="measurements of each load without latency")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="10,000 products (50,000 of monitoring and the page), one round; few accounts and weeks",
    )
    parser.add_argument("--large", action="store_true", help="also product_etl alone with 1,000,000 products")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _words(allowed: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(text.split(","))
        if not set(words) <= set(allowed):
            raise argparse.ArgumentTypeError(f"expected some of {','.join(allowed)}")
        return words

    return parse


def _plans(arguments: argparse.Namespace) -> list[Plan]:
    cases = tuple(case for case in arguments.cases if case in CASES)
    if not cases:
        return []
    if arguments.quick:
        return [Plan(SIZES[0], 0, cases, arguments.contenders, rounds=1)]
    plans = [
        # With a latency one round is enough.
        Plan(size, latency_ms, cases, arguments.contenders, 1 if latency_ms else arguments.rounds)
        for size in arguments.sizes
        for latency_ms in arguments.latencies_ms
    ]
    if arguments.large:
        plans.append(Plan(LARGE_SIZE, 0, cases, ("product_etl",), rounds=1))
    return plans


def _measure(plans: list[Plan], postgres: EmbeddedPostgres, scratch: Path, console: Console) -> report.Results:
    measurements: list[Measurement] = []
    pages_of_all: dict[int, int] = {}
    for size in dict.fromkeys(plan.size for plan in plans):
        console.print(f"Rendering {size:,} products ...")
        with serving(size) as server:
            pages_of_all[size] = server.page_counts["ALL"]
            console.print(f"{server.item_bytes / 1e6:.0f} MB of details, {server.page_counts} pages of lists")
            for plan in plans:
                if plan.size == size:
                    measurements += run(plan, server, postgres, scratch, console.print)
    return report.Results(measurements, pages_of_all)


if __name__ == "__main__":
    raise SystemExit(main())
