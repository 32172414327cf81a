"""The shape of JSON without its values: the fields, their types and classes, and their frequency.

Only the class of a value is kept. Texts are shown only for the fields that the caller names, which contain Ozon's own
words, and only if they look like such words (``redaction``). A field's name is shown only if it looks like one.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import inspect

from include.ozon.marketplace.redaction import Redactor, is_method

Use = Literal["required", "used", "not used"]

_MAX_DEPTH = 10
# Objects with more names, or fields with more words, than any of Ozon's contain the seller's data.
_MAX_NAMES_COUNT = 100
_MAX_WORDS_COUNT = 40
_MAX_STORED_INTEGER = 2**63 - 1
_LONGEST_TEXT = 500
_NAME = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,3}")
_TEXT_CLASSES = {
    "empty": r"",
    "blank": r"\s+",
    "integer text": r"[+-]?[0-9]+",
    "decimal text": r"[+-]?[0-9]*\.[0-9]+",
    "decimal text with a comma": r"[+-]?[0-9]+,[0-9]+",
    "zero moment": r"0001-01-01[T ].{1,30}",
    "moment": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(?:Z|[+-][0-9]{2}:[0-9]{2})",
    "moment with a space": r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{5,20} ?(?:Z|[+-][0-9:]{2,5})?",
    "moment without a zone": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "URL": r"(?i:https?://|www\.).*",
}
_CLASS_OF_TEXT = re.compile("|".join(f"({pattern})" for pattern in _TEXT_CLASSES.values()), re.DOTALL)
_SCRIPTS = {"LATIN": "latin", "CYRILLIC": "cyrillic", "CJK": "han"}


@dataclass(frozen=True)
class FieldShape:
    """One field of all entries: ``path`` is like ``errors[].texts.message``.

    ``kinds`` maps the classes of its values to their share of the objects that have the field; ``words`` maps Ozon's
    own words to a coarse count.
    """

    path: str
    use: Use
    kinds: dict[str, str]
    words: dict[str, str]


def describe(
    entries: Iterable[Any],
    answer_type: Any = None,
    *,
    words: Collection[str] = (),
    redactor: Redactor,
    skip: str = "",
) -> list[FieldShape]:
    """Return the fields of ``entries``; those that this version uses come first.

    ``answer_type`` is the type of an entry in this version: fields that it lacks are "not used". ``words`` are the
    paths of Ozon's own words; everything below the path ``skip`` is left out.
    """
    tally = _Tally(frozenset(words), skip, redactor)
    for entry in entries:
        tally.add("", entry, 0)
    expected = expected_fields(answer_type) if answer_type is not None else {}
    found = [_field(path, tally, expected, redactor) for path in _paths(tally, expected)]
    return sorted(found, key=lambda shape: (shape.use == "not used", shape.path))


def expected_fields(answer_type: Any) -> dict[str, bool]:
    """Return the paths of all fields of a type, each with whether it is required."""
    found: dict[str, bool] = {}
    _collect_fields(inspect.type_info(answer_type), "", found)
    return found


def coarse(count: int) -> str:
    """Return a number's order of magnitude: 0, 1, 2-9, 10-99, 100-999 and so on."""
    if count < 2:
        return str(count)
    digits = len(str(count))
    return f"{max(2, 10 ** (digits - 1))}-{10**digits - 1}"


def share(count: int, total: int) -> str:
    """Return a share in whole per cent; 0 % and 100 % only for exact values."""
    if count in (0, total):
        return "100 %" if count else "0 %"
    pct = 100 * count / total
    return "<1 %" if pct < 1 else ">99 %" if pct > 99 else f"{pct:.0f} %"


def kind_of(value: Any) -> str:
    """Return the class of a JSON value."""
    match value:
        case None | True | False:
            return json.dumps(value)
        case int():
            return _kind_of_integer(value)
        case float():
            return _kind_of_float(value)
        case str():
            return _kind_of_text(value)
        case list():
            return "array" if value else "empty array"
        case _:
            return "object" if value else "empty object"


def _kind_of_integer(value: int) -> str:
    if abs(value) > _MAX_STORED_INTEGER:
        return "integer beyond 64 bits"
    return "negative integer" if value < 0 else "integer" if value else "zero"


def _kind_of_float(value: float) -> str:
    if not math.isfinite(value):
        return "number beyond a float"
    sign = "negative " if value < 0 else ""
    return f"{sign}whole float" if value.is_integer() else f"{sign}float"


def _kind_of_text(text: str) -> str:
    match = _CLASS_OF_TEXT.fullmatch(text)
    if match and match.lastindex:
        return list(_TEXT_CLASSES)[match.lastindex - 1]
    letters = {_script(character) for character in text[:_LONGEST_TEXT] if character.isalpha()}
    kind = f"text ({'+'.join(sorted(letters)) or 'no letters'})"
    if len(text) > _LONGEST_TEXT:
        kind += f" over {_LONGEST_TEXT} characters"
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t" for character in text):
        kind += " with control characters"
    return kind if text == text.strip() else f"{kind} with spaces around"


def _script(character: str) -> str:
    name = unicodedata.name(character, "").partition(" ")[0]
    return _SCRIPTS.get(name, "other")


class _Tally:
    """Counts of the values found at each path."""

    def __init__(self, words: frozenset[str], skip: str, redactor: Redactor) -> None:
        self._words = words
        self._skip = skip
        self._redactor = redactor
        self._names: dict[str, str] = {}
        self.kinds: dict[str, Counter[str]] = {}
        self.texts: dict[str, Counter[str]] = {}
        self.children: dict[str, dict[str, None]] = {}

    def add(self, path: str, value: Any, depth: int) -> None:
        self.kinds.setdefault(path, Counter())[kind_of(value)] += 1
        if isinstance(value, str) and path in self._words:
            self.texts.setdefault(path, Counter())[value] += 1
        if depth == _MAX_DEPTH:
            return
        if isinstance(value, dict):
            for name, inner in value.items():
                below = _below(path, self._shown_name(name))
                self.children.setdefault(path, {})[below] = None
                self.add(below, inner, depth + 1)
        elif isinstance(value, list) and f"{path}[]" != self._skip:
            for inner in value:
                self.children.setdefault(path, {})[f"{path}[]"] = None
                self.add(f"{path}[]", inner, depth + 1)

    def _shown_name(self, name: str) -> str:
        if name not in self._names:
            is_shown = _NAME.fullmatch(name) and self._redactor.is_word(name)
            self._names[name] = name if is_shown else f"<{_kind_of_text(name)}>"
        return self._names[name]

    def objects_count(self, path: str) -> int:
        kinds = self.kinds.get(path, Counter())
        return kinds["object"] + kinds["empty object"]


def _paths(tally: _Tally, expected: dict[str, bool]) -> Iterator[str]:
    """Yield the paths that were found, and the missing ones that were expected in a found object."""
    if set(tally.kinds.get("", ())) - {"object"}:
        yield ""
    waiting = [""]
    while waiting:
        path = waiting.pop()
        found = list(tally.children.get(path, ()))
        if len(found) > _MAX_NAMES_COUNT:
            found = [name for name in found if name in expected]
        yield from found
        waiting += found
    for path in expected:
        if path not in tally.kinds and not path.endswith("[]") and tally.objects_count(_parent(path)):
            yield path


def _field(path: str, tally: _Tally, expected: dict[str, bool], redactor: Redactor) -> FieldShape:
    kinds = tally.kinds.get(path, Counter())
    total = kinds.total()
    if path and not path.endswith("[]"):
        total = max(total, tally.objects_count(_parent(path)))
    counted = [*kinds.most_common(), ("missing", total - kinds.total())]
    if len(tally.children.get(path, ())) > _MAX_NAMES_COUNT:
        counted = [(kind.replace("object", f"object of over {_MAX_NAMES_COUNT} names"), n) for kind, n in counted]
    use: Use = ("required" if expected[path] else "used") if path in expected else "not used"
    if not path:
        use = "required"
    return FieldShape(
        path=path or "the entry",
        use=use,
        kinds={kind: share(count, total) for kind, count in counted if count},
        words=_shown_words(tally.texts.get(path, Counter()), redactor),
    )


def _shown_words(texts: Counter[str], redactor: Redactor) -> dict[str, str]:
    words = [text for text in texts if is_method(text) or len(texts) <= _MAX_WORDS_COUNT]
    return {text: coarse(count) for text, count in texts.most_common() if text in words and redactor.is_word(text)}


def _collect_fields(kind: inspect.Type, path: str, found: dict[str, bool]) -> None:
    match kind:
        case inspect.Metadata():
            _collect_fields(kind.type, path, found)
        case inspect.UnionType():
            for each in kind.types:
                _collect_fields(each, path, found)
        case inspect.ListType():
            found[f"{path}[]"] = False
            _collect_fields(kind.item_type, f"{path}[]", found)
        case inspect.StructType():
            for field in kind.fields:
                below = _below(path, field.encode_name)
                found[below] = field.required
                _collect_fields(field.type, below, found)
        case _:
            pass


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _parent(path: str) -> str:
    """Return the path of the object that contains the field; names have no dots."""
    return path.rpartition(".")[0]
