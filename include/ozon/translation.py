"""The languages in which the package speaks to people: English in the code, Russian in a gettext catalogue.

The current language belongs to the context (thread or asyncio task), as in Babel's and Django's web integrations: code
that makes texts for a person runs inside `use_language`, everything else stays English. Texts that are written once and
shown later, such as a rule's title, are marked with `N_` and translated with `_` where they are shown.
Babel and Jinja2 are imported inside the functions: parsing a DAG needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

if TYPE_CHECKING:
    from jinja2 import Environment

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

CATALOGUES = Path(__file__).parent / "locales"

_language: ContextVar[Language] = ContextVar("language", default="en")


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Make texts, numbers and moments in this language inside the block."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current_language() -> Language:
    return _language.get()


def gettext(message: str) -> str:
    """Return the message in the current language; unchanged if the catalogue does not have it."""
    if isinstance(message, _Marked):
        return gettext(message.message).format(**{name: gettext(value) for name, value in message.values.items()})
    # The empty message is the catalogue's header.
    return _translations(_language.get()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the form for this count: one product, 2 products; 1 товар, 2 товара, 5 товаров."""
    return _translations(_language.get()).ngettext(singular, plural, count)


def pgettext(context: str, message: str) -> str:
    """Return the message as it reads in this context, for words that differ: a visible product, visible stock."""
    return _translations(_language.get()).pgettext(context, message)


class _Marked(str):
    """A text in English that remembers its message and the values in it, so that it can be translated later."""

    message: str
    values: Mapping[str, str]

    def __new__(cls, message: str, values: Mapping[str, str]) -> Self:
        marked = super().__new__(cls, message.format(**values))
        marked.message = message
        marked.values = values
        return marked


def mark(message: str, **values: str) -> str:
    """Return the message in English; marks it for the catalogue where it is written before it is shown.

    Values that fill its placeholders are translated with it.
    """
    return _Marked(message, values) if values else message


_ = gettext
N_ = mark


@dataclass(frozen=True)
class Translated:
    """A text in every language, for one that is made before it is known who reads it; as ``str`` in the current one."""

    en: str
    ru: str

    def __str__(self) -> str:
        text: str = getattr(self, _language.get())
        return text


def in_every_language(make: Callable[[], Iterable[str]]) -> tuple[Translated, ...]:
    """Return the lines that ``make`` returns, in every language; it has to return as many in each."""
    lines = {}
    for language in LANGUAGES:
        with use_language(language):
            lines[language] = list(make())
    return tuple(Translated(en, ru) for en, ru in zip(lines["en"], lines["ru"], strict=True))


def templates_of(*packages: str, **options: Any) -> Environment:
    """Return the packages' templates, which translate with ``_`` and ``{% trans %}`` and escape every value in HTML.

    ``options`` are further ones of Jinja2's Environment.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(gettext, ngettext, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    return environment


@cache
def _translations(language: Language) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (CATALOGUES / language / "LC_MESSAGES" / "ozon.po").open("rb") as catalogue:
        write_mo(compiled, read_po(catalogue, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
