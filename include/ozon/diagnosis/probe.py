"""One page of every method that the load uses, read from the Seller API and described without the seller's data."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from include.ozon.diagnosis.probed_answer import ProbedAnswer, described
from include.ozon.errors import OzonError
from include.ozon.marketplace import methods as api
from include.ozon.marketplace.client import SellerClient
from include.ozon.marketplace.exchange import Exchange
from include.ozon.marketplace.paging import CursorTrail
from include.ozon.marketplace.redaction import Redactor
from include.ozon.marketplace.shape import coarse, kind_of
from include.ozon.settings import ApiSettings

PRODUCT_FILTERS = ("ALL", "ARCHIVED", "VISIBLE")
STOCK_FILTERS = ("ALL", "ARCHIVED")
_WAREHOUSES_COUNT = 3
_ID = re.compile(r"0{0,9}[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class ProbeReport:
    answers: list[ProbedAnswer]
    comparisons: list[str]
    """Sentences that compare the lists."""


class Probe:
    """One request of each method, by a client whose ``observe`` is this probe's; a failure does not stop the others."""

    def __init__(self, redactor: Redactor, settings: ApiSettings) -> None:
        self._redactor = redactor
        self._page = f"limit {settings.page_size}"
        self._details_count = settings.details_batch_size
        self._exchanges: list[Exchange] = []
        self._answers: list[ProbedAnswer] = []

    def observe(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)

    def run(self, client: SellerClient) -> ProbeReport:
        """Request a page of every method: about a dozen requests, since the client repeats one with an empty list."""
        self._ask(api.ROLES_PATH, "", client.roles)
        products = {name: self._product_list(client, name) for name in PRODUCT_FILTERS}
        stocks = {name: self._stocks(client, name) for name in STOCK_FILTERS}
        # From all lists: one that fails must not prevent the other requests.
        listed = [entry for entries in (*products.values(), *stocks.values()) for entry in entries]
        product_ids = _ids(entry.get("product_id") for entry in listed)
        details = self._details(client, product_ids[: self._details_count])
        self._seller_warehouses(client)
        self._fbo_stocks(client, _ids(_skus([*details, *listed]))[: api.MAX_FBO_SKUS_COUNT])
        comparisons = [*_overlap(api.PRODUCT_LIST.path, products), *_overlap(api.STOCKS.path, stocks)]
        return ProbeReport(self._answers, comparisons)

    def _product_list(self, client: SellerClient, visibility: str) -> list[dict[str, Any]]:
        request = f"filter {visibility}, {self._page}"
        return self._ask(api.PRODUCT_LIST.path, request, lambda: client.product_list(visibility, "", CursorTrail()))

    def _details(self, client: SellerClient, product_ids: list[int]) -> list[dict[str, Any]]:
        path = api.PRODUCT_DETAILS.path
        if not product_ids:
            return self._not_asked(path, "no product id")
        request = f"{coarse(len(product_ids))} product ids"
        return self._ask(path, request, lambda: client.product_details(product_ids))

    def _stocks(self, client: SellerClient, visibility: str) -> list[dict[str, Any]]:
        request = f"filter {visibility}, {self._page}"
        return self._ask(api.STOCKS.path, request, lambda: client.stocks(visibility, "", CursorTrail()))

    def _seller_warehouses(self, client: SellerClient) -> None:
        path = api.WAREHOUSE_STOCKS.path
        warehouses = self._ask(api.WAREHOUSES.path, "", lambda: client.warehouses("", CursorTrail()))
        chosen = _of_each_status(warehouses)[:_WAREHOUSES_COUNT]
        if not chosen:
            self._not_asked(path, "no warehouse id")
        for warehouse_id, status in chosen:
            shown = status if isinstance(status, str) and self._redactor.is_word(status) else kind_of(status)
            call = partial(client.warehouse_stocks, warehouse_id, "", CursorTrail())
            self._ask(path, f"a warehouse of status {shown}, {self._page}", call)

    def _fbo_stocks(self, client: SellerClient, skus: list[int]) -> None:
        if skus:
            self._ask(api.FBO_STOCKS.path, f"{coarse(len(skus))} SKUs", lambda: client.fbo_stocks(skus))
        else:
            self._not_asked(api.FBO_STOCKS.path, "no SKU")

    def _not_asked(self, path: str, missing: str) -> list[dict[str, Any]]:
        self._answers.append(ProbedAnswer(path, "", f"not requested: {missing} in the previous answers"))
        return []

    def _ask(self, path: str, request: str, call: Callable[[], Any]) -> list[dict[str, Any]]:
        """Make one request, keep its description, and return the entries that are objects."""
        self._exchanges.clear()
        started_at = time.monotonic()
        problem = ""
        try:
            rejected = Counter(each.kind for each in getattr(call(), "rejected", []))
            read_as = f"read; rejected: {coarse(rejected['entry'])} entries, {coarse(rejected['field'])} fields"
        except OzonError as error:
            read_as = type(error).__name__
            # If there was an answer, it is described below.
            problem = "" if self._exchanges else self._redactor.message(str(error))
        except Exception as error:  # a bug of this version belongs in the report, too
            read_as = f"unexpected {type(error).__name__}"
        if not self._exchanges:
            seconds = round(time.monotonic() - started_at, 2)
            self._answers.append(ProbedAnswer(path, request, read_as, problem, seconds=seconds))
            return []
        answer, entries = described(path, request, read_as, self._exchanges[-1], self._redactor)
        self._answers.append(answer)
        return _objects(entries)


def _ids(values: Iterable[Any]) -> list[int]:
    """Return the valid ids without repeats, from integers, floats and texts."""
    texts = (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values)
    return list(dict.fromkeys(int(text) for text in texts if _ID.fullmatch(text)))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _skus(products: Iterable[dict[str, Any]]) -> Iterator[Any]:
    """Yield the SKUs of products, of their sources, and of their stocks."""
    for product in products:
        stocks = product.get("stocks")
        amounts = stocks.get("stocks") if isinstance(stocks, dict) else stocks
        for holder in (product, *_objects(product.get("sources")), *_objects(amounts)):
            yield holder.get("sku")


def _of_each_status(warehouses: Iterable[dict[str, Any]]) -> list[tuple[int, Any]]:
    """Return ids with their statuses: first one of each status, then the second ones, and so on."""
    by_status: dict[str, list[tuple[int, Any]]] = {}
    for warehouse in warehouses:
        status = warehouse.get("status")
        for warehouse_id in _ids([warehouse.get("warehouse_id")]):
            by_status.setdefault(str(status), []).append((warehouse_id, status))
    ranked = [(turn, each) for group in by_status.values() for turn, each in enumerate(group)]
    return [each for _, each in sorted(ranked, key=lambda pair: pair[0])]


def _overlap(path: str, lists: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Yield a sentence for each list: the share of its first page that is also on the first page of ALL."""
    whole = set(_ids(entry.get("product_id") for entry in lists["ALL"]))
    for name, entries in lists.items():
        ids = _ids(entry.get("product_id") for entry in entries)
        if name != "ALL" and ids:
            yield f"{path}: of the first page of {name}, {_coarse_pct(ids, whole)} is on the first page of ALL."


def _coarse_pct(ids: list[int], whole: set[int]) -> str:
    pct = 100 * sum(each in whole for each in ids) / len(ids)
    if pct in (0, 100):
        return "all" if pct else "nothing"
    return "less than 10 %" if pct < 10 else "10 to 49 %" if pct < 50 else "50 to 89 %" if pct < 90 else "90 % or more"
