"""The real pip-audit with advisories from a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ozon_local.audit import NOT_AUDITED, VULNERABLE, audit
from tests.support.scripted_server import Answer, Server

ADVISORY = {
    "id": "OSV-1",
    "summary": "Anything goes.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "some-package"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("answer", "exit_code", "expected"),
    [
        (Answer(body={}), 0, "No known vulnerabilities in 1 packages."),
        (Answer(body={"vulns": [ADVISORY]}), VULNERABLE, "some-package 1.0: OSV-1, fixed in 1.1"),
        (Answer(lost="before"), NOT_AUDITED, "Not audited: "),
    ],
)
def test_exit_codes(
    answer: Answer, exit_code: int, expected: str, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [answer]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"some-package==1.0 --hash=sha256:{'0' * 64}\n")
    options = ["--vulnerability-service", "osv", "--osv-url", server.url, "--cache-dir", str(tmp_path)]

    assert audit(options, requirements) == exit_code
    output = capsys.readouterr()
    assert (output.out + output.err).startswith(expected)
