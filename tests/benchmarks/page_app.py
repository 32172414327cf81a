"""The page in its own process, as the API server runs it: ``python -m tests.benchmarks.page_app DSN PORT``."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request

from include.ozon.configuration import load_settings
from include.ozon.page.access import Visitor
from include.ozon.page.app import create_app
from include.ozon_local.home import LOOPBACK, free_port
from include.ozon_local.processes import tied

_START_SECONDS = 30


@contextmanager
def running(dsn: str) -> Iterator[str]:
    """Yield the address of the page, which every visitor may see."""
    port = free_port(0, ())
    address = f"http://{LOOPBACK}:{port}/ozon"
    with subprocess.Popen(tied([sys.executable, "-m", "tests.benchmarks.page_app", dsn, str(port)])) as process:
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(f"{address}/", trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


async def _admit(_: Request) -> Visitor:
    return Visitor("bench", may_acknowledge=False)


def main() -> None:
    dsn, port = sys.argv[1:]
    settings = load_settings(environment="testing", environ={})
    app = FastAPI()
    app.mount("/ozon", create_app(admit=_admit, connect=lambda: psycopg.connect(dsn), load_settings=lambda: settings))
    uvicorn.run(app, host=LOOPBACK, port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
