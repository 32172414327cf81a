"""The view of all products, compared with a reference in Python; its file; hostile addresses."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ozon.page import product_list
from include.ozon.page.product_list import ProductPage, read_page
from include.ozon.page.product_search import Place, Price, Search, Shown, Sort, Stock, cursor, place
from include.ozon_local.postgres import WAREHOUSE_ROLE, EmbeddedPostgres
from tests.support.page import Page, open_page
from tests.support.pipeline import quick_settings

NOW = datetime.now(tz=UTC).replace(microsecond=123456)
ACCOUNTS = ["main", "second"]
NAMES = (
    "Кружка «Ёлка» 350 мл", "кружка USB-C", "<script>alert(1)</script>", "Плед 50% хлопка", "snake_case 'quoted'",
    'Чай "Лист" №5', "😀 Игрушка", "", "Back\\slash кружкаБольшая", "=1+1", "  ",
)  # fmt: skip
ARTICLES = ("Art-{}", "art_{}", "АРТ-{}", "ART%{}", "a'{}", "😀{}", "<b>{}")
REASONS = ("Нет в наличии", "<img src=x>", "Бренд 'X' отклонён")


@dataclass(frozen=True)
class Row:
    """A product of the reference."""

    account: str
    product_id: int
    offer_id: str
    skus: list[int]
    name: str
    price: Decimal | None
    visibility: str
    since: datetime
    reasons: list[str]
    available: int | None
    is_price_changed: bool

    def key(self, sort: Sort) -> Any:
        of = {
            "since": self.since,
            "price": Decimal(-1) if self.price is None else self.price,
            "stock": -1 if self.available is None else self.available,
            "article": self.offer_id.lower()[:100],
        }
        return of[sort.column], self.account, self.product_id

    def matches(self, search: Search) -> bool:
        words = _words(search.text)
        is_found = not search.text or (
            self.offer_id.lower()[:100].startswith(search.text.lower())
            or (search.text.isdigit() and int(search.text) in {self.product_id, *self.skus})
            or (bool(words) and all(any(_begins(own, word) for own in _words(self.name)) for word in words))
        )
        stock = {
            Stock.ANY: True,
            Stock.IN_STOCK: (self.available or 0) > 0,
            Stock.OUT_OF_STOCK: self.available == 0,
            Stock.UNKNOWN: self.available is None,
        }
        return (
            is_found
            and self.visibility in search.shown.visibilities
            and (not search.reason or search.reason in self.reasons)
            and stock[search.stock]
            and (search.price is Price.ANY or self.is_price_changed)
        )


def _words(text: str) -> set[str]:
    return set(re.split(r"""[\s!-/:-@\[-`{-~«»„“”‘’–—…№×·•]+""", text.lower())) - {""}


def _begins(own: str, word: str) -> bool:
    return own.startswith(word) if len(word) > 1 else own == word


def _rows() -> list[Row]:
    chance = random.Random(14)
    rows = []
    for n in range(1, 331):
        visibility = chance.choice(["VISIBLE"] * 4 + ["HIDDEN"] * 3 + ["MODERATION", "DECLINED", "ARCHIVED", "UNKNOWN"])
        rows.append(
            Row(
                account=chance.choice(["main", "main", "second"]),
                product_id=n,
                offer_id="x" * 300 if n == 7 else chance.choice(ARTICLES).format(chance.randrange(60)),
                skus=[[], [n + 1000], [n + 1000, n + 5000]][n % 3],
                name="ж" * 5000 if n == 8 else chance.choice(NAMES),
                price=chance.choice([None, Decimal(0), Decimal("99.90"), Decimal(100), Decimal(1500)]),
                visibility=visibility,
                since=NOW - timedelta(hours=chance.randrange(6)),
                reasons=[] if visibility == "VISIBLE" else chance.sample(REASONS, chance.randrange(3)),
                available=chance.choice([None, 0, 0, 1, 5, 2**40]),
                is_price_changed=chance.random() < 0.2,
            )
        )
    return rows


ROWS = _rows()


def _insert(connection: psycopg.Connection[Any]) -> None:
    for row in ROWS:
        connection.execute(
            "INSERT INTO ozon.products (account, product_id, offer_id, sku, skus, name, price, old_price, "
            "currency_code, visibility, ozon_status, status_name, hidden_reasons, is_archived, has_price, has_stock, "
            "first_seen_at, changed_at, visibility_changed_at, workflow_id) VALUES "
            "(%s, %s, %s, %s, %s, %s, %s, 0, 'RUB', %s, 's', 'n', %s, false, true, true, %s, %s, %s, '1/main')",
            (row.account, row.product_id, row.offer_id, row.skus[0] if row.skus else None, row.skus, row.name,
             row.price, row.visibility, row.reasons, NOW, NOW, row.since),
        )  # fmt: skip
        connection.execute(
            "INSERT INTO ozon.product_stock VALUES (%s, %s, %s, %s)",
            (row.account, row.product_id, row.visibility, row.available),
        )
        before = Decimal(7) if row.is_price_changed else row.price
        connection.execute(
            "INSERT INTO ozon.product_price_history (account, product_id, valid_from, price, currency_code, "
            "previous_price, workflow_id) VALUES (%s, %s, %s, %s, 'RUB', %s, '1/main')",
            (row.account, row.product_id, NOW - timedelta(hours=3), Decimal(8) if row.is_price_changed else row.price,
             before),
        )  # fmt: skip
    connection.execute("INSERT INTO ozon.product_names SELECT account, product_id, name FROM ozon.products")
    # Removed products are not listed.
    connection.execute(
        "INSERT INTO ozon.products SELECT (jsonb_populate_record(p, "
        "jsonb_build_object('product_id', 9000, 'removed_at', now()))).* FROM ozon.products p WHERE product_id = 1"
    )


@pytest.fixture(scope="module")
def odd_dsn(postgres: EmbeddedPostgres, warehouse_template: str) -> Iterator[str]:
    postgres.create_database("odd_products", WAREHOUSE_ROLE, template=warehouse_template)
    dsn = postgres.dsn("odd_products", WAREHOUSE_ROLE)
    with psycopg.connect(dsn) as connection:
        _insert(connection)
    yield dsn
    postgres.drop_database("odd_products")


@pytest.fixture(scope="module")
def page(odd_dsn: str) -> Iterator[Page]:
    with open_page(odd_dsn, quick_settings()) as page:
        yield page


@pytest.fixture(params=["few", "walk", "short walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to read a page, and one that stops before the page is full."""
    if request.param != "few":
        monkeypatch.setattr(product_list, "FEW", 3)
    if request.param == "short walk":
        monkeypatch.setattr(product_list, "MOST_STEPS", 40)
        monkeypatch.setattr(product_list, "PAGE_SIZE", 7)
    return str(request.param)


def all_pages(dsn: str, search: Search, accounts: list[str] = ACCOUNTS) -> list[ProductPage]:
    """Read forward to the end, through the text of each place."""
    pages = []
    after: Place | None = None
    with psycopg.connect(dsn) as connection:
        while True:
            found = read_page(connection, Search(**{**vars(search), "after": after}), accounts, NOW)
            pages.append(found)
            if found.following is None:
                return pages
            after = place(search.sort, cursor(search.sort, found.following))
            assert len(pages) < 400


def listed(pages: list[ProductPage]) -> list[int]:
    return [product.product_id for page in pages for product in page.products]


def expected(search: Search, accounts: list[str] = ACCOUNTS) -> list[int]:
    rows = [row for row in ROWS if row.account in accounts and row.matches(search)]
    rows.sort(key=lambda row: row.key(search.sort), reverse=search.sort.is_descending)
    return [row.product_id for row in rows]


SEARCHES = [
    Search(),
    *(Search(shown=shown) for shown in Shown if shown),
    *(Search(stock=stock) for stock in Stock if stock),
    *(Search(reason=reason) for reason in REASONS),
    Search(price=Price.CHANGED),
    Search(shown=Shown.OUT_OF_SIGHT, stock=Stock.IN_STOCK),
    Search(shown=Shown.VISIBLE, stock=Stock.OUT_OF_STOCK, price=Price.CHANGED),
    *(
        Search(text=text)
        for text in ("кружка", "КРУЖ", "script", "alert(1)", "50%", "%", "_", "snake_", "'", "\\", "№5", "😀", "art_1",
                     "АРТ-", "ART%", "1", "1002", "5002", "300", "ёлка круж", "usb c", "x", "ж", "9000", "нет такого",
                     "' OR 1=1 --", "'':*", "a | b & !c", "9223372036854775807", "92233720368547758070")
    ),
    Search(text="круж", shown=Shown.OUT_OF_SIGHT, stock=Stock.IN_STOCK, reason=REASONS[0]),
]  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_every_filter_and_search_lists_what_the_reference_lists(odd_dsn: str, way: str, search: Search) -> None:
    pages = all_pages(odd_dsn, search)

    assert listed(pages) == expected(search), way
    assert all(not page.count.is_exact or page.count.number == len(expected(search)) for page in pages)
    assert pages[0].count.is_exact or pages[0].count.number <= max(len(expected(search)), product_list.FEW)


@pytest.mark.parametrize("accounts", [ACCOUNTS, ["second"]], ids=str)
@pytest.mark.parametrize("search", [Search(), Search(stock=Stock.OUT_OF_STOCK), Search(text="кружка")], ids=str)
@pytest.mark.parametrize("sort", Sort)
def test_every_order_lists_each_product_once(
    odd_dsn: str, way: str, sort: Sort, search: Search, accounts: list[str]
) -> None:
    search = Search(**{**vars(search), "sort": sort})

    assert listed(all_pages(odd_dsn, search, accounts)) == expected(search, accounts), way


SEARCH = st.builds(
    Search,
    text=st.sampled_from(["", "", "", "круж", "art", "1"]),
    shown=st.sampled_from(Shown),
    reason=st.sampled_from(["", "", *REASONS]),
    stock=st.sampled_from(Stock),
    price=st.sampled_from(Price),
    sort=st.sampled_from(Sort),
)


def paging_of_any_search(examples: int) -> Callable[..., None]:
    """Return a test with so many examples."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(search=SEARCH, few=st.integers(0, 40), steps=st.integers(1, 80), size=st.integers(1, 60))
    def test(odd_dsn: str, search: Search, few: int, steps: int, size: int) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(product_list, "FEW", few)
            monkeypatch.setattr(product_list, "MOST_STEPS", steps)
            monkeypatch.setattr(product_list, "PAGE_SIZE", size)
            assert listed(all_pages(odd_dsn, search)) == expected(search)

    return test


test_paging_lists_what_the_reference_lists = paging_of_any_search(40)
test_paging_of_many_searches_lists_what_the_reference_lists = pytest.mark.long(paging_of_any_search(300))


def test_paging_while_rows_change_lists_the_others_once(odd_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product_list, "PAGE_SIZE", 20)
    search, after, found = Search(sort=Sort.CHEAPEST), None, []
    changing = {row.product_id for row in ROWS if row.product_id % 5 == 0}
    chance = random.Random(3)
    with psycopg.connect(odd_dsn) as connection:
        while True:
            page = read_page(connection, Search(**{**vars(search), "after": after}), ACCOUNTS, NOW)
            found += [product.product_id for product in page.products]
            if page.following is None:
                break
            after = page.following
            connection.execute(
                "UPDATE ozon.products SET price = %s WHERE product_id = ANY(%s)",
                (chance.randrange(2000), chance.sample(sorted(changing), 20)),
            )
        connection.rollback()

    assert [each for each in found if each not in changing] == [
        each for each in expected(search) if each not in changing
    ]


ADDRESSES = [
    "",
    "visibility=out_of_sight&stock=in_stock",
    "visibility=VISIBLE&stock=out_of_stock",
    "price=changed&sort=-price",
    "q=кружка&sort=article&account=main",
    "sort=-stock",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_file_has_what_the_list_has(page: Page, odd_dsn: str, address: str) -> None:
    parameters = dict(each.split("=") for each in address.split("&") if each)
    search = Search(
        text=parameters.get("q", ""),
        shown=Shown(parameters.get("visibility", "")),
        stock=Stock(parameters.get("stock", "")),
        price=Price(parameters.get("price", "")),
        sort=Sort(parameters.get("sort", "-since")),
    )
    accounts = [parameters["account"]] if "account" in parameters else ACCOUNTS

    answer = page.get(f"/products.csv?{address}")

    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert re.search(
        rf"filename=\"ozon-products-{parameters.get('account', 'all')}-\d{{4}}-\d\d-\d\d\.csv\"",
        answer.headers["content-disposition"],
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [int(row["product_id"]) for row in rows] == expected(search, accounts)
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values() if value)


def test_a_third_file_at_once_is_refused_with_a_page(page: Page) -> None:
    from include.ozon.page import products_csv

    taken = [products_csv._downloads.acquire(blocking=False) for _ in range(products_csv.MOST_AT_ONCE)]
    try:
        answer = page.get("/products.csv")
    finally:
        for _ in taken:
            products_csv._downloads.release()

    assert all(taken)
    assert answer.status_code == 503
    assert "downloaded" in answer.text
    assert page.get("/products.csv").status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_following_the_links_of_the_view_shows_every_product_once(page: Page, address: str) -> None:
    path, found = f"/products?{address}", []
    while True:
        answer = page.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        found += re.findall(r"products/\w+/(\d+)[?\"]", answer.text)
        following = re.search(r'href="/ozon(/products\?[^"]*)" rel="next"', answer.text)
        if not following:
            break
        path = following[1].replace("&amp;", "&")
    assert len(found) == len(set(found)) > 0


def written(*fields: object) -> str:
    return urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


BROKEN = [
    "visibility=' OR 1=1",
    "stock=none",
    "price=1",
    "sort=name",
    "sort=price; DROP TABLE ozon.products",
    "after=%27%3B",
    "after=AAAA",
    "after=" + "A" * 2000,
    "q=" + "a" * 201,
    "q=%00",
    "reason=a%00b",
    "reason=" + "r" * 501,
    "account=' OR ''='",
    "days=0",
    "days=99999999999999999999",
    *(
        f"sort={sort}&after={written(sort, key, 'main', 1)}"
        for sort, key in (
            (Sort.CHEAPEST, "NaN"), (Sort.CHEAPEST, "1e999999"), (Sort.CHEAPEST, "9" * 200), (Sort.CHEAPEST, "x"),
            (Sort.LEAST_STOCK, 2**63), (Sort.LEAST_STOCK, -2), (Sort.ARTICLE, "x" * 101), (Sort.ARTICLE, "\0"),
            (Sort.ARTICLE, "\ud800"),
        )
    ),
    "sort=price&after=" + written("stock", 1, "main", 1),
    "sort=stock&after=" + written("stock", 1, "main", 2**63),
    "sort=stock&after=" + written("stock", 1, "main", -1),
]  # fmt: skip


@pytest.mark.parametrize("address", BROKEN)
@pytest.mark.parametrize("path", ["/products", "/products.csv"])
def test_a_broken_address_gets_a_page_that_says_so(page: Page, path: str, address: str) -> None:
    assert page.get(f"{path}?{address}").status_code in {404, 422}


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
def test_any_text_can_be_searched(page: Page, text: str) -> None:
    for name in ("q", "reason"):
        assert page.get("/products", params={name: text}).status_code == 200


@settings(max_examples=100, deadline=None)
@given(after=st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True), sort=st.sampled_from(Sort))
def test_any_place_is_answered(page: Page, after: str, sort: Sort) -> None:
    assert page.get("/products", params={"after": after, "sort": str(sort)}).status_code in {200, 422}


@pytest.mark.parametrize(
    "path", ["/products/main/999999999", "/products/nobody/1", "/products/main/9223372036854775807"]
)
def test_an_unknown_product_gets_the_page_for_what_does_not_exist(page: Page, path: str) -> None:
    assert page.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/products/main/9223372036854775808", "/products/main/-1", "/products/main/x"])
def test_no_product_has_such_an_id(page: Page, path: str) -> None:
    assert page.get(path).status_code == 422


@pytest.mark.parametrize("row", ROWS[:60:3], ids=lambda row: str(row.product_id))
def test_each_product_has_a_page(page: Page, row: Row) -> None:
    answer = page.get(f"/products/{row.account}/{row.product_id}?days=366")

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert all(f"{sku}" in answer.text for sku in row.skus)


def test_a_removed_product_has_a_page_that_says_so(page: Page) -> None:
    removed = page.get(f"/products/{ROWS[0].account}/9000")

    assert removed.status_code == 200
    assert "has not listed it since" in removed.text
