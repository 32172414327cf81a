"""One run of the alerting: read the state, decide, send, write the state. A channel that fails stops no other."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.ozon.monitoring.alerts.decide import NOTHING, decide
from include.ozon.monitoring.alerts.message import Mail, render
from include.ozon.monitoring.alerts.model import Event, Line, Message
from include.ozon.monitoring.alerts.notify import settle
from include.ozon.monitoring.alerts.state import AlertState, StateKeeper
from include.ozon.monitoring.results import CheckResult
from include.ozon.settings import Settings
from include.ozon.settings.limits import AlertLevel
from include.ozon.translation import Language, use_language
from include.ozon.warehouse import session

logger = logging.getLogger("ozon.alerts")

__all__ = ["Channel", "Sent", "SentReport", "StateKeeper", "send_alerts"]


class Channel(Protocol):
    """A way to notify people, made by the adapter."""

    def deliver(self, mail: Mail, level: AlertLevel | None) -> None:
        """Deliver a message, without a level if it is not an alert; raises anything if it could not."""


@dataclass(frozen=True)
class Sent:
    """A message, with the channels that took it."""

    message: Message
    delivered: tuple[str, ...] = ()

    def describe(self) -> str:
        message = self.message
        return f"{message.kind} {message.group} ({message.level}) by {', '.join(self.delivered) or 'no channel'}"


@dataclass(frozen=True)
class SentReport:
    """The messages of a run, the channels that failed, and the numbers of unresolved incidents after it, by level."""

    sent: tuple[Sent, ...]
    failed_channels: tuple[str, ...]
    unresolved: Mapping[AlertLevel, int]

    @property
    def unresolved_count(self) -> int:
        return sum(self.unresolved.values())

    def describe(self) -> str:
        """Return one line for the log."""
        sent = "; ".join(each.describe() for each in self.sent) or "nothing"
        failed = f" Channels that failed: {', '.join(self.failed_channels)}." if self.failed_channels else ""
        return f"Sent {sent}. Unresolved incidents: {self.unresolved_count}.{failed}"


def send_alerts(
    results: Sequence[CheckResult],
    events: Sequence[Event],
    *,
    connect: session.Connect,
    keeper: StateKeeper,
    channels: Mapping[str, Channel],
    settings: Settings,
    now: datetime,
    details: Mapping[str, Sequence[Line]] = NOTHING,
    links: Sequence[str] = (),
) -> SentReport:
    """Notify people of what is new about the results, once for each cause; ``details`` are further lines by group.

    Raises nothing for a warehouse, a keeper or a channel that fails: that is logged, and the next run makes up for it.
    """
    if not channels:
        logger.warning("No channel is configured: alerts are recorded, and nobody is notified. See alerts.channels.")
    with AlertState.loaded(connect, keeper, settings, now) as state:
        decision = decide(
            state.incidents,
            results,
            events,
            settings=settings,
            now=now,
            channels=channels,
            details=details,
            links=links,
        )
        broken: dict[str, str] = {}
        outcomes: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
        sent = []
        for message, errors in _handed_over(decision.messages, channels, settings, now, broken):
            sent.append(Sent(message, tuple(name for name, error in errors.items() if error is None)))
            for incident in message.incidents:
                outcomes[incident.incident_id].update(errors)
        incidents = settle(decision.incidents, outcomes, now)
        state.save(incidents)
    unresolved = Counter(each.level for each in incidents if not each.resolved_at)
    report = SentReport(tuple(sent), tuple(sorted(broken)), unresolved)
    logger.info("%s", report.describe())
    return report


def _handed_over(
    messages: Iterable[Message],
    channels: Mapping[str, Channel],
    settings: Settings,
    now: datetime,
    broken: dict[str, str],
) -> Iterator[tuple[Message, dict[str, str | None]]]:
    """Hand each message to its channels; yield it with the error's class of each, None where the channel took it.

    A channel that has failed gets nothing more in this run: each attempt could take as long as its time-out.
    """
    for message in messages:
        try:
            mails = _in_their_languages(message, settings, now)
        except Exception:  # the other messages have to go out; the next run tries this one again
            logger.exception("The message for %s %s could not be written.", message.kind, message.group)
            continue
        for name in message.channels:
            if name in broken:
                continue
            try:
                channels[name].deliver(mails[settings.channel_language(name)], message.level)
            except Exception as error:
                # Only the class: an error's text can contain the channel's address, and with it a token.
                broken[name] = type(error).__name__
                logger.error(
                    "Channel %s could not deliver %s %s (%s).", name, message.kind, message.group, broken[name]
                )
        yield message, {name: broken.get(name) for name in message.channels}


def _in_their_languages(message: Message, settings: Settings, now: datetime) -> dict[Language, Mail]:
    """Return the message in each language of its channels."""
    mails = {}
    for language in {settings.channel_language(name) for name in message.channels}:
        with use_language(language):
            mails[language] = render(message, settings, now)
    return mails
