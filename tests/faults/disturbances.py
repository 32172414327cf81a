"""Disturbances of the first attempt; each notes whether the attempt met it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, LiteralString

import psycopg

from tests.faults.attempt import Attempt
from tests.faults.standby import Standby
from tests.faults.world import Case
from tests.support.tcp_proxy import Direction, Disturbance

Disturb = Callable[[Case], AbstractContextManager[None]]
"""Sets ``case.has_acted`` if the load met the fault."""

_TASK_TIMEOUT_SECONDS = 2
_SECONDS_TO_SIGKILL = 5  # as Airflow waits


def answers(
    name: str,
    methods: Sequence[str] = (),
    first: int = 0,
    last: int | None = None,
    times: Any = (1, 2, 3),
    **params: Any,
) -> Disturb:
    """Switch a fault of the sandbox on, at a seeded request of a seeded method.

    ``methods`` are those that it changes, all of them by default, and ``first`` and ``last`` their requests. Of a tuple
    one is drawn.
    """

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        requests = case.world.requests_of_a_load
        method = case.rng.choice(sorted(methods or requests))
        after = case.rng.randrange(first, min(requests[method], last or requests[method]))
        count = _drawn(case, times)
        chosen = {key: _drawn(case, value) for key, value in params.items()}
        words = [method, f"from request {after + 1}", f"{count} times", *(f"{key}={chosen[key]}" for key in chosen)]
        case.moment += " ".join(words)
        case.world.sandbox.fault(name, method=method, after=after, times=count, **chosen)
        with _answers_changed(case):
            yield

    return disturb


def catalogue(name: str, **params: Any) -> Disturb:
    """Let the sandbox's catalogue be another one during the whole attempt."""

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        chosen = {key: _drawn(case, value) for key, value in params.items()}
        case.moment += f"{chosen}"
        case.world.sandbox.fault(name, **chosen)
        with _answers_changed(case):
            yield

    return disturb


def _drawn(case: Case, value: Any) -> Any:
    return case.rng.choice(value) if isinstance(value, tuple) else value


@contextmanager
def _answers_changed(case: Case) -> Iterator[None]:
    try:
        yield
        case.has_acted |= any(fault["fired_count"] for fault in case.world.sandbox.faults())
    finally:
        case.world.sandbox.clear_faults()


def network(proxy: str, kind: Any, seconds: float = 0.0) -> Disturb:
    """Disturb the bytes of one connection from a seeded byte on, in a seeded direction."""
    most_bytes: dict[tuple[str, Direction], int] = {
        ("api", "up"): 15_000,
        ("api", "down"): 1_200_000,
        ("database", "up"): 250_000,
        ("database", "down"): 40_000,
    }

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        direction: Direction = case.rng.choice(("up", "down"))
        after_bytes = case.rng.randrange(most_bytes[proxy, direction])
        case.moment += f"{direction} after {after_bytes} bytes"
        disturbance = Disturbance(kind, direction, after_bytes, seconds)
        with getattr(case.world, proxy).disturbed(disturbance):
            yield
            case.has_acted |= getattr(case.world, proxy).has_disturbed

    return disturb


def soon(action: Callable[[Case], object]) -> Disturb:
    """Do it at a seeded moment of the load."""
    return lambda case: case.soon(lambda: action(case))


def as_superuser(statements: Sequence[LiteralString], afterwards: Sequence[LiteralString]) -> Disturb:
    """Execute statements at a seeded moment, and others after the attempt."""

    def execute(case: Case, chosen: Sequence[LiteralString]) -> None:
        with case.world.superuser(case.name) as connection:
            for statement in chosen:
                connection.execute(statement)

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        try:
            with case.soon(lambda: execute(case, statements)):
                yield
        finally:
            execute(case, afterwards)

    return disturb


@contextmanager
def table_locked(case: Case) -> Iterator[None]:
    """Keep a table locked for longer than the lock time-out."""
    table = case.rng.choice(("products", "product_visibility_history", "product_price_history", "inventory"))
    case.moment += f"ozon.{table}"
    with case.world.superuser(case.name) as analyst, analyst.transaction():
        analyst.execute(f"LOCK TABLE ozon.{table} IN SHARE MODE".encode())
        yield
    case.has_acted = True


@contextmanager
def deadlock(case: Case) -> Iterator[None]:
    """Lock a history, wait for the merge, and then lock what the merge has changed; the merge is the victim."""
    first, second = case.rng.choice(
        (("product_price_history", "products"), ("inventory_history", "inventory_by_warehouse"))
    )
    case.moment += f"ozon.{first}, then ozon.{second}"
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"

    def lock_both(analyst: psycopg.Connection[Any]) -> None:
        until_waiting = time.monotonic() + case.world.seconds_of_a_load * 3
        while analyst.execute(waiting, (f"ozon.{first}",)).fetchone() == (0,):
            if time.monotonic() > until_waiting:
                return
            time.sleep(0.005)
        case.has_acted = True
        with suppress(psycopg.errors.DeadlockDetected):
            analyst.execute(f"LOCK TABLE ozon.{second} IN SHARE MODE".encode())

    with case.world.superuser(case.name) as analyst:
        # For the load's session; the analyst's own was set at its login.
        analyst.execute(f"ALTER DATABASE {case.name} SET deadlock_timeout = '20ms'".encode())
        with analyst.transaction():
            analyst.execute(f"LOCK TABLE ozon.{first} IN SHARE MODE".encode())
            with case.beside(lambda: lock_both(analyst)):
                yield


@contextmanager
def server_killed(case: Case) -> Iterator[None]:
    try:
        with case.soon(case.world.kill_server):
            yield
    finally:
        case.world.restart_server()


@contextmanager
def failover(case: Case) -> Iterator[None]:
    standby = Standby(case.world.dsn("postgres"))
    with case.soon(lambda: case.world.fail_over(standby)):
        yield


@contextmanager
def standby_instead(case: Case) -> Iterator[None]:
    """Lead the attempt to a standby, as a name that points to the wrong server does."""
    with case.world.led_to_standby():
        yield
    case.has_acted = True


@contextmanager
def disk_full(case: Case) -> Iterator[None]:
    free_bytes = case.rng.randrange(800_000)
    case.moment += f"with {free_bytes} bytes left"
    case.world.disk.leave_free(free_bytes)
    try:
        yield
        # No retry of the client helps against a full disk: a success means that the load needed less.
        case.has_acted = case.outcome is not None and case.outcome.end != "success"
    finally:
        case.world.disk.leave_free(None)


@contextmanager
def temporary_files_refused(case: Case) -> Iterator[None]:
    """Give the attempt a full folder for temporary files."""
    with case.world.disk.full_folder() as folder:
        case.temporary_folder = folder
        yield
    case.has_acted = True


@contextmanager
def session_killed(case: Case) -> Iterator[None]:
    with case.soon(case.kill_session):
        yield
    case.wait_until_ready()


@contextmanager
def connections_taken(case: Case) -> Iterator[None]:
    """Take all of the server's connections but those of superusers."""
    with ExitStack() as taken:

        def take() -> None:
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(case.dsn))

        with case.soon(take):
            yield


@contextmanager
def silence_until_timeout(case: Case) -> Iterator[None]:
    """Let PostgreSQL fall silent; after a while come SIGTERM and SIGKILL, as from Airflow at the task's time limit."""

    def end_task() -> None:
        time.sleep(case.world.seconds_of_a_load + _TASK_TIMEOUT_SECONDS)
        case.send(signal.SIGTERM)
        time.sleep(_SECONDS_TO_SIGKILL)
        case.send(signal.SIGKILL)

    with network("database", "silence")(case), case.beside(end_task):
        yield


def signalled(number: signal.Signals) -> Disturb:
    return soon(lambda case: case.send(number))


@contextmanager
def second_run(case: Case) -> Iterator[None]:
    with case.soon(lambda: case.others.append(Attempt(case.order("from cron")))):
        yield


def moved_clock(hours: Sequence[float]) -> Disturb:
    """Let the warehouse's clock be wrong during the attempt."""

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        case.clock_ahead_hours = case.rng.choice(hours)
        case.moment += f"by {case.clock_ahead_hours:+g} hours"
        yield
        case.has_acted = True

    return disturb


def one_of_each(*groups: Sequence[Disturb]) -> Disturb:
    """Draw one fault of each group, and let all happen in the same attempt."""

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        with ExitStack() as stack:
            for group in groups:
                stack.enter_context(case.rng.choice(group)(case))
                case.moment += "; "
            yield

    return disturb
