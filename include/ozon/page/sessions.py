"""The page's own small pool of read-only sessions in the warehouse.

Queries run in a few threads of their own, not in those of Airflow's API server: many readers wait for each other, and
neither for nor before Airflow's own requests.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from include.ozon.errors import WarehouseUnavailableError
from include.ozon.warehouse.session import Connect, Connection, open_connection, translated_errors

T = TypeVar("T")
Read = Callable[[Connection], T]

SESSIONS = 4
STATEMENT_SECONDS = 2.5
# A page that says that the warehouse is down comes within three seconds.
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 2.8
_IDLE_SECONDS = 120

READ_ONLY = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",
    "statement_timeout": f"{STATEMENT_SECONDS:g}s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "30s",
    # Compiling takes longer than these queries, and parallel workers would be taken from a running load.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}


class Sessions:
    """Read-only sessions; at most ``SESSIONS`` at once."""

    def __init__(self, connect: Connect) -> None:
        class _Session(psycopg.Connection[Any]):
            @classmethod
            def connect(cls, *_: Any, **__: Any) -> Any:
                return open_connection(connect, "ozon_page", READ_ONLY)

        self._pool = ConnectionPool(
            connection_class=_Session,
            min_size=0,
            max_size=SESSIONS,
            open=False,
            timeout=_CONNECT_SECONDS,
            reconnect_timeout=_CONNECT_SECONDS,
            max_idle=_IDLE_SECONDS,
            check=ConnectionPool.check_connection,
            name="ozon_page",
        )
        self._threads = ThreadPoolExecutor(SESSIONS, thread_name_prefix="ozon_page")
        self._free = asyncio.Semaphore(SESSIONS)
        self._was_down_at = -math.inf

    async def read(self, read: Read[T]) -> T:
        """Return what ``read`` reads from one snapshot of the warehouse, in a thread.

        Raises WarehouseUnavailableError within three seconds if the warehouse does not answer.
        """
        asked_at = time.monotonic()
        async with self._free:
            if self._was_down_at > asked_at:
                # Others have tried meanwhile: a queue of readers would wait for the same answer one after the other.
                raise _no_answer()
            work = asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, self._read, read)
            try:
                return await asyncio.wait_for(work, _ANSWER_SECONDS)
            except TimeoutError:
                self._was_down_at = time.monotonic()
                raise _no_answer() from None
            except WarehouseUnavailableError as error:
                if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                    self._was_down_at = time.monotonic()
                raise

    def close(self) -> None:
        self._pool.close(timeout=1)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, read: Read[T]) -> T:
        self._pool.open()
        with translated_errors(), self._connection() as connection, connection.transaction():
            return read(connection)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            # It is one of psycopg's errors, but its text names neither the cause nor what to do.
            raise WarehouseUnavailableError(
                f"No connection to the warehouse within {_CONNECT_SECONDS:g} seconds. Check that PostgreSQL runs, and "
                "Airflow's connection ozon_warehouse: `ozon doctor`."
            ) from None
        try:
            yield connection
        finally:
            self._pool.putconn(connection)


def _no_answer() -> WarehouseUnavailableError:
    return WarehouseUnavailableError(
        f"The warehouse has not answered within {_ANSWER_SECONDS:g} seconds. Check that PostgreSQL runs."
    )
