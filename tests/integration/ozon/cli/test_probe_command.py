"""`ozon probe`, as a process: output, saved file and exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ozon_local.connections import api_connection
from include.ozon_local.home import ROOT
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import Ozon, assert_one_sentence
from tests.support.documents import data_of

ASK = ("probe", "--account", "main")


def connection(sandbox: SandboxProcess) -> dict[str, str]:
    return dict([api_connection("main", sandbox.base_url, sandbox.accounts["main"])])


def test_the_report_can_be_pasted_and_names_neither_the_account_nor_the_machine(
    ozon: Ozon, start_sandbox: StartSandbox, tmp_path: Path
) -> None:
    sandbox = start_sandbox({"main": 60})
    done = ozon(None, *ASK, **connection(sandbox))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# ozon probe\n\nozon-etl ")
    assert '| `statuses.status` | used | text (latin) 100 % | `"price_sent"` 10-99' in done.stdout
    keys = sandbox.accounts["main"]
    for secret in (keys.api_key, keys.client_id, "127.0.0.1", "ozon_api_main", "/work", str(tmp_path)):
        assert secret not in done.stdout


def test_the_same_as_json_in_a_file(ozon: Ozon, start_sandbox: StartSandbox, tmp_path: Path) -> None:
    sandbox = start_sandbox({"main": 60})
    sandbox.fault("role_missing", method="/v2/warehouse/list")
    file = tmp_path / "probe.json"

    done = ozon(None, *ASK, "--output", "json", "--save", str(file), **connection(sandbox))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"Saved: {file}\n")
    document = data_of(file.read_text("utf-8"), "ozon-probe")
    by_path = {answer["path"]: answer for answer in document["answers"]}
    assert by_path["/v2/warehouse/list"]["http_status"] == 403
    assert by_path["/v2/warehouse/list"]["read_as"] == "RoleMissingError"
    assert by_path["/v3/product/list"]["entries"] == "10-99"


def test_the_runbook_shows_the_command_of_the_help(ozon: Ozon) -> None:
    example = f"ozon {' '.join(ASK)} --save probe.md"

    assert f"\n    {example}\n" in (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert f"Example: {example}" in ozon(None, "probe", "--help", COLUMNS="200").stdout


@pytest.mark.long
@pytest.mark.faults
def test_an_error_is_one_sentence(ozon: Ozon, start_sandbox: StartSandbox, tmp_path: Path) -> None:
    assert_one_sentence(ozon(None, "probe", "--account", "nobody"), 2, "expected one of main, second")
    assert_one_sentence(ozon(None, *ASK), 2, "Airflow has no connection ozon_api_main")
    variables = connection(start_sandbox({"main": 10}))
    nowhere = str(tmp_path / "none" / "probe.md")
    assert_one_sentence(ozon(None, *ASK, "--save", nowhere, **variables), 2, "--save: ")
