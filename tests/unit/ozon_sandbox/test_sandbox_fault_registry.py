"""Switching faults on: accepted and refused descriptions, and the requests that they hit."""

from __future__ import annotations

from typing import Any

import pytest

from include.ozon_sandbox.faults.registry import FaultError, Faults

LIST, DETAILS = "/v3/product/list", "/v3/product/info/list"


def faults() -> Faults:
    return Faults(("main", "second"), seed=1)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"name": "gremlins"}, "unknown fault 'gremlins'; expected one of address_restricted,"),
        ({}, "missing required field `name`"),
        ({"name": "latency"}, "missing required field `ms`"),
        ({"name": "latency", "params": {"ms": "many"}}, "Expected `int`"),
        ({"name": "latency", "params": {"ms": 1, "s": 1}}, "unknown field `s`"),
        ({"name": "latency", "params": {"ms": 1}, "account": "third"}, "unknown account 'third'"),
        ({"name": "latency", "params": {"ms": 1}, "method": "/v1/nothing"}, "unknown method '/v1/nothing'"),
        ({"name": "latency", "params": {"ms": 1}, "probability": 2}, "probability"),
        ({"name": "latency", "params": {"ms": 1}, "colour": "red"}, "unknown field `colour`"),
        ({"name": "server_error", "params": {"status": 404}}, "Invalid enum value 404"),
        ({"name": "empty_catalogue", "times": 1}, "can only be limited to an account"),
        ({"name": "empty_catalogue", "seconds": 1}, "can only be limited to an account"),
    ],
)
def test_an_invalid_fault_is_refused_with_the_reason(description: dict[str, Any], message: str) -> None:
    subject = faults()
    with pytest.raises(FaultError, match=message):
        subject.add(description)
    assert subject.descriptions() == []


def hits(description: dict[str, Any], requests: list[tuple[str, str]]) -> list[bool]:
    subject = faults()
    subject.add(description)
    return [bool(subject.firing(account, path)) for account, path in requests]


def test_a_fault_hits_its_method_and_account_only() -> None:
    requests = [("main", LIST), ("main", DETAILS), ("second", LIST)]
    assert hits({"name": "rate_limited"}, requests) == [True, True, True]
    assert hits({"name": "rate_limited", "method": LIST}, requests) == [True, False, True]
    assert hits({"name": "rate_limited", "account": "second"}, requests) == [False, False, True]


def test_a_fault_has_a_delay_and_an_end() -> None:
    requests = [("main", DETAILS), *[("main", LIST)] * 5]
    description = {"name": "rate_limited", "method": LIST, "after": 1, "times": 2}
    assert hits(description, requests) == [False, False, True, True, False, False]


def test_a_fault_ends_so_many_seconds_after_its_first_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("include.ozon_sandbox.faults.registry.time.monotonic", lambda: now[0])
    subject = faults()
    subject.add({"name": "rate_limited", "seconds": 5})
    fired = []
    for seconds in (100, 0, 4.9, 0.1, 100):
        now[0] += seconds
        fired.append(bool(subject.firing("main", LIST)))
    assert fired == [True, True, True, False, False]


def test_a_probability_is_kept_to_and_reproducible() -> None:
    description = {"name": "rate_limited", "probability": 0.3}
    first = hits(description, [("main", LIST)] * 500)
    assert first == hits(description, [("main", LIST)] * 500)
    assert 100 < sum(first) < 200


def test_faults_count_matching_and_hit_requests() -> None:
    subject = faults()
    subject.add({"name": "rate_limited", "times": 1})
    for _ in range(3):
        subject.firing("main", LIST)
    (description,) = subject.descriptions()
    assert (description["seen_count"], description["fired_count"]) == (3, 1)
    subject.clear()
    assert subject.firing("main", LIST) == []


def test_a_fault_is_limited_to_ticks_of_the_account() -> None:
    subject = faults()
    subject.add({"name": "hide_share", "account": "main", "from_tick": 3, "to_tick": 5, "params": {"share": 0.5}})
    subject.add({"name": "rate_limited", "from_tick": 4})

    assert [bool(subject.truth_effects("main", tick)) for tick in range(2, 7)] == [False, True, True, False, False]
    assert not subject.truth_effects("second", 3)
    assert [bool(subject.firing("second", LIST, tick)) for tick in range(2, 7)] == [False, False, True, True, True]


@pytest.mark.parametrize("params", [{"brand": "Nobody"}, {}])
def test_a_brand_that_no_product_has_cannot_be_declined(params: dict[str, Any]) -> None:
    with pytest.raises(FaultError, match="brand"):
        faults().add({"name": "decline_brand", "params": params})
