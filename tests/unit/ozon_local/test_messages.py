"""The catalogues of translations, compared with the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ozon_local import messages

MODULE = """
from include.ozon.translation import N_, _, ngettext, pgettext
title = N_("{data} out of date", data=N_("stock"))
step = N_("Run `ozon runs`, " "then look at ozon_api_<account>.")
count = ngettext("{count} product", "{count} products", 2).format(count=2)
state = pgettext("stock", "visible")
"""
PAGE = """
<p>{{ _("What to do") }}</p>
<p>{% trans name=account.title %}Account {{ name }}{% endtrans %}</p>
"""
RUSSIAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

#: include/module.py
#, python-brace-format
msgid "{data} out of date"
msgstr "данные устарели: {data}"

#: include/module.py
msgid "stock"
msgstr "остатки"

#: include/module.py
msgid "Run `ozon runs`, then look at ozon_api_<account>."
msgstr "Выполните `ozon runs`, затем посмотрите ozon_api_<account>."

#: include/module.py
msgid "{count} product"
msgid_plural "{count} products"
msgstr[0] "{count} товар"
msgstr[1] "{count} товара"
msgstr[2] "{count} товаров"

#: include/module.py
msgctxt "stock"
msgid "visible"
msgstr "видимый"

#: plugins/templates/page.html
msgid "What to do"
msgstr "Что делать"

#: plugins/templates/page.html
msgid "Account %(name)s"
msgstr "Кабинет %(name)s"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a module, a template, and a catalogue that has all of their messages."""
    for file, text in {
        "include/module.py": MODULE,
        "plugins/templates/page.html": PAGE,
        "locales/ru/LC_MESSAGES/ozon.po": RUSSIAN,
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    return tmp_path


def run(project: Path, *arguments: str) -> int:
    return messages.main(list(arguments), project, project / "locales")


def edit(project: Path, old: str, new: str) -> None:
    path = catalogue(project)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def catalogue(project: Path) -> Path:
    return project / "locales/ru/LC_MESSAGES/ozon.po"


def test_a_complete_catalogue_has_no_problem(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, "--check") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('msgid "What to do"', 'msgid "What to see"', "missing 'What to do' in plugins/templates/page.html"),
        ('msgid "What to do"', 'msgid "What to see"', "unused 'What to see' in plugins/templates/page.html"),
        ('msgstr "остатки"', 'msgstr ""', "untranslated 'stock' in include/module.py"),
        ('"{count} товаров"', '""', "untranslated '{count} product' in include/module.py"),
        ('msgid "stock"', '#, fuzzy\nmsgid "stock"', "fuzzy 'stock' in include/module.py"),
        ('msgctxt "stock"', 'msgctxt "price"', "missing 'visible' (stock) in include/module.py"),
        ("устарели: {data}", "устарели: {date}", "expected {data}, found {date} in the translation of"),
        ("{count} товара", "товара", "expected {count}, found none in the translation of '{count} product'"),
        ("Кабинет %(name)s", "Кабинет %(title)s", "expected %(name)s, found %(title)s in the translation of"),
        ("Выполните `ozon runs`", "Выполните `ozon run`", "found <account>, `ozon run` in the translation of"),
        ("ozon_api_<account>.\"\n\n", "ozon_api.\"\n\n", "expected <account>, `ozon runs`, found `ozon runs` in"),
    ],
)  # fmt: skip
def test_each_problem_is_found(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, problem: str
) -> None:
    edit(project, old, new)

    assert run(project, "--check") == 1
    lines = capsys.readouterr().err.splitlines()[:-1]
    assert all(line.startswith("ru/LC_MESSAGES/ozon.po: ") for line in lines)
    assert any(problem in line for line in lines)


def test_an_update_adds_and_deletes_messages_and_keeps_translations(project: Path) -> None:
    edit(project, 'msgid "What to do"', 'msgid "What to see"')

    assert run(project) == 0
    text = catalogue(project).read_text(encoding="utf-8")
    assert '#: plugins/templates/page.html\nmsgid "What to do"\nmsgstr ""\n' in text
    assert "What to see" not in text
    assert 'msgstr "данные устарели: {data}"' in text
    assert "Date" not in text

    assert run(project, "--check") == 1


def test_a_second_update_changes_nothing(project: Path) -> None:
    run(project)
    text = catalogue(project).read_text(encoding="utf-8")
    run(project)

    assert catalogue(project).read_text(encoding="utf-8") == text
    moved = project / "include/module.py"
    moved.write_text("\n\n\n" + moved.read_text(encoding="utf-8"), encoding="utf-8")
    run(project)
    assert catalogue(project).read_text(encoding="utf-8") == text
