from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from include.ozon_local import bootstrap


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_other_pythons_are_refused_in_one_sentence(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "version", f"{'.'.join(map(str, version))} (main)")

    with pytest.raises(SystemExit, match=r"^error: expected Python 3\.11, 3\.12 or 3\.13, found 3\.1[04]\.") as end:
        runpy.run_path(str(bootstrap.__file__))
    assert "\n" not in str(end.value)


def test_a_python_without_its_venv_module_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(SystemExit, match=r"venv module is missing: .*apt-get install python3\.\d+-venv"):
        bootstrap.create()


def test_the_installer_comes_with_the_hashes_of_the_lock() -> None:
    lines = bootstrap.pinned("uv").splitlines()

    assert re.match(r"uv==\d", lines[0])
    assert all("--hash=sha256:" in line for line in lines[1:])
    assert len(lines) > 2


def test_a_file_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "uv-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("uv-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\n")
        wheel.writestr("uv-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("uv-1.0.dist-info/RECORD", "")
    (tmp_path / "requirements.lock").write_text(f"uv==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", sys.executable)
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "TARGET": str(tmp_path / "target")}.items():
        monkeypatch.setenv(f"PIP_{name}", value)

    with pytest.raises(SystemExit, match="could not create"):
        bootstrap.install()
    assert "DO NOT MATCH THE HASHES" in capfd.readouterr().err
    assert not (tmp_path / "target").exists()


def test_pips_index_is_passed_to_uv_by_uvs_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://mirror.example/simple\ntimeout = 7\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_CERT", "/ca.pem")
    # The tests' Python replaces the new environment's.
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", sys.executable)

    settings = bootstrap.settings_of_pip()

    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert settings["SSL_CERT_FILE"] == "/ca.pem"


class TestStamp:
    """Tests of the stamp of an environment in a temporary folder; "installing" only records the call."""

    @pytest.fixture(autouse=True)
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("requirements.lock", "pyproject.toml"):
            (tmp_path / name).write_text("a\n")
        monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
        monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path / "requirements.lock")
        monkeypatch.setattr(bootstrap, "LOCK_FILE", tmp_path / ".local" / "venv.lock")
        monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
        monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "made-from")
        monkeypatch.setattr(bootstrap, "create", self.create)
        monkeypatch.setattr(bootstrap, "install", self.install)
        monkeypatch.setattr(bootstrap.signal, "signal", lambda *_: None)
        self.done: list[str] = []
        return tmp_path

    def create(self) -> None:
        bootstrap.VENV.mkdir(exist_ok=True)
        self.done.append("create")

    def install(self) -> None:
        self.done.append("install")

    def test_the_second_call_does_nothing(self) -> None:
        bootstrap.main()
        bootstrap.main()
        assert self.done == ["create", "install"]

    def test_a_changed_lock_is_installed_into_the_same_environment(self, project: Path) -> None:
        bootstrap.main()
        (project / "requirements.lock").write_text("b\n")
        bootstrap.main()
        assert self.done == ["create", "install", "install"]

    def test_an_interrupted_installation_starts_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bootstrap.main()
        (bootstrap.REQUIREMENTS).write_text("b\n")
        with monkeypatch.context() as patched:
            patched.setattr(bootstrap, "install", lambda: sys.exit("interrupted"))
            with pytest.raises(SystemExit):
                bootstrap.main()
        bootstrap.main()
        assert self.done == ["create", "install", "create", "install"]

    def test_a_folder_that_was_moved_gets_a_new_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bootstrap.main()
        monkeypatch.setattr(bootstrap, "ROOT", bootstrap.ROOT / ".." / bootstrap.ROOT.name)
        bootstrap.main()
        assert self.done == ["create", "install", "create", "install"]


def test_it_needs_only_the_standard_library() -> None:
    program = [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({bootstrap.__file__!r})"]

    subprocess.run(program, check=True, env={"PATH": sysconfig.get_path("scripts")})
