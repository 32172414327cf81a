"""The effects of the shim for ``airflow dags test``; tests/e2e shows that it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.models.deadline_alert import DeadlineAlert
from airflow.serialization.definitions.deadline import SerializedReferenceModels
from airflow.serialization.encoders import encode_deadline_alert

from include.ozon.adapter.dags.dags_test_shim import understand_serialized_deadlines
from include.ozon.adapter.dags.deadlines import run_deadline
from include.ozon.configuration import load_settings


class Session:
    """Finds a deadline by any id."""

    def scalar(self, query: Any) -> str:
        return "the deadline of that id"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Restore the original Airflow before and after each test."""
    found = vars(DeadlineAlert)["get_by_id"]
    yield
    DeadlineAlert.get_by_id = found


def test_a_serialized_deadline_is_looked_up_by_its_reference() -> None:
    deadline = run_deadline("ozon_etl", load_settings(), timedelta(minutes=1))
    understand_serialized_deadlines()

    found = DeadlineAlert.get_by_id(encode_deadline_alert(deadline), session=Session())

    assert found.reference_class is SerializedReferenceModels.SerializedCustomReference
    assert found.reference_class in SerializedReferenceModels.TYPES.DAGRUN


def test_an_id_is_looked_up_as_before() -> None:
    understand_serialized_deadlines()
    found = DeadlineAlert.get_by_id("01a20d71-039b-7fd1-8bfe-2b36631a0d20", session=Session())
    assert found == "the deadline of that id"


def test_a_second_load_of_the_plugin_changes_nothing_more() -> None:
    understand_serialized_deadlines()
    once = DeadlineAlert.get_by_id
    understand_serialized_deadlines()
    assert DeadlineAlert.get_by_id is once


def test_a_process_without_the_orm_is_left_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "airflow.models.deadline_alert")
    before = DeadlineAlert.get_by_id

    understand_serialized_deadlines()

    assert DeadlineAlert.get_by_id == before
    assert "airflow.models.deadline_alert" not in sys.modules
