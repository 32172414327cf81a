"""The copy of the incidents on Airflow's side, and how the warehouse catches up with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from include.ozon.monitoring.alerts.model import Alert, Incident, Kind, Notification
from include.ozon.monitoring.alerts.state import Copy, caught_up
from tests.support.alerts import START

LATER = START + timedelta(minutes=15)
ALERT = Alert(
    rule="disk_used_pct",
    account="main",
    subject="",
    level="warning",
    opened_at=START,
    last_seen_at=START,
    message="Диск заполнен.",
    alert_id="alert1",
)
OURS = Incident(
    group="disk_used_pct",
    account="main",
    level="warning",
    opened_at=START,
    alerts=(ALERT,),
    notifications=(Notification("team", Kind.OPENED, "warning", START, 1, START, notification_id="sent1"),),
    notified_at=START,
    notified_level="warning",
    incident_id="incident1",
)
SEEN_LATER = replace(OURS, alerts=(replace(ALERT, last_seen_at=LATER, message="Fuller."),))
RESOLVED = replace(OURS, resolved_at=LATER, alerts=(replace(ALERT, resolved_at=LATER),))


def test_a_copy_reads_as_it_was_written() -> None:
    copy = Copy((OURS, replace(RESOLVED, incident_id="incident2", note="Новый ключ")), is_ahead=True)

    assert Copy.from_text(copy.to_text()) == copy


def test_what_only_one_side_knows_stays() -> None:
    other = replace(OURS, group="memory_used_pct", incident_id="incident2")

    assert caught_up([OURS], [other]) == [OURS, other]


def test_the_copys_later_state_counts() -> None:
    sent = Notification("team", Kind.WORSE, "critical", LATER)
    ahead = replace(SEEN_LATER, level="critical", notified_level="critical", notified_at=LATER, notifications=(sent,))

    assert caught_up([OURS], [ahead]) == [ahead]


def test_a_copy_that_stayed_behind_takes_nothing_back() -> None:
    ours = replace(SEEN_LATER, notified_at=LATER)

    assert caught_up([ours], [OURS]) == [ours]


@pytest.mark.parametrize(("ours", "ahead"), [(OURS, RESOLVED), (RESOLVED, SEEN_LATER)])
def test_what_is_resolved_in_either_stays_resolved(ours: Incident, ahead: Incident) -> None:
    (found,) = caught_up([ours], [ahead])

    assert found.resolved_at == LATER
    assert found.firing == ()


def test_an_acknowledgement_made_in_the_warehouse_meanwhile_is_kept() -> None:
    ours = replace(OURS, acknowledged_at=LATER, acknowledged_by="anna", note="Ordered.")
    (found,) = caught_up([ours], [SEEN_LATER])

    assert (found.acknowledged_at, found.acknowledged_by, found.note) == (LATER, "anna", "Ordered.")
    assert found.alerts[0].message == "Fuller."


def test_an_acknowledgement_from_before_it_got_worse_is_not() -> None:
    worse = replace(SEEN_LATER, level="critical", notified_level="critical", notified_at=LATER)
    (found,) = caught_up([replace(OURS, acknowledged_at=START, acknowledged_by="anna")], [worse])
    assert (found.acknowledged_at, found.acknowledged_by) == (None, None)

    after = LATER + timedelta(minutes=1)
    (found,) = caught_up([replace(OURS, acknowledged_at=after)], [worse])
    assert found.acknowledged_at == after


def test_an_incident_that_was_opened_a_second_time_becomes_the_first_one() -> None:
    alert = replace(ALERT, alert_id="alert2", opened_at=LATER, last_seen_at=LATER, message="Fuller.")
    again = replace(OURS, incident_id="incident2", opened_at=LATER, notified_at=LATER, alerts=(alert,))
    (found,) = caught_up([OURS], [again])

    assert found == replace(again, incident_id="incident1", opened_at=START)


def test_what_was_resolved_and_opened_again_meanwhile_is_both() -> None:
    alert = replace(ALERT, alert_id="alert2", opened_at=LATER, last_seen_at=LATER)
    again = replace(OURS, incident_id="incident2", opened_at=LATER, notified_at=LATER, alerts=(alert,))

    assert caught_up([OURS], [again, RESOLVED]) == [RESOLVED, again]


def test_a_resolution_that_a_channel_was_sent_meanwhile_is_not_sent_again() -> None:
    missed = Notification("team", Kind.RESOLVED, "warning", LATER, 1, error="ConnectionError", notification_id="sent2")
    ours = replace(RESOLVED, notifications=(missed,))
    sent = replace(missed, attempts=2, delivered_at=LATER + timedelta(minutes=15), error=None)
    ahead = replace(RESOLVED, notifications=(sent,))

    assert caught_up([ours], [ahead]) == [ahead]
    assert caught_up([ahead], [ours]) == [ahead]


def test_an_incident_of_before_leaves_the_one_that_was_opened_after_it() -> None:
    before = replace(RESOLVED, incident_id="incident2", resolved_at=START)
    ours = replace(OURS, opened_at=LATER)

    assert caught_up([ours], [before]) == [ours, before]
