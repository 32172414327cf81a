"""What Ozon's statuses say about whether customers can see a product.

Ozon documents no list of the values. Those here were seen in real answers, or were documented for ``state`` of the
methods that ``/v3/product/info/list`` replaced. A value that is missing here makes a product UNKNOWN, which is
logged, so that it can be added to the rule it belongs to.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from include.ozon.marketplace.answers import ProductDetail, Statuses


class Visibility(StrEnum):
    VISIBLE = "VISIBLE"
    HIDDEN = "HIDDEN"
    MODERATION = "MODERATION"
    DECLINED = "DECLINED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"


ERROR_LEVEL = "ERROR_LEVEL_ERROR"

# By field, what says that a check is pending, that one has failed, and what says neither. An empty value says
# nothing and is left out of all three.
PENDING = {
    "status": {"moderating", "processing"},
    "moderate_status": {"pending", "moderating"},
    "validation_status": {"pending"},
    "status_name": {"На модерации"},
}
FAILED = {
    "status": {"failed", "failed_moderation", "failed_validation"},
    "moderate_status": {"declined"},
    "validation_status": {"fail", "failed"},
    "status_name": {"Ошибка валидации"},
}
SETTLED = {
    "status": {"price_sent", "imported", "processed"},
    "moderate_status": {"approved"},
    "validation_status": {"success"},
    "status_name": {"Продается", "Готов к продаже", "Не продается", "Не обновлен", "Архивный"},
}
# Stands in the description while status_name is only "Не продается".
FAILED_DESCRIPTION = "Ошибка валидации"

NO_STATUSES = Statuses()


def status_visibility(detail: ProductDetail) -> Visibility:
    """The visibility that a product's own fields give it.

    Never VISIBLE: what customers see is what Ozon's ``VISIBLE`` list holds, and a product "on sale" (``Продается``)
    that this list leaves out is HIDDEN. A pending check wins over a failed one: the product was corrected.
    """
    if detail.is_archived or detail.is_autoarchived:
        return Visibility.ARCHIVED
    has_error = bool(detail.errors) and any(error.level == ERROR_LEVEL for error in detail.errors or ())
    return _statuses_visibility(detail.statuses or NO_STATUSES, has_error)


@lru_cache(maxsize=4096)
def _statuses_visibility(statuses: Statuses, has_error: bool) -> Visibility:
    said = {field: value for field in SETTLED if (value := getattr(statuses, field))}
    if any(value in PENDING[field] for field, value in said.items()):
        return Visibility.MODERATION
    if (
        has_error
        or statuses.status_failed
        or statuses.status_description == FAILED_DESCRIPTION
        or any(value in FAILED[field] for field, value in said.items())
    ):
        return Visibility.DECLINED
    if said and all(value in SETTLED[field] for field, value in said.items()):
        return Visibility.HIDDEN
    return Visibility.UNKNOWN


def hidden_reasons(detail: ProductDetail) -> tuple[str, ...]:
    """Why customers do not see a product, in Ozon's words: each text once, in Ozon's order.

    The reasons of its SKUs, then its errors; the description of its status only where there is neither.
    """
    texts = [
        reason.human_text.text
        for availability in detail.availabilities or ()
        for reason in availability.reasons or ()
        if reason.human_text
    ]
    for error in detail.errors or ():
        if error.level == ERROR_LEVEL:
            said = error.texts
            texts.append((said and (said.description or said.message or said.short_description)) or error.code)
    reasons = tuple(dict.fromkeys(text for text in texts if text))
    if reasons:
        return reasons
    description = detail.statuses and detail.statuses.status_description
    return (description,) if description else ()
