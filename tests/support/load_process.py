"""One component's load in its own process, to be ended by signals as Airflow and operating systems do."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.ozon.warehouse.lock import is_locked
from include.ozon_sandbox.process import SandboxAccount, SandboxAdmin
from tests.support.pipeline import Pipeline, changed, quick_settings

_ROOT = Path(__file__).resolve().parents[2]
# Airflow sends SIGTERM, then SIGKILL after this many seconds.
_GRACE_SECONDS = 5
_GIVE_UP_SECONDS = 30


class _RemoteSandbox(SandboxAdmin):
    """A sandbox that another process started."""

    def __init__(self, base_url: str, keys: dict[str, dict[str, Any]]) -> None:
        super().__init__(base_url)
        self.accounts = {name: SandboxAccount(**account) for name, account in keys.items()}


@contextmanager
def loading(pipeline: Pipeline, component: str, dag_run_id: str = "run") -> Iterator[subprocess.Popen[str]]:
    """Yield a process that loads the account ``main``; kill it at the end if it still runs."""
    order = {
        "base_url": pipeline.sandbox.base_url,
        "keys": {name: vars(account) for name, account in pipeline.sandbox.accounts.items()},
        "dsn": pipeline.dsn,
        "warehouse": pipeline.settings.warehouse.model_dump(),
        "component": component,
        "dag_run_id": dag_run_id,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.load_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert process.stdin
    process.stdin.write(json.dumps(order))
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    """Wait until ``condition`` is true; raise if ``process`` ends first."""
    give_up_at = time.monotonic() + _GIVE_UP_SECONDS
    while not condition():
        if process.poll() is not None:
            stderr = process.stderr.read() if process.stderr else ""
            raise AssertionError(f"the load ended with exit code {process.returncode}: {stderr}")
        assert time.monotonic() < give_up_at, f"not within {_GIVE_UP_SECONDS} seconds"
        time.sleep(0.02)


def kill(pipeline: Pipeline, dag_run_id: str = "killed") -> None:
    """Let a load stage a page, kill its process, and wait until PostgreSQL releases its lock."""
    pipeline.sandbox.fault("latency", ms=10_000, method="/v3/product/list", after=1)
    with loading(pipeline, "product_etl", dag_run_id) as process:
        until(lambda: "main_product_checkpoint" in pipeline.staging_tables(), process)
        process.kill()
        process.wait()
    pipeline.sandbox.clear_faults()
    give_up_at = time.monotonic() + _GIVE_UP_SECONDS
    with pipeline.connect() as connection:
        connection.autocommit = True
        while is_locked(connection, "main"):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)


def cancel(process: subprocess.Popen[str]) -> None:
    """End the process as Airflow does: SIGTERM, then SIGKILL after the grace period."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _main() -> None:
    from include.ozon.pipeline.cancellation import cancellable

    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    order = json.load(sys.stdin)
    sandbox: Any = _RemoteSandbox(order["base_url"], order["keys"])
    settings = changed(quick_settings(), "warehouse", **order["warehouse"])
    pipeline = Pipeline(sandbox, order["dsn"], settings)
    load = {"product_etl": pipeline.products, "inventory_etl": pipeline.inventory}[order["component"]]
    with cancellable():
        load(order["dag_run_id"])


if __name__ == "__main__":
    _main()
