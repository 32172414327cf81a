"""The current language, and texts that are marked where they are written."""

from __future__ import annotations

from threading import Thread

from include.ozon.translation import N_, _, current_language, ngettext, use_language


def test_a_text_is_translated_in_its_language_only() -> None:
    with use_language("ru"):
        assert _("products") == "товары"
        with use_language("en"):
            assert _("products") == "products"
        assert current_language() == "ru"
    assert _("products") == "products"


def test_another_thread_speaks_english() -> None:
    found: list[str] = []
    with use_language("ru"):
        thread = Thread(target=lambda: found.append(_("products")))
        thread.start()
        thread.join()
    assert found == ["products"]


def test_a_marked_text_is_english_and_translates_its_values() -> None:
    text = N_("{data} out of date", data=N_("stock"))
    assert text == "stock out of date"
    with use_language("ru"):
        assert text == "stock out of date"
        assert _(text) == "данные устарели: остатки"


def test_what_the_catalogue_does_not_have_stays_as_it_is() -> None:
    with use_language("ru"):
        assert [_(text) for text in ("", "Кружка", "no such message")] == ["", "Кружка", "no such message"]
        assert ngettext("one thing", "two things", 2) == "two things"
