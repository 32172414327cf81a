"""The daily mail: the visibility of all accounts in short, with the HTML report attached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from jinja2 import Environment

from include.ozon import translation, words
from include.ozon.monitoring.alerts.message import Attachment, Mail, without_markup
from include.ozon.monitoring.metrics import words as texts
from include.ozon.monitoring.metrics.definitions import DEFINITIONS, visibility_title
from include.ozon.monitoring.metrics.model import VisibilityMetrics, share_pct
from include.ozon.reports import visibility_sections as sections
from include.ozon.reports.visibility import file_name
from include.ozon.reports.visibility_html import render_html
from include.ozon.settings import Settings
from include.ozon.translation import gettext as _

_LISTED_PRODUCTS = 5


def daily_mail(reported: Sequence[VisibilityMetrics], settings: Settings, now: datetime) -> Mail:
    """Return the mail in the current language; the accounts are in the order of ``reported``."""
    subject = words.one_line(f"[Ozon ETL {settings.environment}] {_headline(reported, settings, now)}", 200)
    values = {
        "environment": settings.environment,
        "headline": _headline(reported, settings, now),
        "language": translation.current_language(),
        "listed_products": _LISTED_PRODUCTS,
        "reported": reported,
        "settings": settings,
        "time_zone": settings.time_zone,
    }
    return Mail(
        subject=subject,
        text=_templates().get_template("daily_mail.txt").render(values),
        html=_templates().get_template("daily_mail.html").render(values),
        chat_title=without_markup(subject),
        chat_text=_templates(for_chats=True).get_template("daily_mail_chat.txt").render(values),
        attachments=(Attachment(file_name("html", now), render_html(reported, settings)),),
    )


def _headline(reported: Sequence[VisibilityMetrics], settings: Settings, now: datetime) -> str:
    titles = ", ".join(settings.account_title(metrics.account) for metrics in reported)
    share, change = _visible_share(reported), _change(reported)
    return _("Visibility of {accounts}, {day}: {share} visible").format(
        accounts=titles, day=words.day(now, settings), share=words.percent(share)
    ) + (f" ({words.signed(change, 1)})" if change is not None else "")


def _visible_share(reported: Sequence[VisibilityMetrics]) -> float | None:
    return share_pct(sum(each.counts["VISIBLE"] for each in reported), sum(each.products for each in reported))


def _change(reported: Sequence[VisibilityMetrics]) -> float | None:
    """Return the change of the visible share of all accounts in percentage points; None if one was not measured."""
    days = [(each, each.changes["day"]) for each in reported if each.products]
    known = [(each, change) for each, change in days if change]
    if len(known) < len(days):
        return None
    before = share_pct(
        sum(each.counts["VISIBLE"] - change.counts["VISIBLE"] for each, change in known),
        sum(each.products - change.products for each, change in known),
    )
    share = _visible_share(reported)
    return None if before is None or share is None else share - before


def _facts(metrics: VisibilityMetrics) -> list[tuple[str, str]]:
    """Return the numbers of an account, each with its title."""
    impact, change = metrics.impact, metrics.changes["day"]
    visible = _("{visible} of {products}, {share}").format(
        visible=words.number(metrics.counts["VISIBLE"]),
        products=words.number(metrics.products),
        share=words.percent(metrics.visible_pct),
    )
    numbers = {
        "turned_invisible_lately": words.number(len(metrics.transitions.turned_invisible)),
        "hidden_with_stock": words.number(impact.hidden_with_stock),
        "visible_without_stock": words.number(impact.visible_without_stock),
        "hidden_money": texts.money_of_all(impact.currencies, "hidden_money"),
        "lost_per_day": texts.money_of_all(impact.currencies, "lost_per_day"),
    }
    return [
        (visibility_title("VISIBLE"), visible + (f" ({words.signed(change.visible_points, 1)})" if change else "")),
        *((_(DEFINITIONS[name].title), shown) for name, shown in numbers.items() if shown),
    ]


@cache
def _templates(*, for_chats: bool = False) -> Environment:
    environment = translation.templates_of(
        "include.ozon.reports",
        "include.ozon.monitoring.alerts",
        finalize=without_markup if for_chats else None,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "facts": _facts,
        "sections": sections,
        "texts": texts,
        "words": words,
    }
    return environment
