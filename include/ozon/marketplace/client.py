"""The Seller API's methods that the load and the monitoring use."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from include.ozon.errors import NotFoundError
from include.ozon.marketplace.answers import (
    FboStock,
    ListedProduct,
    Page,
    ProductDetail,
    Roles,
    StockItem,
    Warehouse,
    WarehouseStock,
)
from include.ozon.marketplace.credentials import Credentials
from include.ozon.marketplace.decoding import (
    Decoded,
    ListMethod,
    NotJsonError,
    parsed,
)
from include.ozon.marketplace.faults import GarbledAnswerError
from include.ozon.marketplace.methods import (
    FBO_STOCKS,
    MAX_DETAILS_COUNT,
    MAX_FBO_SKUS_COUNT,
    MAX_WAREHOUSES_COUNT,
    PRODUCT_DETAILS,
    PRODUCT_LIST,
    ROLES_PATH,
    STOCKS,
    WAREHOUSE_STOCKS,
    WAREHOUSES,
)
from include.ozon.marketplace.pacer import Pacer, shared_pacer
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.marketplace.rejection import describe
from include.ozon.marketplace.tolerance import UnreadableError, tolerant_reader
from include.ozon.marketplace.transport import Observe, RequestUsage, Transport
from include.ozon.settings import ApiSettings

__all__ = ["RequestUsage", "SellerClient", "other_client"]

# For clients other than the load's: the health check runs every quarter of an hour.
_LONGEST_RETRY_AFTER_SECONDS = 900.0

T = TypeVar("T")

_read_roles = tolerant_reader(Roles)


class SellerClient:
    """A thread-safe client for the Seller API of one account.

    ``pacer`` limits the requests per second. By default it is the load's (``api.requests_per_second``), which all
    clients of a Client-Id share; other callers of the API pass their own. When ``stop`` is set, all waits end and
    calls raise RequestStoppedError. ``observe`` is called with each raw answer before it is decoded.

    Every method raises a FatalError if a person has to act, a RetriableError after the last attempt, and BadDataError
    for an answer that Ozon does not document. Single entries that cannot be loaded raise nothing: they are in the
    page's ``rejected``. Paging methods take the cursor of the page to read ("" for the first) and the list's trail,
    which decides whether there is a next page.
    """

    def __init__(
        self,
        credentials: Credentials,
        api: ApiSettings,
        *,
        pacer: Pacer | None = None,
        stop: threading.Event | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._api = api
        who = f"{credentials.base_url} {credentials.client_id}"
        pacer = pacer or shared_pacer(who, api.requests_per_second)
        self._transport = Transport(credentials, api, pacer, stop, observe)
        pause_seconds = api.analytics_seconds_between_requests
        self._analytics_pacer = shared_pacer(f"{who} analytics", 1 / pause_seconds) if pause_seconds else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def usage(self) -> RequestUsage:
        """The requests since this client was created."""
        return self._transport.usage

    def product_list(self, visibility: str, cursor: str, trail: CursorTrail) -> Page[ListedProduct]:
        """Return a page of the products that Ozon's filter ``visibility`` lists; filters may overlap."""
        limit = self._api.page_size
        body = {
            "filter": {"visibility": visibility, "offer_id": [], "product_id": []},
            "last_id": cursor,
            "limit": limit,
        }
        return self._page(PRODUCT_LIST, body, cursor, limit, trail)

    def product_details(self, product_ids: Sequence[int]) -> Page[ProductDetail]:
        """Return the details of up to 1000 products, including archived ones, without ids that Ozon does not know."""
        _check_count("product_ids", product_ids, MAX_DETAILS_COUNT)
        return _only_page(self._confirmed(PRODUCT_DETAILS, {"product_id": list(product_ids)}, items_read=0))

    def stocks(self, visibility: str, cursor: str, trail: CursorTrail) -> Page[StockItem]:
        """Return a page of stocks by type, of the products that Ozon's filter ``visibility`` lists."""
        limit = self._api.page_size
        body = {"filter": {"visibility": visibility}, "cursor": cursor, "limit": limit}
        return self._page(STOCKS, body, cursor, limit, trail, repeat_ends=True)

    def warehouses(self, cursor: str, trail: CursorTrail) -> Page[Warehouse]:
        """Return a page of seller warehouses."""
        limit = min(self._api.page_size, MAX_WAREHOUSES_COUNT)
        return self._page(WAREHOUSES, {"cursor": cursor, "limit": limit}, cursor, limit, trail)

    def warehouse_stocks(self, warehouse_id: int, cursor: str, trail: CursorTrail) -> Page[WarehouseStock]:
        """Return a page of the stock in one seller warehouse."""
        limit = self._api.page_size
        body = {"warehouse_id": warehouse_id, "cursor": cursor, "limit": limit}
        return self._page(WAREHOUSE_STOCKS, body, cursor, limit, trail)

    def fbo_stocks(self, skus: Sequence[int]) -> Page[FboStock]:
        """Return the stock of up to 100 SKUs in FBO warehouses. Ozon limits this method much more strictly."""
        _check_count("skus", skus, MAX_FBO_SKUS_COUNT)
        try:
            return _only_page(self._call(FBO_STOCKS, {"skus": list(skus)}, self._analytics_pacer))
        except NotFoundError:
            # The documented answer for SKUs without FBO stock.
            return Page([], [], 0, None, None)

    def roles(self) -> Roles:
        """Return the key's expiry and the methods that it may call."""
        return self._transport.call(ROLES_PATH, {}, _decode_roles)

    def _call(self, method: ListMethod[T], body: dict[str, object], own_pacer: Pacer | None = None) -> Decoded[T]:
        return self._transport.call(method.path, body, method.decode, own_pacer)

    def _confirmed(self, method: ListMethod[T], body: dict[str, object], items_read: int) -> Decoded[T]:
        """Call the method, and call it again if the answer is empty, unless that is normal or agrees with the total.

        A wrong empty list would hide a whole catalogue, so it needs a second answer (docs/decisions/0014).
        """
        answer = self._call(method, body)
        is_complete = answer.total_items is not None and items_read >= answer.total_items
        if answer.item_count or is_complete or method.is_often_empty:
            return answer
        return self._call(method, body)

    def _page(
        self,
        method: ListMethod[T],
        body: dict[str, object],
        cursor: str,
        limit: int,
        trail: CursorTrail,
        *,
        repeat_ends: bool = False,
    ) -> Page[T]:
        answer = self._confirmed(method, body, trail.items_read)
        next_cursor = trail.next_cursor(
            method.path,
            asked=cursor,
            answered=answer.cursor,
            item_count=answer.item_count,
            limit=limit,
            has_next=answer.has_next,
            total_items=answer.total_items,
            repeat_ends=repeat_ends,
        )
        return Page(answer.items, answer.rejected, answer.item_count, next_cursor, answer.total_items)


def _only_page(answer: Decoded[T]) -> Page[T]:
    return Page(answer.items, answer.rejected, answer.item_count, None, answer.total_items)


def _check_count(name: str, values: Sequence[int], at_most: int) -> None:
    if not 1 <= len(values) <= at_most:
        raise ValueError(f"{name}: expected 1 to {at_most} in one request, found {len(values)}")


def _decode_roles(body: bytes) -> Roles:
    try:
        return _read_roles(parsed(body))[0]
    except UnreadableError as problem:
        raise GarbledAnswerError(
            f"{ROLES_PATH} answered with unexpected JSON: {describe(problem.within('the answer'))}."
        ) from None
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from None


def other_client(
    credentials: Credentials, api: ApiSettings, timeout_seconds: float | None = None, observe: Observe | None = None
) -> SellerClient:
    """Return a client that sends each request once, with its own rate limit, so that it does not slow down the load."""
    once: dict[str, Any] = {
        "attempts": 1,
        "retry_budget_seconds": 0.0,
        "longest_retry_after_seconds": _LONGEST_RETRY_AFTER_SECONDS,
    }
    if timeout_seconds is not None:
        names = ("connect_timeout_seconds", "read_timeout_seconds", "exchange_timeout_seconds")
        once |= dict.fromkeys(names, timeout_seconds)
    who = f"{credentials.base_url} {credentials.client_id} other"
    pacer = shared_pacer(who, api.other_requests_per_second)
    return SellerClient(credentials, api.model_copy(update=once), pacer=pacer, observe=observe)
