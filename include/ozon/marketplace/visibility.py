"""The visibility of a product, derived from Ozon's statuses.

Ozon does not document the values. Those here come from real answers, Ozon's Chinese documentation and public clients,
or were documented for ``state`` of the methods that ``/v3/product/info/list`` replaced. A missing value makes a product
UNKNOWN and is logged, so that somebody can add it to the right rule.

The technical fields decide. Names are in the language of the seller's account and a last resort: they count only if
``moderate_status`` is empty and no other field indicates a pending or failed check.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from functools import lru_cache

from include.ozon.marketplace.answers import ErrorTexts, ProductDetail, ProductError, Statuses


class Visibility(StrEnum):
    VISIBLE = "VISIBLE"
    HIDDEN = "HIDDEN"
    MODERATION = "MODERATION"
    DECLINED = "DECLINED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"


# By field, the values of a pending check, of a failed check, and of neither; all lower case.
PENDING = {
    "status": {"moderating", "processing"},
    "moderate_status": {"pending", "moderating", "in_progress", "new", "rethinking"},
    "validation_status": {"pending"},
}
FAILED = {
    "status": {"failed", "failed_moderation", "failed_validation"},
    "moderate_status": {"declined"},
    "validation_status": {"fail", "failed"},
}
SETTLED = {
    "status": {"price_sent", "imported", "processed", "active"},
    "moderate_status": {"approved"},
    "validation_status": {"success", "valid"},
}
# The values of ``status_failed`` if nothing failed.
NOTHING_FAILED = {"", "none"}

# The same of names and descriptions, as ``_folded`` spells them.
PENDING_NAMES = {"на модерации"}
FAILED_NAMES = {"ошибка валидации"}
SETTLED_NAMES = {
    "продается", "готов к продаже", "не продается", "не обновлен", "архивный", "нет на складе", "снят с продажи",
    "ready to sell", "out of stock", "准备出售", "无库存",
}  # fmt: skip

NO_STATUSES = Statuses()


def status_visibility(detail: ProductDetail) -> Visibility:
    """Return the visibility according to the product's own fields.

    It is never VISIBLE: customers see only the products on Ozon's ``VISIBLE`` list, and a product "on sale"
    (``Продается``) that is missing from it is HIDDEN. A pending check wins over a failed one: the product was
    corrected.
    """
    if detail.is_archived or detail.is_autoarchived:
        return Visibility.ARCHIVED
    is_declined = any(map(declines, detail.errors or ()))
    is_placed = any(entry.availability or entry.reasons for entry in detail.availabilities or ())
    return _statuses_visibility(detail.statuses or NO_STATUSES, is_declined, is_placed)


@lru_cache(maxsize=4096)
def _statuses_visibility(statuses: Statuses, is_declined: bool, is_placed: bool) -> Visibility:
    """Return the visibility; ``is_placed`` means that Ozon lists availabilities, so the product passed all checks."""
    found = {field: value for field in SETTLED if (value := _folded(getattr(statuses, field)))}
    if any(value in PENDING[field] for field, value in found.items()):
        return Visibility.MODERATION
    has_failed = _folded(statuses.status_failed) not in NOTHING_FAILED
    if is_declined or has_failed or any(value in FAILED[field] for field, value in found.items()):
        return Visibility.DECLINED
    if any(value not in SETTLED[field] for field, value in found.items()):
        return Visibility.UNKNOWN
    names = {_folded(statuses.status_name), _folded(statuses.status_description)}
    if "moderate_status" not in found and names & PENDING_NAMES:
        return Visibility.MODERATION
    if "moderate_status" not in found and names & FAILED_NAMES:
        return Visibility.DECLINED
    return Visibility.HIDDEN if found or is_placed or names & SETTLED_NAMES else Visibility.UNKNOWN


def _folded(value: str | None) -> str:
    """Return a normalized value: without case, outer spaces, ё and Unicode's compatibility forms."""
    return unicodedata.normalize("NFKC", value or "").strip().casefold().replace("ё", "е")


def declines(error: ProductError) -> bool:
    """Return whether an error keeps the product from being sold.

    These are errors of level ERROR, and internal ones with a description: blocks, which only Ozon can lift.
    """
    level = (error.level or "").upper()
    return level == "ERROR_LEVEL_ERROR" or (level == "ERROR_LEVEL_INTERNAL" and bool(_text_of(error.texts)))


def hidden_reasons(detail: ProductDetail) -> tuple[str, ...]:
    """Return why customers do not see a product, in Ozon's words: each text once, in Ozon's order.

    The reasons of its SKUs, then its errors; the description of its status only if there is neither.
    """
    texts = [
        reason.human_text.text
        for availability in detail.availabilities or ()
        for reason in availability.reasons or ()
        if reason.human_text
    ]
    texts += [_text_of(error.texts) or error.code for error in detail.errors or () if declines(error)]
    reasons = tuple(dict.fromkeys(text for text in texts if text))
    if reasons:
        return reasons
    description = detail.statuses and detail.statuses.status_description
    return (description,) if description else ()


def _text_of(texts: ErrorTexts | None) -> str | None:
    return (texts and (texts.description or texts.message or texts.short_description)) or None
