"""One run: a load with a fault, then without it, and the checks of `invariants`."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Iterator

from include.ozon.monitoring.health import runs
from include.ozon.monitoring.results import Status
from include.ozon.pipeline.components import COMPONENT_NAMES, COMPONENTS
from tests.faults.attempt import Attempt, Outcome
from tests.faults.invariants import Reader, State, assert_whole, state_of, successes_of
from tests.faults.registry import FAULTS, Fault
from tests.faults.results import MISSED, SKIPPED, Result
from tests.faults.world import Case, World
from tests.support.health import health_context, run_all

_MOST_ATTEMPTS = 3
_MOST_PAGES_MORE = 2

_worlds: list[World] = []


def open_world() -> None:
    # Ends with the parent, which removes everything in the scratch folder.
    _worlds.append(World().__enter__())


def run_one(seed: int, only: str | None) -> Result:
    (world,) = _worlds
    # Neighbouring seeds go through all faults.
    fault = next((fault for fault in FAULTS if fault.name == only), FAULTS[seed % len(FAULTS)])
    if fault.on_small_disk and world.disk.error:
        return Result(seed, fault.name, "", f"{SKIPPED}: no file system of its own ({world.disk.error})", 0)
    began = time.monotonic()
    violation = ""
    with world.case(seed, on_small_disk=fault.on_small_disk) as case:
        try:
            end = _run(case, fault)
        except Exception:
            end, violation = "VIOLATED", f"\n{traceback.format_exc()}"
    end = end if case.has_acted or violation else MISSED
    return Result(seed, fault.name, case.moment, end, time.monotonic() - began, violation)


def _run(case: Case, fault: Fault) -> str:
    """Load with the fault, then without it until the load succeeds; check everything, and return how it ended."""
    states: list[State] = [state_of(case.pipeline)]
    successes = successes_of(case.pipeline)
    with Reader(lambda: case.pipeline.dsn) as reader:
        with fault.disturb(case):
            case.attempt = Attempt(case.order("run", api_attempts=case.rng.choice((1, 3))))
            outcome = case.outcome = case.attempt.end()
        ends = [_named(outcome), *_end_others(case)]
        while True:
            _end_workflow(case, outcome)
            # Records with a wrong clock are not in the order in which they were made.
            if not case.clock_ahead_hours:
                _assert_alarms(case, outcome)
            case.clock_ahead_hours, case.temporary_folder = 0, None
            known, successes = successes, successes_of(case.pipeline)
            states.append(_checked(case, states[-1], successes - known))
            if outcome.end == "success":
                break
            assert len(ends) <= _MOST_ATTEMPTS, f"still {outcome} without the fault"
            outcome = _retry(case)
            ends.append(_named(outcome))
        if fault.changes_answers or case.others or _warned(case):
            outcome = Attempt(case.order("next")).end()
            assert outcome.end == "success", outcome
            _end_workflow(case, outcome, "next")
            states.append(state_of(case.pipeline))
        assert_whole(case.pipeline)
    reader.assert_saw_only(states)
    return ", then ".join(ends)


def _named(outcome: Outcome) -> str:
    return outcome.error or outcome.end


def _retry(case: Case) -> Outcome:
    """Load again without the fault, and assert that nothing which is loaded or staged is requested again."""
    staged = _staged_pages(case)
    left = sum(case.world.requests_of_components[component] for component in case.missing("run"))
    case.world.sandbox.reset_counters()
    outcome = Attempt(case.order("run")).end()
    asked = sum(case.pipeline.requests().values())
    # A page that repeats or is shorter adds one; the catalogue may be a page longer than before.
    assert asked <= left - staged + _MOST_PAGES_MORE, (
        f"the retry sent {asked} requests although {staged} pages were staged, and a load of what was left sends {left}"
    )
    return outcome


def _staged_pages(case: Case) -> int:
    pipeline = case.pipeline
    tables = pipeline.staging_tables()
    return sum(
        pipeline.value(f"SELECT coalesce(sum(pages), 0) FROM ozon_staging.{table}")
        for table in (f"main_{component.prefix}_checkpoint" for component in COMPONENTS)
        if table in tables
    )


def _checked(case: Case, before: State, new: Counter[str]) -> State:
    """Return the state after an attempt; assert that only components with ``new`` successes have changed it."""
    after = state_of(case.pipeline)
    changed = {group for group, fingerprint in after.items() if fingerprint != before[group]}
    assert changed <= new.keys(), f"the tables of {changed} have changed, but only {new or 'nothing'} succeeded"
    return after


def _warned(case: Case) -> bool:
    """Return whether the load says in its record that it kept something it could not read."""
    details = case.pipeline.workflow()["execution_details"]
    return any("warnings" in each for each in details.values() if isinstance(each, dict))


def _end_workflow(case: Case, outcome: Outcome, dag_run_id: str = "run") -> None:
    """Close the workflow's record as Airflow's last task does, once no retry follows."""
    if outcome.is_final:
        case.pipeline.end(dag_run_id)


def _end_others(case: Case) -> Iterator[str]:
    """Wait for the attempts of other workflows, and yield how each ended."""
    for other in case.others:
        yield f"beside it {_named(other.end())}"
        case.pipeline.end("from cron")


def _assert_alarms(case: Case, outcome: Outcome) -> None:
    """Assert that a health check notifies of what a person has to know, and of nothing that a retry repairs."""
    expected = set()
    if outcome.end == "success" and _warned(case):
        expected.add("load_warnings")
    statuses = {attempt["status"] for name in COMPONENT_NAMES for attempt in case.pipeline.attempts(name)}
    # A process that is cancelled between two components has no cancelled one.
    is_failed = outcome.end == "failed" or (outcome.end == "cancelled" and "cancelled" not in statuses)
    if is_failed and outcome.is_final and statuses:
        expected.add("failures_in_a_row")
    if "running" in statuses:
        expected.add("killed_attempt")
    context = health_context(case.pipeline)
    checks = [check for check in runs.AREA.checks(context) if check.account == "main"]
    found = {result.check: result.message for result in run_all(checks, context) if result.status != Status.OK}
    assert found.keys() == expected, f"expected {expected or 'no alarm'} after {outcome}, found {found}"
