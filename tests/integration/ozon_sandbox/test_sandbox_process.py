"""The sandbox as a process: start, state after restarts, end, and its errors at the start."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from include.ozon_sandbox.process import SandboxError, SandboxProcess
from tests.conftest import StartSandbox
from tests.support.sandboxes import Sandboxes

CONFIG = {"state": "tick.json", "accounts": {"main": {"client_id": "5", "api_key": "for a test", "size": 1}}}


def run(tmp_path: Path, config: object, *options: str) -> tuple[int, str]:
    """Return exit code and output of a start that is expected to fail."""
    path = tmp_path / "config.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    command = [sys.executable, "-m", "include.ozon_sandbox", "--config", str(path), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode, ended.stderr


def test_the_tick_outlives_the_process(tmp_path: Path) -> None:
    accounts = {"main": 300}
    with SandboxProcess(tmp_path, accounts) as sandbox:
        at_first = sandbox.catalogue("main")
        assert sandbox.tick() == 1
        assert sandbox.tick(2) == 3
        later = sandbox.catalogue("main")
    assert at_first != later
    with SandboxProcess(tmp_path, accounts) as sandbox:
        assert sandbox.state()["tick"] == 3
        assert sandbox.catalogue("main") == later
    with SandboxProcess(tmp_path / "anew", accounts) as sandbox:
        assert sandbox.catalogue("main") == at_first


def test_the_state_contains_no_key(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path, {"main": 5}) as sandbox:
        sandbox.post("/v1/roles")
        state = sandbox.state()
        key = sandbox.accounts["main"].api_key
        assert state["accounts"]["main"]["requests"] == {"/v1/roles": 1}
        assert key not in json.dumps(state)
        assert key not in repr(sandbox.accounts)
        sandbox.reset_counters()
        assert sandbox.state()["accounts"]["main"]["requests"] == {}
        assert sandbox.state()["max_requests_in_one_second"] == {"1000001": 0}
    assert key not in (tmp_path / "sandbox.log").read_text()


def test_configured_faults_are_active_from_the_start(tmp_path: Path) -> None:
    faults = [{"name": "server_error", "params": {"status": 503}}]
    with SandboxProcess(tmp_path, {"main": 5}, faults=faults) as sandbox:
        assert sandbox.post("/v1/roles").status_code == 503


def test_connections_are_kept_alive(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path, {"main": 5}) as sandbox, requests.Session() as session:
        session.headers.update(sandbox.accounts["main"].headers)
        for _ in range(3):
            session.post(f"{sandbox.base_url}/v1/roles", json={}, timeout=10)
        process = psutil.Process(sandbox.pid)
        established = [c for c in process.net_connections() if c.status == psutil.CONN_ESTABLISHED]
        assert len(established) == 1


def test_it_ends_while_a_request_is_waiting(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path, {"main": 5})
    sandbox.start()
    process = psutil.Process(sandbox.pid)
    sandbox.fault("latency", ms=600_000)
    with pytest.raises(requests.ReadTimeout):
        sandbox.post("/v1/roles", timeout_seconds=0.2)
    sandbox.stop()
    sandbox.stop()
    assert not process.is_running()


@contextmanager
def started(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a sandbox and wait until it is ready."""
    config, ready = tmp_path / "config.json", tmp_path / "ready.json"
    config.write_text(json.dumps(CONFIG | {"state": str(tmp_path / "tick.json")}))
    command = [sys.executable, "-m", "include.ozon_sandbox", "--config", str(config), "--ready-file", str(ready)]
    process = subprocess.Popen([*command, *options])
    try:
        while not ready.exists():
            assert process.poll() is None
        assert json.loads(ready.read_text())["pid"] == process.pid
        yield process
    finally:
        process.kill()
        process.wait()


def test_sigterm_ends_it_without_an_error(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        process.terminate()
        assert process.wait(10) == 0


def test_a_configuration_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    code, text = run(tmp_path, CONFIG | {"faults": [{"name": "gremlins"}]})
    assert code == 2
    assert "unknown fault 'gremlins'" in text
    assert len(text.strip().splitlines()) == 1


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    code, text = run(tmp_path, CONFIG, "--host", "0.0.0.0")
    assert code == 2
    assert "expected a loopback address" in text


def test_it_listens_elsewhere_only_with_both_options(tmp_path: Path) -> None:
    # The only address other than loopback that exists on every machine is 0.0.0.0.
    with started(tmp_path, "--host", "0.0.0.0", "--any-address") as process:
        (listening,) = psutil.Process(process.pid).net_connections()
        assert listening.laddr.ip == "0.0.0.0"


def test_a_host_that_is_a_name_is_refused(tmp_path: Path) -> None:
    code, text = run(tmp_path, CONFIG, "--host", "localhost", "--any-address")
    assert code == 2
    assert "expected an address such as 127.0.0.1" in text


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, text = run(tmp_path, CONFIG, "--port", str(port))
    assert code == 2
    assert text.startswith(f"Port {port} on 127.0.0.1 cannot be used")


def test_a_failed_start_raises_the_reason_in_python(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"exit code 2: .*size"):
        SandboxProcess(tmp_path, {"main": 0}).start()


def test_a_million_products_take_no_more_memory_than_a_thousand(tmp_path: Path) -> None:
    memory_mb = {}
    for size in (1_000, 1_000_000):
        with SandboxProcess(tmp_path / str(size), {"main": size}, rate_limit_per_second=1000) as sandbox:
            for visibility in ("ALL", "VISIBLE", "EMPTY_STOCK"):
                body = {"filter": {"visibility": visibility}, "limit": 1000}
                result = sandbox.post("/v3/product/list", body).json()["result"]
                products = [item["product_id"] for item in result["items"]]
                sandbox.post("/v3/product/info/list", {"product_id": products})
            memory_mb[size] = psutil.Process(sandbox.pid).memory_info().rss / 1e6
    assert memory_mb[1_000_000] < memory_mb[1_000] + 100


def test_a_reset_restores_the_state_at_the_start(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox({"main": 50}, circuit_refusals=1, rate_limit_per_second=2)
    fresh, catalogue = sandbox.state(), sandbox.catalogue("main")
    sandbox.tick(3)
    sandbox.fault("latency", ms=1)
    report = sandbox.post("/v1/report/products/create").json()["result"]["code"]
    assert [sandbox.post("/v1/roles").status_code for _ in range(4)][-1] == 429

    sandbox.reset()

    assert sandbox.state() == fresh
    assert sandbox.catalogue("main") == catalogue
    assert sandbox.faults() == []
    assert sandbox.post("/v1/report/info", {"code": report}).status_code == 404
    assert sandbox.post("/v1/roles").status_code == 200


def test_one_accounts_own_ticks_leave_the_others_alone_and_outlive_the_process(tmp_path: Path) -> None:
    accounts = {"main": 50, "shop": 50}
    with SandboxProcess(tmp_path, accounts) as sandbox:
        before = {account: sandbox.catalogue(account) for account in accounts}
        sandbox.tick_to("shop", 3)
        sandbox.tick_to("shop", 2)
        assert sandbox.catalogue("main") == before["main"]
        assert sandbox.catalogue("shop") != before["shop"]
        assert sandbox.tick() == 1
        with pytest.raises(SandboxError, match="unknown account 'nobody'"):
            sandbox.tick(account="nobody")
    with SandboxProcess(tmp_path, accounts) as sandbox:
        ticks = {name: account["tick"] for name, account in sandbox.state()["accounts"].items()}
        assert ticks == {"main": 1, "shop": 4}


def test_a_reset_to_a_tick_is_that_ticks_catalogue(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox({"main": 50})
    sandbox.tick(3)
    moved_on = sandbox.catalogue("main")
    sandbox.reset()
    assert sandbox.catalogue("main") != moved_on

    sandbox.reset(tick=3)

    assert (sandbox.state()["tick"], sandbox.catalogue("main")) == (3, moved_on)


def test_a_reset_restores_the_configured_faults_with_their_counters(tmp_path: Path) -> None:
    faults = [{"name": "server_error", "params": {"status": 503}, "times": 1}]
    with SandboxProcess(tmp_path, {"main": 5}, faults=faults) as sandbox:
        assert [sandbox.post("/v1/roles").status_code for _ in range(2)] == [503, 200]
        sandbox.clear_faults()

        sandbox.reset()

        assert [sandbox.post("/v1/roles").status_code for _ in range(2)] == [503, 200]


def test_the_tick_of_a_reset_outlives_the_process_and_a_negative_one_is_refused(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path, {"main": 5}) as sandbox:
        sandbox.reset(tick=2)
    with SandboxProcess(tmp_path, {"main": 5}) as sandbox:
        sandbox.tick()
        sandbox.reset()
        assert sandbox.state()["tick"] == 2
        with pytest.raises(SandboxError, match=">= 0"):
            sandbox.reset(tick=-1)


def test_a_running_request_is_not_counted_after_a_reset(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path, {"main": 5}) as sandbox, ThreadPoolExecutor() as pool:
        sandbox.fault("latency", ms=500)
        waiting = pool.submit(sandbox.post, "/v1/roles")
        while not sandbox.state()["accounts"]["main"]["requests"]:
            assert not waiting.done()
        sandbox.reset()
        assert waiting.result().status_code == 200
        assert sandbox.state()["answers"] == {}


def test_a_borrowed_sandbox_has_its_initial_state() -> None:
    sandboxes = Sandboxes()
    try:
        with sandboxes.borrow({"main": 300}) as sandbox:
            pid, started = sandbox.pid, (sandbox.state(), sandbox.catalogue("main"))
            sandbox.tick()
            sandbox.fault("server_error")
            sandbox.post("/v1/roles")
        with sandboxes.borrow({"main": 300}) as sandbox, sandboxes.borrow({"main": 300}) as another:
            assert (sandbox.pid, (sandbox.state(), sandbox.catalogue("main"))) == (pid, started)
            assert sandbox.faults() == []
            assert another.pid != pid
            sandbox.stop()
        with sandboxes.borrow({"main": 300}, seed=2) as sandbox:
            assert sandbox.pid != another.pid
        running = {another.pid, sandbox.pid}
    finally:
        sandboxes.stop()
    assert not [pid for pid in running if psutil.pid_exists(pid)]
