"""A probe of the sandbox, with its faults; no value of the catalogue is in the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from include.ozon.diagnosis.probe import PRODUCT_FILTERS, Probe, ProbeReport
from include.ozon.diagnosis.probed_answer import ProbedAnswer
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.pacer import Pacer
from include.ozon.marketplace.redaction import Redactor
from include.ozon.monitoring.health.api import needed_methods
from include.ozon.reports.probe import probe_markdown
from include.ozon_sandbox.process import SandboxProcess
from tests.conftest import StartSandbox
from tests.support.pipeline import changed, quick_settings

LIST, DETAILS, STOCKS = "/v3/product/list", "/v3/product/info/list", "/v4/product/info/stocks"
WAREHOUSES, WAREHOUSE_STOCKS, FBO_STOCKS = (
    "/v2/warehouse/list",
    "/v1/product/info/warehouse/stocks",
    "/v1/analytics/stocks",
)
ORDER = ["/v1/roles", *[LIST] * 3, *[STOCKS] * 2, DETAILS, WAREHOUSES, *[WAREHOUSE_STOCKS] * 3, FBO_STOCKS]
# A small catalogue that fits on the pages, so that all of it is requested.
API = changed(quick_settings(), "api", page_size=1000, details_batch_size=1000).api


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> SandboxProcess:
    return start_sandbox({"main": 300})


def probe(sandbox: SandboxProcess, *, base_url: str = "") -> ProbeReport:
    keys = sandbox.accounts["main"]
    credentials = Credentials(base_url or sandbox.base_url, keys.client_id, keys.api_key, "ozon_api_main")
    asked = Probe(Redactor.of(credentials), API)
    with SellerClient(credentials, API, pacer=Pacer(10_000), observe=asked.observe) as client:
        return asked.run(client)


def of(report: ProbeReport, path: str) -> ProbedAnswer:
    """The first answer of a method."""
    return next(answer for answer in report.answers if answer.path == path)


def kinds(answer: ProbedAnswer) -> dict[str, set[str]]:
    return {shape.path: set(shape.kinds) for shape in answer.fields}


def test_every_method_is_called_and_described(sandbox: SandboxProcess) -> None:
    sandbox.reset_counters()
    report = probe(sandbox)

    assert [answer.path for answer in report.answers] == ORDER
    inventory = {"seller_warehouses": True, "ozon_warehouses": True}
    assert {*ORDER} == {"/v1/roles", *needed_methods(changed(quick_settings(), "inventory", **inventory))}
    assert sum(sandbox.state()["accounts"]["main"]["requests"].values()) == len(ORDER) <= 15
    assert {(answer.http_status, answer.content_type, answer.read_as) for answer in report.answers} == {
        (200, "application/json", "read; rejected: 0 entries, 0 fields")
    }
    details = {shape.path: shape for shape in of(report, DETAILS).fields}
    assert set(details["statuses.status"].words) == {"price_sent", "imported"}
    assert "Продается" in details["statuses.status_name"].words
    assert set(details["errors[].level"].words) == {"ERROR_LEVEL_ERROR"}
    assert details["id"].use == "required"
    statuses = {answer.request.split(",")[0] for answer in report.answers if answer.path == WAREHOUSE_STOCKS}
    assert statuses == {"a warehouse of status created", "a warehouse of status disabled"}
    assert of(report, FBO_STOCKS).request == "100-999 SKUs"
    assert f"{LIST}: of the first page of VISIBLE, all is on the first page of ALL." in report.comparisons


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def test_no_value_of_the_catalogue_is_in_the_report(sandbox: SandboxProcess) -> None:
    listed = [
        sandbox.post(LIST, {"filter": {"visibility": name}, "limit": 1000}).json() for name in ("ALL", "ARCHIVED")
    ]
    ids = [item["product_id"] for answer in listed for item in answer["result"]["items"]]
    details = sandbox.post(DETAILS, {"product_id": ids}).json()
    skus = [item["sku"] for item in details["items"] if item["sku"]][:100]
    warehouses = sandbox.post(WAREHOUSES, {"limit": 200}).json()
    first = warehouses["warehouses"][0]["warehouse_id"]
    everything = [
        *listed,
        details,
        warehouses,
        sandbox.post(STOCKS, {"limit": 1000}).json(),
        sandbox.post(WAREHOUSE_STOCKS, {"warehouse_id": first, "limit": 1000}).json(),
        sandbox.post(FBO_STOCKS, {"skus": skus}).json(),
        sandbox.catalogue("main"),
        [sandbox.accounts["main"].api_key, sandbox.accounts["main"].client_id, sandbox.base_url],
    ]

    report = probe(sandbox)

    shown = probe_markdown(report, date(2026, 11, 28))
    fields = [shape for answer in report.answers for shape in answer.fields]
    words = {word for shape in fields for word in shape.words}
    # An error names a field, and the sandbox's truth the filters.
    ours = {name for shape in fields for name in shape.path.split(".")} | set(PRODUCT_FILTERS) | {"False"}
    # Shorter numbers, like pieces and percentages, are in any text.
    values = {str(value) for value in leaves(everything) if len(str(value)) > 4} - words - ours
    assert len(values) > 2_000
    leaked = [value for value in values if value in shown and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", shown)]
    assert leaked == []


@pytest.mark.faults
def test_fields_that_are_dropped_new_or_of_another_type_are_seen(sandbox: SandboxProcess) -> None:
    for path, field in ((DETAILS, "sku"), (DETAILS, "stocks.stocks.sku"), (LIST, "sku")):
        sandbox.fault("drop_field", method=path, field=field)
    sandbox.fault("drop_field", method=DETAILS, field="statuses.status_name", share=0.5)
    sandbox.fault("set_field", method=DETAILS, field="statuses.status", value="В пути к покупателю")
    sandbox.fault("set_field", method=DETAILS, field="statuses.moderate_status", value="seller-7712345678")
    sandbox.fault("wrong_types", method=STOCKS)
    sandbox.fault("set_field", method=STOCKS, field="offer_id", value=None)
    sandbox.fault("unknown_fields", method=LIST)

    report = probe(sandbox)

    details, fields = kinds(of(report, DETAILS)), {shape.path: shape for shape in of(report, DETAILS).fields}
    assert details["sku"] == {"missing"}
    assert details["statuses.status_name"] == {"text (cyrillic)", "missing"}
    assert set(fields["statuses.status"].words) == {"В пути к покупателю"}
    assert fields["statuses.moderate_status"].words == {}
    assert kinds(of(report, STOCKS))["stocks"] == {"empty array"}
    assert kinds(of(report, STOCKS))["offer_id"] == {"null"}
    listed = {shape.path: shape.use for shape in of(report, LIST).fields}
    assert listed["quantum_state.spin"] == listed["<text (cyrillic)>"] == "not used"
    # The SKUs that are missing in the details are in their sources.
    assert of(report, FBO_STOCKS).http_status == 200
    assert "7712345678" not in probe_markdown(report, date(2026, 11, 28))


@pytest.mark.faults
@pytest.mark.parametrize(
    ("fault", "params", "status", "body", "problem"),
    [
        ("key_unknown", {}, 404, "JSON", "code 5: Invalid Api-Key, please check the key and try again"),
        ("role_missing", {}, 403, "JSON", "code 7: Api-Key is missing a required role for a method"),
        ("method_obsolete", {}, 410, "JSON", "obsolete method cannot be used"),
        ("server_error", {"status": 500}, 500, "JSON", "code 13: Internal Server Error"),
        ("server_error", {"status": 502}, 502, "HTML", ""),
        ("not_json", {}, 200, "HTML", ""),
        ("truncated_json", {}, 200, "text", ""),
    ],
)
def test_a_method_that_fails_is_described_and_stops_no_other(
    sandbox: SandboxProcess, fault: str, params: dict[str, Any], status: int, body: str, problem: str
) -> None:
    sandbox.fault(fault, method=LIST, **params)

    report = probe(sandbox)

    failed = [answer for answer in report.answers if answer.path == LIST]
    assert [(each.http_status, each.body, each.problem, each.fields) for each in failed] == [
        (status, body, problem, [])
    ] * 3
    assert not any(each.read_as.startswith("read") for each in failed)
    # The ids come from the other lists.
    assert {answer.http_status for answer in report.answers if answer.path != LIST} == {200}
    assert "Доступ" not in probe_markdown(report, date(2026, 11, 28))


@pytest.mark.faults
def test_a_broken_connection_is_not_an_answer(sandbox: SandboxProcess) -> None:
    sandbox.fault("broken_connection", method=STOCKS)

    broken = of(probe(sandbox), STOCKS)

    assert (broken.http_status, broken.read_as) == (None, "MarketplaceUnavailableError")
    assert broken.problem.startswith(f"{STOCKS}: the connection to <secret> broke")


@pytest.mark.faults
def test_without_any_answer_there_is_a_report_that_names_no_host(sandbox: SandboxProcess) -> None:
    report = probe(sandbox, base_url="http://127.0.0.1:1")

    assert {answer.http_status for answer in report.answers} == {None}
    assert of(report, LIST).read_as == "MarketplaceUnavailableError"
    assert of(report, LIST).problem.startswith(f"{LIST}: <secret> refuses connections.")
    assert of(report, DETAILS).read_as == "not requested: no product id in the previous answers"
    shown = probe_markdown(report, date(2026, 11, 28))
    assert not re.search(r"127\.0|ozon_api_main", shown)
