"""What an alert says: a mail that can be understood and acted on by someone who sees nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape

from include.ozon.monitoring.alerts.model import Alert, Kind, Mail, Notice
from include.ozon.monitoring.alerts.observed import repeat_interval
from include.ozon.monitoring.rule import Unit
from include.ozon.monitoring.rules import RULE_BY_NAME
from include.ozon.settings import Settings
from include.ozon.settings.limits import Above, State
from include.ozon.words import moment, span

_SUBJECT_LENGTH = 150
_FROM_WORST = {"critical": 0, "warning": 1}
_COLOURS = {"critical": "#b3261e", "warning": "#9a6700", "recovered": "#1a7f37"}
_LABEL_WIDTH = 12
_TO_DO = "What to do"
_WORTH_TELLING = timedelta(minutes=2)


@dataclass(frozen=True)
class _Part:
    """One alert of the message: its sentence, and facts with a label each."""

    sentence: str
    facts: tuple[tuple[str, str], ...]


def render(notice: Notice, settings: Settings, now: datetime) -> Mail:
    """The message for a notice, worst alert first; moments are in the configured time zone."""
    alerts = sorted(notice.alerts, key=lambda alert: (_FROM_WORST[alert.level], alert.account or "", alert.rule))
    word = _word(notice)
    parts = _without_repeats([_part(alert, notice.kind, settings, now) for alert in alerts])
    what = _headline(alerts, settings)
    headline = f"{word} in {settings.environment}: {what}"
    footer = tuple(_footer(notice, alerts, settings))
    return Mail(
        subject=_one_line(f"[Ozon ETL {settings.environment}] {word}: {what}", _SUBJECT_LENGTH),
        text=_text(headline, parts, notice, footer),
        html=_html(headline, parts, notice, footer),
    )


def _word(notice: Notice) -> str:
    level = notice.level.upper()
    match notice.kind:
        case Kind.OPENED:
            return level
        case Kind.WORSE:
            return f"WORSE, now {level}"
        case Kind.REPEAT:
            return f"STILL {level}"
        case Kind.RECOVERED:
            return "RECOVERED"


def _headline(alerts: list[Alert], settings: Settings) -> str:
    first = alerts[0]
    accounts = list(dict.fromkeys(_account(alert, settings) for alert in alerts if alert.account))
    whose = f" - {', '.join(accounts)}" if accounts else ""
    rule = RULE_BY_NAME.get(first.rule)
    return f"{rule.title if rule else first.rule}{whose}"


def _part(alert: Alert, kind: Kind, settings: Settings, now: datetime) -> _Part:
    message = _one_line(alert.message, 2_000)
    account = ("Account", _account(alert, settings) if alert.account else "all")
    if alert.recovered_at:
        return _Part(f"It is over: {message}", (account, *_recovery(alert, alert.recovered_at, settings)))
    return _Part(message, (account, *_facts(alert, kind, settings, now)))


def _without_repeats(parts: list[_Part]) -> list[_Part]:
    """What is to be done for several alerts is said with the first, which is the worst."""
    said: set[str] = set()
    kept = []
    for part in parts:
        facts = tuple(fact for fact in part.facts if fact[0] != _TO_DO or fact[1] not in said)
        said.update(value for label, value in facts if label == _TO_DO)
        kept.append(replace(part, facts=facts))
    return kept


def _recovery(alert: Alert, recovered_at: datetime, settings: Settings) -> Iterator[tuple[str, str]]:
    yield "Level", f"was {alert.level}"
    yield "Rule", RULE_BY_NAME[alert.rule].key if alert.rule in RULE_BY_NAME else alert.rule
    yield "Began", moment(alert.opened_at, settings)
    yield "Recovered", f"{moment(recovered_at, settings)}, after {span(recovered_at - alert.opened_at)}"


def _facts(alert: Alert, kind: Kind, settings: Settings, now: datetime) -> Iterator[tuple[str, str]]:
    yield "Level", alert.level
    rule = RULE_BY_NAME.get(alert.rule)
    if alert.value is not None:
        yield "Seen", (rule.unit if rule else Unit.NUMBER).amount(alert.value)
    if rule and (alert.threshold is None or isinstance(rule.limits, State)):
        yield "Expected", f"{rule.measures.rstrip('.')} ({rule.key})"
    elif rule and alert.threshold is not None:
        side = "at most" if isinstance(rule.limits, Above) else "at least"
        yield "Expected", f"{side} {rule.unit.amount(alert.threshold)}, set by {rule.key}.{alert.level}"
    lasts = now - alert.opened_at
    if alert.is_event:
        yield "Happened", moment(alert.opened_at, settings)
    else:
        yield "Since", moment(alert.opened_at, settings) + (f", for {span(lasts)}" if lasts >= _WORTH_TELLING else "")
    if kind in (Kind.REPEAT, Kind.WORSE):
        yield "Told", f"{alert.sent_count + 1} times with this message"
    yield _TO_DO, _next_step(alert)
    yield "Silence it", f"ozon alerts ack {alert.alert_id}"


def _footer(notice: Notice, alerts: list[Alert], settings: Settings) -> Iterator[str]:
    yield f"Ozon ETL, environment {settings.environment}. Times are those of {settings.time_zone}."
    if notice.kind is Kind.RECOVERED:
        yield "Nothing has to be done."
        return
    again = span(min(repeat_interval(settings, alert) for alert in alerts))
    if all(alert.is_event for alert in alerts):
        yield f"If it happens again, that is told after {again} at the earliest, or at once where it is worse."
    else:
        yield f"It is told again after {again} if it lasts, at once when it gets worse, and when it has recovered."


def _text(headline: str, parts: list[_Part], notice: Notice, footer: tuple[str, ...]) -> str:
    lines = [headline, ""]
    for part in parts:
        lines += [part.sentence, ""]
        lines += [f"{label + ':':<{_LABEL_WIDTH}} {value}" for label, value in part.facts]
        lines.append("")
    if notice.details:
        lines += [*(f"- {_one_line(line, 500)}" for line in notice.details), ""]
    if notice.links:
        lines += [*notice.links, ""]
    return "\n".join([*lines, "-- ", *footer, ""])


def _html(headline: str, parts: list[_Part], notice: Notice, footer: tuple[str, ...]) -> str:
    colour = _COLOURS["recovered" if notice.kind is Kind.RECOVERED else notice.level]
    blocks = [_HEAD.format(title=escape(headline), colour=colour)]
    for part in parts:
        rows = "".join(_ROW.format(label=escape(label), value=escape(value)) for label, value in part.facts)
        blocks.append(_PART.format(sentence=escape(part.sentence), rows=rows))
    if notice.details:
        items = "".join(f"<li>{escape(_one_line(line, 500))}</li>" for line in notice.details)
        blocks.append(f'<ul style="padding-left:1.2em">{items}</ul>')
    for link in notice.links:
        shown = escape(link, quote=True)
        # A report's address in a folder or bucket is nothing that a mail program could open.
        is_web = link.startswith(("http://", "https://"))
        blocks.append(f'<p><a href="{shown}">{shown}</a></p>' if is_web else f"<p>{shown}</p>")
    said = "<br>".join(escape(line) for line in footer)
    blocks.append(_FOOT.format(said=said))
    return "\n".join(blocks)


# One column, no image and no colour but the bar's, so that it reads on a phone and in a dark one.
# overflow-wrap: a long address would make the page wider than the phone.
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.45 -apple-system,'Segoe UI',Roboto,Arial,sans-serif">
<div style="max-width:640px;margin:0 auto;overflow-wrap:anywhere">
<h1 style="font-size:19px;line-height:1.3;margin:0 0 16px;padding-left:12px;border-left:6px solid {colour}">
{title}
</h1>"""

_PART = """<p style="margin:16px 0 8px">{sentence}</p>
<table role="presentation" style="border-collapse:collapse;width:100%;font-size:15px">{rows}</table>"""

_ROW = (
    '<tr><td style="padding:4px 12px 4px 0;width:5em;vertical-align:top;white-space:nowrap;opacity:.7">{label}</td>'
    '<td style="padding:4px 0;vertical-align:top">{value}</td></tr>'
)

_FOOT = """<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid #8884;font-size:13px;opacity:.7">{said}</p>
</div>
</body>
</html>
"""


def _next_step(alert: Alert) -> str:
    rule = RULE_BY_NAME.get(alert.rule)
    step = rule.next_step if rule else "`ozon health` shows the whole state."
    return step.replace("<account>", alert.account) if alert.account else step


def _account(alert: Alert, settings: Settings) -> str:
    account = settings.accounts.get(alert.account or "")
    return f"{account.title} ({alert.account})" if account else str(alert.account)


def _one_line(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
