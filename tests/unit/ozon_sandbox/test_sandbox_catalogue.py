"""The catalogue: reproducible, consistent, and changing at every tick."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from include.ozon_sandbox import vocabulary
from include.ozon_sandbox.catalogue import Catalogue
from include.ozon_sandbox.effects import ChangeSituation, DeclineBrand, Effect, OmitFromLists, Sale
from include.ozon_sandbox.filters import FILTERS
from include.ozon_sandbox.items import detail_items
from include.ozon_sandbox.products import Origin, Products
from include.ozon_sandbox.situations import SITUATIONS, Code
from include.ozon_sandbox.truth import truth_lines

VISIBILITIES = {code: SITUATIONS[code].visibility for code in Code}


def at(tick: int, size: int = 200, seed: int = 1, account: str = "main") -> Catalogue:
    return Catalogue(Origin(seed, account, size), tick)


def everything(catalogue: Catalogue) -> Products:
    return catalogue.products(np.arange(catalogue.length, dtype=np.int64))


def dump(catalogue: Catalogue) -> bytes:
    return b"".join(truth_lines(catalogue))


def test_a_catalogue_is_the_same_whenever_it_is_computed_and_differs_by_seed_account_and_tick() -> None:
    assert dump(at(5)) == dump(at(5))
    others = [dump(at(5, seed=2)), dump(at(5, account="second")), dump(at(6))]
    assert dump(at(5)) not in others


@pytest.mark.parametrize("size", [1, 2, 199, 3000])
def test_it_starts_with_exactly_its_size(size: int) -> None:
    assert dump(at(0, size)).count(b"\n") == size


@pytest.mark.parametrize("tick", range(2, 30))
def test_every_kind_of_change_happens_at_every_tick(tick: int) -> None:
    later = at(tick)
    indices = np.arange(later.length, dtype=np.int64)
    before, after = at(tick - 1).products(indices), later.products(indices)
    pairs = zip(before.situations.tolist(), after.situations.tolist(), strict=True)
    moves = Counter((VISIBILITIES[Code(old)], VISIBILITIES[Code(new)]) for old, new in pairs if old != new)
    newborn = after.exist & (after.born_at_tick == tick)
    both = before.exist & after.exist

    assert moves["VISIBLE", "HIDDEN"]
    assert moves["HIDDEN", "VISIBLE"]
    assert moves["VISIBLE", "DECLINED"]
    assert moves["DECLINED", "MODERATION"]
    assert moves["VISIBLE", "ARCHIVED"]
    assert moves["ARCHIVED", "VISIBLE"]
    assert (before.exist & ~after.exist).any(), "none vanished"
    assert (~before.exist & after.exist & ~newborn).any(), "none returned"
    assert newborn.any()
    assert (both & (before.prices != after.prices)).any()
    assert (both & (before.free != after.free).any(axis=0)).any()


def test_most_products_stay_as_they_are_from_tick_to_tick() -> None:
    indices = np.arange(3000, dtype=np.int64)
    before, after = at(4, 3000).products(indices), at(5, 3000).products(indices)
    assert 0.01 < (before.prices != after.prices).mean() < 0.1
    assert 0.01 < (before.situations != after.situations).mean() < 0.1


def test_what_changed_has_a_later_moment_and_nothing_else_has() -> None:
    indices = np.arange(3000, dtype=np.int64)
    before, after = at(4, 3000).products(indices), at(5, 3000).products(indices)
    stayed = before.exist & after.exist
    moved_on = after.situation_since_tick == 5
    assert ((before.situations != after.situations) == moved_on)[stayed].all()
    assert not ((before.prices != after.prices) & stayed & (after.price_since_tick != 5) & ~moved_on).any()


def test_ids_articles_and_skus_are_unique_and_lead_back_to_the_product() -> None:
    catalogue = at(3, 3000)
    products = everything(catalogue)
    assert len(set(products.product_ids.tolist())) == len(products)
    assert len(set(products.offer_ids)) == len(products)
    assert len(set(products.sku_ever.tolist())) == len(products)

    existing = catalogue.products(products.indices[products.exist])
    expected = existing.indices.tolist()
    assert catalogue.by_product_id(products.product_ids.tolist()).indices.tolist() == expected
    assert catalogue.by_offer_id(products.offer_ids).indices.tolist() == expected
    with_sku = products.indices[products.skus > 0].tolist()
    assert catalogue.by_sku(products.sku_ever.tolist()).indices.tolist() == with_sku


@pytest.mark.parametrize("stranger", [0, -5, 1, 2_147_000_001, 10**18, 2**63, 10**40])
def test_numbers_that_are_not_ids_find_nothing(stranger: int) -> None:
    catalogue = at(0, 20)
    known = {*everything(catalogue).product_ids.tolist(), *everything(catalogue).skus.tolist()}
    assert stranger not in known - {0}
    assert len(catalogue.by_product_id([stranger])) == 0
    assert len(catalogue.by_sku([stranger])) == 0


@pytest.mark.parametrize("stranger", ["", "нет", "100000x", "9" * 400, "100000", "№100000"])
def test_texts_that_are_not_articles_find_nothing(stranger: str) -> None:
    catalogue = at(0, 50)
    expected = [stranger] if stranger in everything(catalogue).offer_ids else []
    assert catalogue.by_offer_id([stranger]).offer_ids == expected


def test_the_catalogue_has_the_difficulties_of_real_ones() -> None:
    products = everything(at(0, 3000))
    articles = products.offer_ids
    assert max(map(len, articles)) == 255
    assert any("ё" in text and " " not in text for text in articles)
    assert any('"' in text for text in articles)
    assert any(";" in text for text in articles)
    assert any("  " in text for text in articles)
    assert (products.skus == 0).any()
    assert len(set(products.currencies.tolist())) == 6
    assert (products.currencies == 0).mean() > 0.9
    assert (products.prices == 0).any()
    assert products.product_ids.min() < 2**31 < products.product_ids.max()
    assert set(VISIBILITIES.values()) - {"", "UNKNOWN"} == {
        VISIBILITIES[Code(code)] for code in products.situations.tolist()
    }


def test_all_includes_archived_products_and_no_filter_is_empty() -> None:
    catalogue = at(0, 3000)
    products = everything(catalogue)
    masks = {name: wanted(products) for name, wanted in FILTERS.items()}
    assert len(FILTERS) == 28
    assert masks["ALL"].all()
    assert all(mask.any() for mask in masks.values()), [name for name, mask in masks.items() if not mask.any()]
    archive = {"ALL", "ARCHIVED", "AUTO_ARCHIVED", "MANUAL_ARCHIVED", "SEASONAL_AUTO_ARCHIVED"}
    for name in masks.keys() - archive:
        assert not (masks[name] & products.archived).any(), name
    assert (masks["VISIBLE"] ^ masks["INVISIBLE"] == ~masks["ARCHIVED"]).all()
    assert (masks["VISIBLE"] & masks["MODERATED"]).any(), "filters overlap"
    for name, mask in masks.items():
        assert catalogue.count(name) == mask.sum(), name


def test_pages_contain_every_product_of_a_filter_once() -> None:
    catalogue = at(0, 3000)
    start, seen, has_more = 0, [], True
    while has_more:
        page, start, has_more = catalogue.page(FILTERS["VISIBLE"], start, 77)
        seen += page.indices.tolist()
    assert seen == np.flatnonzero(everything(catalogue).visible).tolist()


def test_a_page_that_ends_with_the_last_product_has_nothing_after_it() -> None:
    catalogue = at(0)
    page, following, has_more = catalogue.page(lambda products: products.exist, 150, 50)
    assert (len(page), following, has_more) == (50, 200, False)
    assert catalogue.page(lambda products: products.exist, 150, 49)[2] is True


def test_a_product_missing_from_lists_is_counted_and_found_by_its_id() -> None:
    product_id = int(everything(at(0)).product_ids[7])
    catalogue = Catalogue(at(0).origin, 0, (OmitFromLists(0.0, (product_id,)),))
    listed, _, _ = catalogue.page(lambda products: products.exist, 0, 1000)
    assert len(listed) == 199
    assert product_id not in listed.product_ids
    assert catalogue.count("ALL") == at(0).count("ALL")
    assert catalogue.by_product_id([product_id]).product_ids.tolist() == [product_id]


def test_a_hidden_share_is_not_visible_and_has_reasons() -> None:
    before = at(0, 3000)
    catalogue = Catalogue(before.origin, 0, (ChangeSituation(1 / 3, Code.REMOVED, only_visible=True),))
    assert 0.6 < catalogue.count("VISIBLE") / before.count("VISIBLE") < 0.73
    assert catalogue.count("ALL") == before.count("ALL")
    hidden = everything(before).visible & ~everything(catalogue).visible
    assert set(everything(catalogue).situations[hidden].tolist()) == {Code.REMOVED}


def calm(tick: int, size: int = 400, effects: tuple[Effect, ...] = ()) -> Products:
    started_at = datetime(2026, 3, 1, tzinfo=UTC)
    return everything(Catalogue(Origin(1, "shop", size, 8, "KZT", started_at), tick, effects))


def test_a_calm_account_changes_less_at_each_tick_but_at_every_tick() -> None:
    usual = [everything(at(tick, 2000)) for tick in (9, 10)]
    usual_changes = (usual[0].situations != usual[1].situations[: len(usual[0])]).sum()
    for tick in range(9, 40):
        before, after = calm(tick, 2000), calm(tick + 1, 2000)
        changed = before.situations != after.situations[: len(before)]
        assert 0 < changed.sum() < usual_changes / 4
    assert len(calm(41)) - len(calm(1)) == 5, "one product is added every eight ticks"


def test_an_accounts_currency_and_calendar_are_its_own() -> None:
    products = calm(40)
    items = detail_items(products)
    assert {item["currency_code"] for item in items} == {"KZT"}
    assert "2026-03-" in max(item["updated_at"] for item in items)


def test_a_sale_lowers_prices_and_shows_the_full_ones() -> None:
    full, sale = calm(9), calm(9, effects=(Sale(0.5, 25),))
    lowered = sale.prices < full.prices
    assert 0.4 < lowered.mean() < 0.6
    assert (sale.prices[lowered] == np.rint(full.prices[lowered] * 0.75)).all()
    assert (sale.old_prices[lowered] == full.prices[lowered]).all()
    assert (sale.old_prices[~lowered] == full.old_prices[~lowered]).all()


def test_a_declined_brand_is_declined_except_for_archived_products() -> None:
    brand = vocabulary.BRANDS.index("KAIDI")
    products = calm(9, effects=(DeclineBrand(brand),))
    is_of_brand = np.array(["KAIDI" in name for name in products.names])
    shown = is_of_brand & products.exist & ~products.archived
    assert shown.sum() > 30
    assert set(products.situations[shown].tolist()) == {Code.MODERATION_DECLINED}
    assert (products.situations[~is_of_brand] == calm(9).situations[~is_of_brand]).all()
