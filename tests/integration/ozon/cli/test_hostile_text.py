"""Text from Ozon that pretends to be something else: markup of the terminal, escape sequences, lines of a log."""

from __future__ import annotations

import logging

import pytest

from tests.conftest import StartSandbox
from tests.integration.ozon.cli.conftest import Ozon
from tests.support.pipeline import Pipeline, changed, quick_settings

HOSTILE = "[/b][red]x\x1b[2J\x9b31m\u202e\r\n2026-11-24T08:00:00Z [error    ] forged\n"
DETAILS = "/v3/product/info/list"
FIELDS = {
    DETAILS: (
        "name",
        "offer_id",
        "currency_code",
        "statuses.status",
        "statuses.status_name",
        "availabilities.reasons.human_text.text",
        "errors.texts.message",
    ),
    "/v4/product/info/stocks": ("offer_id",),
    "/v2/warehouse/list": ("name",),
}


@pytest.fixture
def hostile(start_sandbox: StartSandbox, warehouse_dsn: str) -> Pipeline:
    """A loaded account in which all text that Ozon sends is hostile, and the stock of a warehouse cannot be read."""
    sets = changed(quick_settings(), "guards.rejected", level="off")
    pipeline = Pipeline(start_sandbox({"main": 60, "second": 10}), warehouse_dsn, sets)
    pipeline.load("before")
    for method, fields in FIELDS.items():
        for field in fields:
            pipeline.sandbox.fault("set_field", method=method, field=field, value=HOSTILE)
    pipeline.sandbox.fault("warehouse_refused")
    pipeline.sandbox.fault("hide_share", account="main", share=0.5)
    pipeline.load("hostile")
    return pipeline


def assert_harmless(text: str) -> None:
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("2026-11-24T08:00:00Z")] == []
    assert {character for character in text if not character.isprintable()} <= {"\n"}


@pytest.mark.long
def test_it_is_shown_as_text(hostile: Pipeline, ozon: Ozon) -> None:
    currencies = hostile.rows("SELECT DISTINCT currency_code FROM ozon.products WHERE account = 'main'")
    assert currencies == [{"currency_code": ""}]
    for arguments in (["visibility"], ["runs"], ["health", "--checks", "runs,data,api"], []):
        done = ozon(hostile.dsn, *arguments)
        assert done.returncode in {0, 1, 2}, done.stderr
        assert "Traceback" not in done.stderr
        assert_harmless(done.stdout)
    shown = ozon(hostile.dsn, "visibility").stdout
    assert "[/b][red]x" in "".join(line.replace("│", "").strip() for line in shown.splitlines())


def test_it_makes_no_line_in_a_log_or_a_record(hostile: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        hostile.load("again")
    messages = [record.getMessage() for record in caplog.records]
    assert any("forged" in message for message in messages)
    for message in messages:
        assert_harmless(message)
        assert "\n" not in message
    for row in hostile.rows(
        "SELECT reason AS text FROM ozon.rejected_items UNION SELECT jsonb_array_elements_text(execution_details "
        "#> '{inventory_etl,warnings}') FROM ozon.etl_workflow_executions"
    ):
        assert_harmless(row["text"] or "")
