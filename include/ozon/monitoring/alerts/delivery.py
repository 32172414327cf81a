"""Bringing notices to the channels, where one that fails stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from include.ozon.monitoring.alerts.decide import Outcome
from include.ozon.monitoring.alerts.message import render
from include.ozon.monitoring.alerts.model import Key, Mail, Notice
from include.ozon.monitoring.alerts.observed import Observation
from include.ozon.monitoring.results import Status
from include.ozon.monitoring.unchecked import CHANNEL_FAILED
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel

logger = logging.getLogger("ozon.alerts")


class Channel(Protocol):
    """One way to tell people, made by the adapter."""

    def deliver(self, mail: Mail, level: AlertLevel) -> None:
        """Raises anything where it could not."""


def deliver(
    notices: Iterable[Notice],
    channels: Mapping[str, Channel],
    settings: Settings,
    now: datetime,
    broken: dict[str, str],
) -> list[Outcome]:
    """Send each notice to its channels; ``broken`` gets the names of those that failed, with the error's class.

    A channel that has failed is not tried again in this sending: each try could last as long as its time-out.
    """
    outcomes = []
    for notice in notices:
        try:
            mail = render(notice, settings, now)
        except Exception:  # the other notices have to go out; this one stays untold and comes again
            logger.exception("The message for %s could not be written.", _named(notice))
            continue
        failed = tuple(name for name in notice.channels if not _is_delivered(name, channels, mail, notice, broken))
        delivered = tuple(name for name in notice.channels if name not in failed)
        outcomes.append(Outcome(notice, delivered, failed))
    return outcomes


def channel_states(
    outcomes: Iterable[Outcome], broken: Mapping[str, str], settings: Settings
) -> dict[Key, Observation]:
    """What the rule `channel_failed` has seen in a sending."""
    limits = CHANNEL_FAILED.limits_in(settings)
    if not limits.enabled:
        return {}
    used = {name for outcome in outcomes for name in outcome.delivered}
    states = {name: Observation(Status.OK, f"Channel {name} delivers.", (None,)) for name in used}
    for name, error in broken.items():
        message = (
            f"Channel {name} could not deliver ({error}). What it missed is sent with the next check. "
            f"Look at the connection that alerts.channels.{name} names."
        )
        states[name] = Observation(Status(limits.level), message, (None,))
    return {(CHANNEL_FAILED.name, None, name): state for name, state in states.items()}


def _is_delivered(
    name: str, channels: Mapping[str, Channel], mail: Mail, notice: Notice, broken: dict[str, str]
) -> bool:
    if name in broken:
        return False
    try:
        channels[name].deliver(mail, notice.level)
    except Exception as error:
        # Only the class: the text of an error can hold the channel's address, and with it a token.
        broken[name] = type(error).__name__
        logger.error("Channel %s could not deliver %s (%s).", name, _named(notice), broken[name])
        return False
    return True


def _named(notice: Notice) -> str:
    return f"{notice.kind} {notice.group}"
