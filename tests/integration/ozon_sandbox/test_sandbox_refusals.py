"""Wrong keys, wrong bodies, too many requests: Ozon's verbatim answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from include.ozon_sandbox.process import SandboxProcess

LIST, DETAILS = "/v3/product/list", "/v3/product/info/list"
WAREHOUSE_STOCKS = "/v1/product/info/warehouse/stocks"
BAD_BODY = (400, {"code": 3, "message": "Invalid request body", "details": []})


def call(sandbox: SandboxProcess, headers: dict[str, str], path: str = LIST, body: bytes = b"{}") -> requests.Response:
    headers = {"Content-Type": "application/json", **headers}
    return requests.post(f"{sandbox.base_url}{path}", headers=headers, data=body, timeout=10)


def status_and_body(answer: requests.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


@pytest.mark.parametrize("path", [LIST, "/v1/roles", "/v1/analytics/stocks", "/v2/product/list"])
def test_a_wrong_key_is_404_and_missing_headers_are_401(sandbox: SandboxProcess, path: str) -> None:
    main, second = sandbox.accounts["main"], sandbox.accounts["second"]
    missing = (401, {"code": 16, "message": "Client-Id and Api-Key headers are required", "details": []})
    malformed = (400, {"code": 3, "message": "Client-Id header value should be positive integer", "details": []})
    unknown = (404, {"code": 5, "message": "Invalid Api-Key, please check the key and try again", "details": []})
    assert status_and_body(call(sandbox, {}, path)) == missing
    assert status_and_body(call(sandbox, {"Client-Id": main.client_id}, path)) == missing
    assert status_and_body(call(sandbox, {"Api-Key": main.api_key}, path)) == missing
    for client_id in ("abc", "-1", "0", "1.5"):
        assert status_and_body(call(sandbox, {"Client-Id": client_id, "Api-Key": main.api_key}, path)) == malformed
    assert status_and_body(call(sandbox, {"Client-Id": main.client_id, "Api-Key": "no"}, path)) == unknown
    assert status_and_body(call(sandbox, {"Client-Id": main.client_id, "Api-Key": second.api_key}, path)) == unknown
    assert status_and_body(call(sandbox, {"Client-Id": "99", "Api-Key": main.api_key}, path)) == unknown


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LIST, b""),
        (LIST, b"{"),
        (LIST, b"[]"),
        (LIST, b'"text"'),
        (LIST, b"\xff"),
        (LIST, b'{"a":' + b"[" * 50_000),
        (LIST, b'{"limit": 0}'),
        (LIST, b'{"limit": 1001}'),
        (LIST, b'{"limit": "many"}'),
        (LIST, b'{"last_id": 5}'),
        (LIST, b'{"last_id": "never given out"}'),
        (LIST, b'{"last_id": "LTV8"}'),
        (LIST, b'{"filter": {"visibility": "visible"}}'),
        (LIST, b'{"filter": {"visibility": "BANNED"}}'),
        (DETAILS, b"{}"),
        (DETAILS, b'{"product_id": [%s]}' % b",".join([b"1"] * 1001)),
        (DETAILS, b'{"product_id": [1], "sku": [%s]}' % b",".join([b"1"] * 1000)),
        (DETAILS, b'{"product_id": ["abc"]}'),
        ("/v4/product/info/stocks", b'{"limit": 1001}'),
        ("/v2/warehouse/list", b'{"limit": 201}'),
        (WAREHOUSE_STOCKS, b"{}"),
        (WAREHOUSE_STOCKS, b'{"warehouse_id": 1, "limit": 1001}'),
        ("/v2/product/info/stocks-by-warehouse/fbs", b"{}"),
        ("/v1/analytics/stocks", b'{"skus": []}'),
        ("/v1/analytics/stocks", b'{"skus": [%s]}' % b",".join([b"1"] * 101)),
        ("/v1/report/products/create", b'{"visibility": "EVERYTHING"}'),
        ("/v1/report/info", b"{}"),
    ],
)
def test_a_body_that_does_not_fit_is_400(sandbox: SandboxProcess, path: str, body: bytes) -> None:
    assert status_and_body(call(sandbox, sandbox.accounts["main"].headers, path, body)) == BAD_BODY


def test_a_body_has_to_be_called_json(sandbox: SandboxProcess) -> None:
    headers = {**sandbox.accounts["main"].headers, "Content-Type": "text/plain"}
    assert status_and_body(call(sandbox, headers)) == BAD_BODY


def test_the_largest_pages_are_accepted(sandbox: SandboxProcess) -> None:
    ids = b",".join(b"%d" % number for number in range(1, 1001))
    assert call(sandbox, sandbox.accounts["main"].headers, DETAILS, b'{"sku": [%s]}' % ids).json() == {"items": []}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/warehouse/list",
        "/v1/product/info/stocks-by-warehouse/fbs",
        "/v1/analytics/manage/stocks",
        "/v2/analytics/stock_on_warehouses",
        "/v2/product/list",
        "/v2/product/info",
    ],
)
def test_a_removed_method_is_410(sandbox: SandboxProcess, path: str) -> None:
    assert status_and_body(sandbox.post(path)) == (410, {"message": "obsolete method cannot be used"})


def test_an_unknown_method_is_404_and_only_post_is_accepted(sandbox: SandboxProcess) -> None:
    assert sandbox.post("/v9/product/list").status_code == 404
    assert requests.get(f"{sandbox.base_url}{LIST}", timeout=10).status_code == 405


def test_an_unknown_warehouse_is_404(sandbox: SandboxProcess) -> None:
    assert sandbox.post(WAREHOUSE_STOCKS, {"warehouse_id": 5}).status_code == 404


def test_a_key_past_its_end_is_refused(tmp_path: Path) -> None:
    accounts = {"main": {"size": 1, "key_expires_at": "2026-01-01T00:00:00Z"}}
    with SandboxProcess(tmp_path, accounts) as sandbox:
        status, body = status_and_body(sandbox.post("/v1/roles"))
    assert status == 403
    assert body["message"] == "Api-key is deactivated, use another one or generate a new one"


def test_too_many_requests_in_a_second_are_refused_and_counted(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path, {"main": 1}, rate_limit_per_second=5) as sandbox:

        def send(_: int) -> requests.Response:
            return sandbox.post("/v1/roles")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(40)))
        state = sandbox.state()
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert {answer.headers["Ratelimit-Remaining"] for answer in refused} == {"0"}
    first = {"code": 8, "message": "You have reached request rate limit per second", "details": []}
    assert refused[0].json() == first
    assert all("Ratelimit-Remaining" in answer.headers for answer in answers)
    assert state["accounts"]["main"]["requests"] == {"/v1/roles": 40}
    assert state["answers"] == {"200": 40 - len(refused), "429": len(refused)}
    assert state["max_requests_in_one_second"]["1000001"] > 5
