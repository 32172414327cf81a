"""The copy of the alerts, and how the warehouse catches up with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from include.ozon.monitoring.alerts.copy import Copy, caught_up, from_text, to_text
from include.ozon.monitoring.alerts.model import Alert
from tests.support.alerts import START

LATER = START + timedelta(minutes=15)
OURS = Alert(
    rule="disk_used_pct",
    account="main",
    subject="",
    level="warning",
    opened_at=START,
    last_seen_at=START,
    message="Диск заполнен.",
    last_sent_at=START,
    sent_count=1,
    sent_level="warning",
    pending_channels=("duty",),
    alert_id="00000001",
)
SEEN_LATER = replace(OURS, last_seen_at=LATER, message="Fuller.")


def test_a_copy_reads_as_it_was_written() -> None:
    copy = Copy((OURS, replace(OURS, alert_id="00000002", recovered_at=LATER, value=1.5)), is_ahead=True)

    assert from_text(to_text(copy)) == copy


def test_what_the_copy_alone_knows_comes_into_the_warehouse_and_what_only_that_knows_stays() -> None:
    other = replace(OURS, rule="memory_used_pct", alert_id="00000002")

    assert caught_up([OURS], [other]) == [OURS, other]


def test_the_copys_later_state_counts() -> None:
    ahead = replace(SEEN_LATER, level="critical", sent_level="critical", sent_count=2, last_sent_at=LATER)

    assert caught_up([OURS], [ahead]) == [ahead]


def test_a_copy_that_stayed_behind_takes_nothing_back() -> None:
    ours = replace(SEEN_LATER, sent_count=2, last_sent_at=LATER)

    assert caught_up([ours], [OURS]) == [ours]


@pytest.mark.parametrize("in_copy", [True, False])
def test_what_has_recovered_in_either_stays_recovered(in_copy: bool) -> None:
    recovered = replace(OURS, recovered_at=LATER)
    (found,) = caught_up([OURS if in_copy else recovered], [recovered if in_copy else SEEN_LATER])

    assert found.recovered_at == LATER


def test_an_acknowledgement_made_in_the_warehouse_meanwhile_is_kept() -> None:
    (found,) = caught_up([replace(OURS, acknowledged_at=LATER)], [SEEN_LATER])

    assert (found.acknowledged_at, found.message) == (LATER, "Fuller.")


def test_an_acknowledgement_from_before_it_got_worse_is_not() -> None:
    worse = replace(SEEN_LATER, level="critical", sent_level="critical", last_sent_at=LATER, acknowledged_at=None)
    (found,) = caught_up([replace(OURS, acknowledged_at=START)], [worse])
    assert found.acknowledged_at is None

    after = LATER + timedelta(minutes=1)
    (found,) = caught_up([replace(OURS, acknowledged_at=after)], [worse])
    assert found.acknowledged_at == after


def test_an_alert_that_was_opened_a_second_time_becomes_the_first_one() -> None:
    again = replace(SEEN_LATER, alert_id="00000002", opened_at=LATER, sent_count=1, last_sent_at=LATER)
    (found,) = caught_up([OURS], [again])

    assert (found.alert_id, found.opened_at, found.last_sent_at, found.message) == ("00000001", START, LATER, "Fuller.")


def test_a_second_alert_that_recovered_ends_the_first_one() -> None:
    again = replace(SEEN_LATER, alert_id="00000002", recovered_at=LATER)

    assert [alert.recovered_at for alert in caught_up([OURS], [again])] == [LATER]


def test_an_alert_of_before_leaves_the_one_that_was_opened_after_it() -> None:
    before = replace(OURS, alert_id="00000002", opened_at=START, recovered_at=START)
    ours = replace(OURS, opened_at=LATER)

    assert caught_up([ours], [before]) == [ours, before]
