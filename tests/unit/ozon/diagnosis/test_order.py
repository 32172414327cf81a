from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from include.ozon.checks import Check, CheckStatus
from include.ozon.diagnosis.order import Step, diagnose
from include.ozon.errors import FatalError


def checked(name: str, status: CheckStatus = "ok") -> Callable[[], Iterator[Check]]:
    def look() -> Iterator[Check]:
        yield Check(name, status, f"{name} was checked.")

    return look


def raising(error: Exception) -> Callable[[], Iterator[Check]]:
    def look() -> Iterator[Check]:
        yield Check("first", "ok", "This one was found before.")
        raise error

    return look


def statuses(*steps: Step) -> list[tuple[str, str]]:
    return [(check.name, check.status) for check in diagnose(steps)]


def test_steps_that_need_a_failed_one_are_skipped() -> None:
    def never() -> Iterator[Check]:
        raise AssertionError("this was checked")

    steps = (
        Step("server", checked("server", "failed")),
        Step("schema", never, needs=("server",)),
        Step("rows", never, needs=("schema",)),
        Step("other", checked("other")),
    )

    assert statuses(*steps) == [("server", "failed"), ("schema", "unknown"), ("rows", "unknown"), ("other", "ok")]
    assert [check.message for check in diagnose(steps)][1] == "Not checked: fix server first."


@pytest.mark.parametrize("status", ["ok", "warning", "unknown"])
def test_a_step_that_did_not_fail_skips_nothing(status: CheckStatus) -> None:
    found = statuses(Step("server", checked("server", status)), Step("schema", checked("schema"), needs=("server",)))

    assert found == [("server", status), ("schema", "ok")]


def test_an_ozon_error_is_a_failed_check_and_earlier_checks_are_kept() -> None:
    first, second = diagnose([Step("key", raising(FatalError("The key is wrong. Make another.")))])

    assert (first.name, first.status) == ("first", "ok")
    assert second == Check("key", "failed", "The key is wrong. Make another.")


def test_an_unexpected_error_is_not_quoted_and_the_rest_is_checked() -> None:
    error = RuntimeError("postgresql://ozon:geheim@127.0.0.1/w")
    _, broken, after = diagnose([Step("server", raising(error)), Step("other", checked("other"))])

    assert broken.status == "failed"
    assert "RuntimeError" in broken.message
    assert "geheim" not in broken.message
    assert after.status == "ok"
