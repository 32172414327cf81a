"""``python -m tests.faults``: loads with one seeded fault each, and the checks of `invariants` after each.

A run is repeated alone by its seed; a failed one prints the command.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from include.ozon_local.environment import proxy_exceptions
from tests.faults.one_run import open_world, run_one
from tests.faults.registry import FAULTS
from tests.faults.results import Result, write_page
from tests.support import scratch


def main() -> int:
    arguments = _arguments()
    first = random.randrange(10**6) if arguments.seed is None else arguments.seed
    print(f"{arguments.runs} runs from seed {first}", flush=True)
    scratch.create()
    began = time.monotonic()
    results: list[Result] = []
    try:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(arguments.workers, spawn, initializer=open_world) as workers:
            seeds = range(first, first + arguments.runs)
            for result in workers.map(run_one, seeds, repeat(arguments.fault)):
                results.append(result)
                print(f"{len(results):4} {result}", result.violation, flush=True)
    finally:
        scratch.remove()
    violated = [result for result in results if result.violation]
    for result in violated:
        print(f"repeat: make test-faults ARGS='--runs 1 --seed {result.seed} --fault {result.fault}'")
    if arguments.page:
        write_page(results)
    skipped = sum(result.is_skipped for result in results)
    missed = sum(result.has_missed for result in results)
    held = len(results) - len(violated) - skipped
    print(
        f"test-faults: {held} held ({missed} of them ended before the fault), {len(violated)} violated, "
        f"{skipped} skipped, {time.monotonic() - began:.0f} s",
    )
    return 1 if violated else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the first run; each following one has the next number")
    parser.add_argument("--fault", choices=[fault.name for fault in FAULTS], help="only this one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="write the results into docs/faults.md")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.update(proxy_exceptions(os.environ))
    sys.exit(main())
