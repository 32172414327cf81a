"""All faults: where each one acts, and what a person would call it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

from tests.faults.attempt import Attempt
from tests.faults.standby import Standby
from tests.faults.world import Case
from tests.support.tcp_proxy import Direction, Disturbance

Disturb = Callable[[Case], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """A fault of the first attempt of a workflow; the following attempts are undisturbed.

    ``changes_answers`` means that a load may succeed without all that the sandbox has now; the next load brings it.
    """

    name: str
    place: str
    sentence: str
    disturb: Disturb
    changes_answers: bool = False
    on_small_disk: bool = False


def _api(name: str, **params: Any) -> Disturb:
    """Switch a fault of the sandbox on, at a seeded request of a seeded method."""

    @contextmanager
    def disturb(case: Case) -> Iterator[None]:
        requests = case.world.requests_of_a_load
        method = case.rng.choice(sorted(requests))
        after, count = case.rng.randrange(requests[method]), case.rng.randint(1, 3)
        case.moment = f"{method} from request {after + 1}, {count} times"
        chosen = {key: case.rng.choice(value) if isinstance(value, tuple) else value for key, value in params.items()}
        case.world.sandbox.fault(name, method=method, after=after, times=count, **chosen)
        try:
            yield
        finally:
            case.world.sandbox.clear_faults()

    return disturb


def _network(proxy: str, kind: Any, seconds: float = 0.0) -> Disturb:
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
        case.moment = f"{direction} after {after_bytes} bytes"
        disturbance = Disturbance(kind, direction, after_bytes, seconds)
        with getattr(case.world, proxy).disturbed(disturbance):
            yield

    return disturb


def _soon(action: Callable[[Case], object]) -> Disturb:
    return lambda case: case.soon(lambda: action(case))


def _as_superuser(statements: Sequence[LiteralString], afterwards: Sequence[LiteralString]) -> Disturb:
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
def _table_locked(case: Case) -> Iterator[None]:
    """Keep a table locked for longer than the lock time-out."""
    table = case.rng.choice(("products", "product_visibility_history", "product_price_history", "inventory"))
    case.moment = f"ozon.{table}"
    with case.world.superuser(case.name) as analyst, analyst.transaction():
        analyst.execute(f"LOCK TABLE ozon.{table} IN SHARE MODE".encode())
        yield


@contextmanager
def _server_killed(case: Case) -> Iterator[None]:
    try:
        with case.soon(case.world.kill_server):
            yield
    finally:
        case.world.restart_server()


@contextmanager
def _failover(case: Case) -> Iterator[None]:
    standby = Standby(case.world.dsn("postgres"))
    with case.soon(lambda: case.world.fail_over(standby)):
        yield


@contextmanager
def _disk_full(case: Case) -> Iterator[None]:
    free_bytes = case.rng.randrange(1_500_000)
    case.moment = f"with {free_bytes} bytes left"
    case.world.disk.leave_free(free_bytes)
    try:
        yield
    finally:
        case.world.disk.leave_free(None)


@contextmanager
def _session_killed(case: Case) -> Iterator[None]:
    with case.soon(case.kill_session):
        yield
    case.wait_until_ready()


@contextmanager
def _second_run(case: Case) -> Iterator[None]:
    with case.soon(lambda: case.others.append(Attempt(case.order("from cron")))):
        yield


_TO_OZON = "the network to Ozon"
_TO_POSTGRESQL = "the network to PostgreSQL"

FAULTS = (
    *(
        Fault(name, "Ozon", sentence, _api(name, **params))
        for name, sentence, params in (
            ("latency", "Answers take long.", {"ms": 400}),
            ("rate_limited", "429, with and without `Retry-After`.", {"retry_after_seconds": (None, 0, 1)}),
            ("server_error", "500, or 502 to 504 with the HTML of the edge.", {"status": (500, 502, 503, 504)}),
            ("key_deactivated", "The key was deactivated.", {}),
            ("key_unknown", "The key is unknown.", {}),
            ("role_missing", "The key lacks the method's role.", {}),
            ("company_blocked", "The company is blocked.", {}),
            ("conflict", "409, the account is being changed.", {}),
            ("html_forbidden", "403 with a page of a firewall.", {}),
            ("method_obsolete", "The method was switched off.", {}),
            ("broken_connection", "The socket is closed in the middle of the body.", {}),
            ("truncated_json", "The body is cut off, with a correct length.", {"keep_share": (0.0, 0.3, 0.9)}),
            ("not_json", "200 with a page of HTML.", {}),
            ("error_page", "An error with a long page.", {}),
            ("gzip_bomb", "A small body that unpacks to 400 MB.", {"megabytes": 400}),
            ("dripping", "One byte every half second.", {}),
            ("repeated_page", "A page is repeated.", {}),
            ("duplicate_items", "A page has an entry twice.", {}),
            ("looping_mark", "The cursor goes round in circles.", {"length": (0, 1, 2)}),
        )
    ),
    *(
        Fault(name, "Ozon", sentence, _api(name, **params), changes_answers=True)
        for name, sentence, params in (
            ("short_page", "A page is shorter than the limit although the list goes on.", {"missing": (1, 30)}),
            ("totals", "Totals are missing or wrong.", {"mode": ("missing", "legacy", "wrong"), "by": (7, -100)}),
            ("archived_left_out", "`ALL` omits archived products.", {}),
            ("details_left_out", "Details of some listed products are left out.", {"share": (0.02, 0.9)}),
            ("warehouse_refused", "The stock of one warehouse is refused.", {"status": (400, 404, 500)}),
        )
    ),
    Fault(
        "catalogue_moves",
        "Ozon",
        "Products, prices and the archive change in the middle of the load.",
        _soon(lambda case: case.world.sandbox.tick()),
        changes_answers=True,
    ),
    Fault("api_reset", _TO_OZON, "RST in the middle of a request or a body.", _network("api", "reset")),
    Fault("api_closed", _TO_OZON, "FIN in the middle of a request or a body.", _network("api", "close")),
    Fault("api_silent", _TO_OZON, "Half-open: nothing arrives any more.", _network("api", "silence")),
    Fault("api_slow", _TO_OZON, "A narrow line.", _network("api", "slow", seconds=0.02)),
    Fault("warehouse_reset", _TO_POSTGRESQL, "RST in the middle of a statement.", _network("database", "reset")),
    Fault("warehouse_closed", _TO_POSTGRESQL, "FIN in the middle of a statement.", _network("database", "close")),
    Fault("warehouse_slow", _TO_POSTGRESQL, "A narrow line.", _network("database", "slow", seconds=0.02)),
    Fault("session_terminated", "PostgreSQL", "`pg_terminate_backend`.", _soon(Case.terminate_session)),
    Fault("session_killed", "PostgreSQL", "SIGKILL of the session: all of PostgreSQL recovers.", _session_killed),
    Fault("server_killed", "PostgreSQL", "SIGKILL of all its processes, and a new start.", _server_killed),
    Fault("server_restarted", "PostgreSQL", "An orderly restart.", _soon(lambda case: case.world.restart_server())),
    Fault("failed_over", "PostgreSQL", "The primary is killed, and a standby is promoted.", _failover),
    Fault("disk_full", "PostgreSQL", "No space is left, in COPY or in the merge.", _disk_full, on_small_disk=True),
    Fault(
        "read_only",
        "PostgreSQL",
        "The server becomes read-only.",
        _as_superuser(
            ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
            (
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            ),
        ),
    ),
    Fault(
        "no_connections",
        "PostgreSQL",
        "No connection is left for the role.",
        _as_superuser(("ALTER ROLE ozon CONNECTION LIMIT 0",), ("ALTER ROLE ozon CONNECTION LIMIT -1",)),
    ),
    Fault("table_locked", "PostgreSQL", "An analyst's transaction keeps a table locked.", _table_locked),
    Fault(
        "sigterm",
        "process",
        "SIGTERM of the load, as Airflow ends a task.",
        _soon(lambda case: case.send(signal.SIGTERM)),
    ),
    Fault(
        "sigkill",
        "process",
        "SIGKILL of the load, as the kernel does without memory.",
        _soon(lambda case: case.send(signal.SIGKILL)),
    ),
    Fault("second_run", "process", "A second run, from cron, at the same time.", _second_run),
)
"""In the order of docs/faults.md."""
