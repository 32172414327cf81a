from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from include.ozon.errors import FatalError
from include.ozon_local import system_user
from include.ozon_local.home import LOOPBACK, ROOT
from include.ozon_local.postgres import EmbeddedPostgres, programs_folder
from tests.support import scratch


@pytest.fixture
def home() -> Path:
    return scratch.new_folder("home")


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, durable=False)
    yield server
    server.stop()


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]))


def test_a_role_signs_in_with_its_password_only(server: EmbeddedPostgres) -> None:
    server.start()
    server.create_database("w", "ozon")
    dsn = server.dsn("w", "ozon")

    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT current_user, pg_get_userbyid(datdba) FROM pg_database "
                                  "WHERE datname = current_database()").fetchone() == ("ozon", "ozon")  # fmt: skip
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn.replace("ozon:", "ozon:x"))


def test_it_listens_only_on_the_loopback_address(server: EmbeddedPostgres, home: Path) -> None:
    server.start()

    listening = [c.laddr for c in postmaster(home).net_connections("all") if c.status in ("LISTEN", "NONE") and c.laddr]
    assert [address for address in listening if address] == [(LOOPBACK, int(server.address.rpartition(":")[2]))]


def test_starting_twice_keeps_the_server_and_stopping_twice_is_allowed(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    first = postmaster(home)
    EmbeddedPostgres(home, durable=False).start()
    assert postmaster(home) == first

    server.stop()
    server.stop()
    assert not server.is_running()
    assert not first.is_running()


def test_data_and_address_survive_a_restart(server: EmbeddedPostgres) -> None:
    server.start()
    server.create_database("w", "ozon")
    dsn = server.dsn("w", "ozon")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    server.stop()
    server.start()

    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_it_moves_to_another_port_if_its_own_is_in_use(server: EmbeddedPostgres) -> None:
    server.start()
    address = server.address
    server.stop()

    with socket.create_server((LOOPBACK, int(address.rpartition(":")[2]))):
        server.start()

        assert server.address != address
        psycopg.connect(server.dsn("postgres", "ozon")).close()


def test_an_initdb_that_was_interrupted_is_repeated(server: EmbeddedPostgres, home: Path) -> None:
    half_done = home / "postgres" / "data.new" / "base"
    half_done.mkdir(parents=True)

    server.start()

    assert server.is_running()
    assert not half_done.exists()


def test_a_crashed_server_starts_even_if_its_process_id_is_reused(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    crashed = postmaster(home)
    crashed.send_signal(signal.SIGKILL)
    psutil.wait_procs([crashed, *crashed.children()], timeout=10)
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "120"], user=system_user.NAME if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert not server.is_running()

        server.start()

        assert server.is_running()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_concurrent_starts_result_in_one_server(home: Path) -> None:
    program = (
        "import sys, pathlib; from include.ozon_local.postgres import EmbeddedPostgres;"
        "EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(home)], cwd=ROOT) for _ in range(3)]
    try:
        assert [process.wait() for process in started] == [0, 0, 0]
        running = [p for p in scratch.running_in(home) if "-D" in p.cmdline()]
        assert running == [postmaster(home)]
    finally:
        EmbeddedPostgres(home).stop()


def test_the_error_for_a_failed_start_has_the_servers_message(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    server.stop()
    (home / "postgres" / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(FatalError, match=r"(?s)PostgreSQL did not start.*no_such_setting"):
        server.start()
    assert not server.is_running()


def test_the_error_for_lost_passwords_names_the_fix(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    (home / "secrets.json").unlink()

    with pytest.raises(FatalError, match="delete the whole folder"):
        server.start()


def test_only_a_durable_server_waits_for_the_disk_and_outlives_its_starter(home: Path) -> None:
    assert setting_after_starter_ended(home, durable=False) is None

    try:
        assert setting_after_starter_ended(home, durable=True) == "on"
    finally:
        EmbeddedPostgres(home).stop()


def setting_after_starter_ended(home: Path, *, durable: bool) -> str | None:
    """Return ``fsync`` of a server whose starter has ended; None if the server has ended too."""
    program = (
        "import sys, pathlib; from include.ozon_local.postgres import EmbeddedPostgres;"
        f"EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable={durable}).start()"
    )
    subprocess.run([sys.executable, "-c", program, str(home)], cwd=ROOT, check=True)
    server = EmbeddedPostgres(home)
    if not durable:
        psutil.wait_procs(scratch.running_in(home), timeout=10)
    if not server.is_running():
        return None
    with psycopg.connect(server.dsn("postgres", "ozon")) as connection:
        row = connection.execute("SELECT current_setting('fsync')").fetchone()
    return str(row[0]) if row else None


def test_a_copied_database_is_dropped_with_a_client_connected(server: EmbeddedPostgres) -> None:
    server.start()
    server.create_database("template", "ozon")
    with psycopg.connect(server.dsn("template", "ozon")) as connection:
        connection.execute("CREATE TABLE kept ()")
    server.create_database("copy", "ozon", template="template")
    client = psycopg.connect(server.dsn("copy", "ozon"))
    client.execute("SELECT FROM kept")

    server.drop_database("copy")

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.dsn("copy", "ozon"))


def test_psql_is_among_the_programs() -> None:
    version = subprocess.run([programs_folder() / "psql", "--version"], capture_output=True, text=True, check=True)

    assert version.stdout.startswith("psql (PostgreSQL) ")
