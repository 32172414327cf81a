from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from include.ozon.checks import Check, CheckStatus
from include.ozon.diagnosis.order import Step, diagnose
from include.ozon.errors import FatalError


def finding(name: str, status: CheckStatus = "ok") -> Callable[[], Iterator[Check]]:
    def look() -> Iterator[Check]:
        yield Check(name, status, f"{name} was looked at.")

    return look


def raising(error: Exception) -> Callable[[], Iterator[Check]]:
    def look() -> Iterator[Check]:
        yield Check("first", "ok", "This one was found before.")
        raise error

    return look


def statuses(*steps: Step) -> list[tuple[str, str]]:
    return [(check.name, check.status) for check in diagnose(steps)]


def test_what_needs_a_failed_step_is_not_looked_at_nor_what_needs_that() -> None:
    def never() -> Iterator[Check]:
        raise AssertionError("this was looked at")

    steps = (
        Step("server", finding("server", "failed")),
        Step("schema", never, needs=("server",)),
        Step("rows", never, needs=("schema",)),
        Step("other", finding("other")),
    )

    assert statuses(*steps) == [("server", "failed"), ("schema", "unknown"), ("rows", "unknown"), ("other", "ok")]
    assert [check.message for check in diagnose(steps)][1] == "Not looked at: server has to be right first."


@pytest.mark.parametrize("status", ["ok", "warning", "unknown"])
def test_what_did_not_fail_keeps_nothing_from_being_looked_at(status: CheckStatus) -> None:
    found = statuses(Step("server", finding("server", status)), Step("schema", finding("schema"), needs=("server",)))

    assert found == [("server", status), ("schema", "ok")]


def test_an_error_of_ours_is_the_finding_and_what_was_found_before_is_kept() -> None:
    first, second = diagnose([Step("key", raising(FatalError("The key is wrong. Make another.")))])

    assert (first.name, first.status) == ("first", "ok")
    assert second == Check("key", "failed", "The key is wrong. Make another.")


def test_an_error_that_nobody_foresaw_is_not_quoted_and_the_rest_is_looked_at() -> None:
    error = RuntimeError("postgresql://ozon:geheim@127.0.0.1/w")
    _, broken, after = diagnose([Step("server", raising(error)), Step("other", finding("other"))])

    assert broken.status == "failed"
    assert "RuntimeError" in broken.message
    assert "geheim" not in broken.message
    assert after.status == "ok"
