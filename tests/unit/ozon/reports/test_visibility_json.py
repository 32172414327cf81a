"""The JSON has the fields that docs/visibility-report.md describes, and no others."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from include.ozon.configuration import load_settings
from include.ozon.monitoring.metrics.model import VisibilityMetrics
from include.ozon.reports.visibility import render
from include.ozon_local.home import ROOT
from tests.support.documents import data_of
from tests.support.metrics import empty, metrics, product

SETTINGS = load_settings(environment="testing", environ={})
# Below these the keys are data: visibilities, currencies.
DATA_KEYS = {"counts", "pct", "currencies", "hidden_with_stock_by_visibility", "changes"}


def report(*reported: VisibilityMetrics) -> dict[str, Any]:
    content: dict[str, Any] = data_of(
        render("json", list(reported), SETTINGS), "ozon-visibility-report", parse_float=Decimal
    )
    return content


def paths(value: Any, path: str = "") -> set[str]:
    """Yield every field with a value as a dotted path; ``[]`` for list entries, ``*`` for keys that are data."""
    if isinstance(value, list):
        return {found for each in value for found in paths(each, f"{path}[]")}
    if not isinstance(value, dict):
        return {path}
    is_data = path.rpartition(".")[2] in DATA_KEYS
    return {
        found for key, inner in value.items() for found in paths(inner, f"{path}.{'*' if is_data else key}".lstrip("."))
    }


def documented() -> set[str]:
    """The paths in the tables of the page."""
    page = (ROOT / "docs" / "visibility-report.md").read_text()
    return set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))


def generalized(path: str) -> str:
    """The six lists of products, and the three changes, are described once."""
    path = re.sub(r"^accounts\[\]\.(transitions|impact)\.\w+\.(count|products)", "<list>.\\2", path)
    return re.sub(r"^accounts\[\]\.longest_hidden\.(count|products)", "<list>.\\1", path).removeprefix("accounts[].")


def test_the_documented_fields_are_those_that_there_are() -> None:
    assert {generalized(path) for path in paths(report(metrics()))} == documented()


def test_money_is_exact_and_apart_for_each_currency() -> None:
    (account,) = report(metrics())["accounts"]
    currencies = account["impact"]["currencies"]
    assert currencies["RUB"]["hidden_money"] == Decimal("2345678.90")
    assert currencies["RUB"]["lost_per_day"] == Decimal("1600.0")
    assert currencies["KZT"]["hidden_money"] == Decimal("999.5")


def test_moments_have_the_offset_of_the_time_zone() -> None:
    (account,) = report(metrics())["accounts"]
    assert account["measured_at"] == "2026-11-24T08:10:00+03:00"


def test_names_are_as_they_are() -> None:
    odd = product(name='<script>"\n\\ё', offer_id="=1+1")
    measured = metrics(transitions=replace(metrics().transitions, turned_invisible=(odd,)))
    (named,) = report(measured)["accounts"][0]["transitions"]["turned_invisible"]["products"]
    assert (named["name"], named["offer_id"]) == (odd.name, odd.offer_id)
    assert "ё" in render("json", [measured], SETTINGS).decode()


def test_an_account_that_was_never_loaded_has_nulls() -> None:
    (account,) = report(empty())["accounts"]
    assert (account["products_loaded_at"], account["distribution"]["pct"]["VISIBLE"]) == (None, None)
    assert account["changes"] == {"last": None, "day": None, "week": None}
