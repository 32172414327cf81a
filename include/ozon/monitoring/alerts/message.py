"""Mails and chat messages about incidents, made from the templates in this folder.

Names of accounts and products, and what Ozon answers, are foreign text: every value is one line without control and
direction characters, HTML is escaped, and a chat message contains no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from include.ozon.monitoring.alerts.model import Alert, Kind, Message
from include.ozon.monitoring.alerts.states import repeat_interval
from include.ozon.monitoring.results import MESSAGE_LENGTH
from include.ozon.monitoring.rule import Unit
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.settings import Settings
from include.ozon.settings.limits import Above, State
from include.ozon.translation import _, current_language, templates_of
from include.ozon.words import moment, one_line, span

if TYPE_CHECKING:
    from jinja2 import Environment

_SUBJECT_LENGTH = 150
_COLOURS = {"critical": "#b3261e", "warning": "#9a6700", "resolved": "#1a7f37"}
_WORTH_SHOWING = timedelta(minutes=2)
# Each stands for a character that a chat service takes for markup or a mention.
_LOOKALIKES = str.maketrans("*`~<>[]|@#", "∗ʼ∼‹›［］¦＠＃")
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_+|_+(?!\w)")


_Fact = tuple[str, str]


@dataclass(frozen=True)
class Attachment:
    """An HTML file that is sent with a message."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """A message that any channel can send; all its texts say the same, those for chats in short."""

    subject: str
    text: str
    html: str
    chat_title: str
    chat_text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One alert of the message: its sentence, and facts with a label each; ``chat_facts`` are those for chats."""

    sentence: str
    facts: tuple[_Fact, ...]
    chat_facts: tuple[_Fact, ...] = ()


def render(message: Message, settings: Settings, now: datetime) -> Mail:
    """Return the message in the current language, its worst alert first; moments are in the configured time zone."""
    is_resolved = message.kind is Kind.RESOLVED
    return _mail(
        f"{_word(message)}: {_what(message, settings)}",
        settings,
        colour=_COLOURS["resolved" if is_resolved else message.level],
        since=_since(message, settings, now),
        steps=() if is_resolved else tuple(dict.fromkeys(_next_step(alert) for alert in message.alerts)),
        acknowledge=[f"ozon alerts ack {incident.incident_id}" for incident in message.incidents],
        parts=[_part(alert, message, settings) for alert in message.alerts],
        details=message.details,
        links=message.links,
        next_notification=_next_notification(message, settings),
    )


def render_test(channel: str, settings: Settings) -> Mail:
    """Return the message of ``ozon alerts test``."""
    return _mail(
        _("TEST: alerts reach you"),
        settings,
        colour=_COLOURS["resolved"],
        since=_("This is a test message by the channel {channel}: it works.").format(channel=channel),
        steps=(),
        acknowledge=(),
        parts=(),
        details=(),
        links=(),
        next_notification=_("Nothing needs to be done."),
    )


def _mail(headline: str, settings: Settings, **values: object) -> Mail:
    subject = one_line(f"[Ozon ETL {settings.environment}] {headline}", _SUBJECT_LENGTH)
    values |= {
        "headline": headline,
        "environment": settings.environment,
        "time_zone": settings.time_zone,
        "language": current_language(),
    }
    return Mail(
        subject=subject,
        text=_templates().get_template("mail.txt").render(values),
        html=_templates().get_template("mail.html").render(values),
        chat_title=without_markup(subject),
        chat_text=_templates(for_chats=True).get_template("chat.txt").render(values),
    )


def without_markup(text: object) -> str:
    """Return a text as one line in which no chat service finds markup, a link's text or a mention."""
    return _EDGE_UNDERSCORE.sub(
        lambda found: "ˍ" * len(found[0]), one_line(text, MESSAGE_LENGTH).translate(_LOOKALIKES)
    )


@cache
def _templates(*, for_chats: bool = False) -> Environment:
    environment = templates_of(
        "include.ozon.monitoring.alerts",
        finalize=without_markup if for_chats else _line_or_html,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    return environment


def _line_or_html(value: object) -> str:
    return value if isinstance(value, Markup) else one_line(value, MESSAGE_LENGTH)


def code(text: str) -> Markup:
    """Return HTML in which what the text has in backticks, such as a command, is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(one_line(text, MESSAGE_LENGTH)))))  # noqa: S704 (escaped)


def _word(message: Message) -> str:
    level = _(message.level).upper()
    match message.kind:
        case Kind.OPENED:
            return level
        case Kind.WORSE:
            return _("WORSE, now {level}").format(level=level)
        case Kind.REPEAT:
            return _("STILL {level}").format(level=level)
        case Kind.RESOLVED:
            return _("RECOVERED")


def _what(message: Message, settings: Settings) -> str:
    accounts = dict.fromkeys(settings.account_title(alert.account) for alert in message.alerts if alert.account)
    whose = f" - {', '.join(accounts)}" if accounts else ""
    return f"{_title(message.alerts[0])}{whose}"


def _title(alert: Alert) -> str:
    rule = RULE_BY_NAME.get(alert.rule)
    return _(rule.title) if rule else alert.rule


def _since(message: Message, settings: Settings, now: datetime) -> str:
    """Return the second line of a message: since when, and how bad."""
    opened_at = min(alert.opened_at for alert in message.alerts)
    values = {"level": _(message.level).capitalize(), "moment": moment(opened_at, settings)}
    if message.kind is Kind.RESOLVED:
        resolved_at = max(alert.resolved_at or now for alert in message.alerts)
        return _("Resolved at {moment}, after {span}. It was {level}.").format(
            moment=moment(resolved_at, settings), span=span(resolved_at - opened_at), level=_(message.level)
        )
    if all(alert.is_event for alert in message.alerts):
        return _("{level}. Happened at {moment}.").format(**values)
    if now - opened_at < _WORTH_SHOWING:
        return _("{level} since {moment}.").format(**values)
    return _("{level} since {moment}, for {span}.").format(**values, span=span(now - opened_at))


def _part(alert: Alert, message: Message, settings: Settings) -> _Part:
    # Of a single alert the first two lines have the account, the level and the time.
    is_single = len(message.alerts) == 1
    account = (
        [] if is_single else [(_("Account"), settings.account_title(alert.account) if alert.account else _("all"))]
    )
    sentence, logged = _sentence(alert)
    if alert.resolved_at:
        times = _("{start} to {end}").format(
            start=moment(alert.opened_at, settings), end=moment(alert.resolved_at, settings)
        )
        fired = [] if is_single else [(_("Fired"), times)]
        return _Part(_("It was: {sentence}").format(sentence=sentence), (*account, *fired, *logged), logged)
    if not logged:
        return _Part(sentence, (*account, *_measured(alert), *_times(alert, settings, is_single)))
    facts = (*account, *_measured(alert))
    return _Part(
        sentence[:1].upper() + sentence[1:], (*facts, *_times(alert, settings, is_single), *logged), (*facts, *logged)
    )


def _times(alert: Alert, settings: Settings, is_single: bool) -> list[_Fact]:
    since = _("Happened") if alert.is_event else _("Since")
    return [] if is_single else [(_("Level"), _(alert.level)), (since, moment(alert.opened_at, settings))]


def _sentence(alert: Alert) -> tuple[str, tuple[_Fact, ...]]:
    """Return the sentence about an alert, and a fact with that of the log if it is another.

    The log's sentence is English and has the numbers. Other readers get the rule's title, and the numbers as facts.
    """
    if current_language() == "en":
        return alert.message, ()
    subject = f": {alert.subject}" if alert.subject else ""
    return f"{_title(alert)}{subject}.", ((_("In the log"), alert.message),)


def _measured(alert: Alert) -> Iterator[_Fact]:
    rule = RULE_BY_NAME.get(alert.rule)
    if alert.value is not None:
        yield _("Found"), (rule.unit if rule else Unit.NUMBER).amount(alert.value)
    if rule and (alert.threshold is None or isinstance(rule.limits, State)):
        yield _("Expected"), f"{_(rule.measures).rstrip('.').replace('`', '')} ({rule.key})"
    elif rule and alert.threshold is not None:
        is_above = isinstance(rule.limits, Above)
        expected = _("at most {amount}, set by {key}") if is_above else _("at least {amount}, set by {key}")
        yield (
            _("Expected"),
            expected.format(amount=rule.unit.amount(alert.threshold), key=f"{rule.key}.{alert.level}"),
        )


def _next_step(alert: Alert) -> str:
    rule = RULE_BY_NAME.get(alert.rule)
    step = _(rule.next_step) if rule else _("`ozon health` shows the whole state.")
    return step.replace("<account>", alert.account) if alert.account else step


def _next_notification(message: Message, settings: Settings) -> str:
    if message.kind is Kind.RESOLVED:
        return _("Nothing needs to be done.")
    again = span(repeat_interval(settings, message.group))
    if all(alert.is_event for alert in message.alerts):
        return _(
            "If it happens again, the next message comes after {span} at the earliest, or at once if it is worse."
        ).format(span=again)
    return _(
        "The next message comes after {span} if it has not been resolved, or as soon as it gets worse or is resolved."
    ).format(span=again)
