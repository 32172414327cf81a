from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from include.ozon.errors import FatalError
from include.ozon.files import write_private
from include.ozon_local.home import LOOPBACK, ROOT, LocalHome


def test_a_secret_is_generated_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = LocalHome(tmp_path).secret("postgres_ozon")

    assert LocalHome(tmp_path).secret("postgres_ozon") == first
    assert LocalHome(tmp_path).secret("postgres_airflow") != first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_concurrent_processes_get_the_same_secret(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from include.ozon_local.home import LocalHome;"
        "print(LocalHome(pathlib.Path(sys.argv[1])).secret('key'))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        for _ in range(6)
    ]

    assert len({process.communicate()[0] for process in started}) == 1


def test_a_port_is_kept_and_each_server_has_its_own(tmp_path: Path) -> None:
    home = LocalHome(tmp_path)
    ports = {name: home.port(name) for name in ("postgres", "sandbox", "web")}

    assert len(set(ports.values())) == 3
    assert {name: LocalHome(tmp_path).port(name) for name in ports} == ports
    assert home.port_to_listen("postgres") == ports["postgres"]


def test_a_port_in_use_by_another_program_is_replaced(tmp_path: Path) -> None:
    home = LocalHome(tmp_path)
    with socket.create_server((LOOPBACK, home.port("sandbox"))) as stranger:
        chosen = home.port_to_listen("sandbox")
        assert chosen != stranger.getsockname()[1]

    assert home.port("sandbox") == chosen


def test_the_preferred_port_is_used_only_if_it_is_free(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as stranger:
        port = stranger.getsockname()[1]
        assert LocalHome(tmp_path / "one").port("web", preferred=port) != port
    assert LocalHome(tmp_path / "other").port("web", preferred=port) == port


def test_the_error_for_a_damaged_file_names_it_and_the_fix(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")

    with pytest.raises(FatalError, match=r"ports\.json is damaged .*make stop.*delete"):
        LocalHome(tmp_path).port("web")


def test_writing_replaces_a_file_that_others_could_read(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text("old")
    file.chmod(0o644)

    write_private(file, json.dumps({"admin": "new"}))

    assert json.loads(file.read_text()) == {"admin": "new"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OZON_LOCAL_HOME", raising=False)
    assert LocalHome.from_environment().path == ROOT / ".local"

    monkeypatch.setenv("OZON_LOCAL_HOME", str(tmp_path))
    assert LocalHome.from_environment().path == tmp_path
