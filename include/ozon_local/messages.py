"""The catalogues of translations, kept in step with the code: ``python -m include.ozon_local.messages``.

Without an option it adds new messages to each catalogue, untranslated, and deletes those that the code no longer has.
With ``--check`` it only compares and lists what is wrong; the exit code is 1 if anything is.
A catalogue is sorted and names files without lines, so that its differences are small.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from include.ozon.translation import CATALOGUES
from include.ozon_local.home import ROOT

_FOLDERS = ("include", "plugins")
_METHODS = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"silent": "false"}, "**/templates/**.txt": {"silent": "false"}}
_FUNCTIONS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "mark": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
# Besides placeholders: a command, setting or table in backticks, and `<account>`, are the same in every language.
_FIXED = re.compile(r"%\(\w+\)[a-z]|\{\w*\}|<\w+>|`[^`]+`")
_WIDTH = 120

Texts = tuple[str, ...]


def extract(root: Path, folders: tuple[str, ...] = _FOLDERS) -> Catalog:
    """Return the messages of all modules and templates, with the files that have them."""
    messages = Catalog()
    for folder in folders:
        found = extract_from_dir(
            root / folder, method_map=_METHODS, options_map=_OPTIONS, keywords=_FUNCTIONS, directory_filter=_is_source
        )
        for name, _, texts, _, context in found:
            messages.add(texts, locations=[(f"{folder}/{name}", 0)], context=context)
    return messages


def _is_source(folder: str) -> bool:
    return not Path(folder).name.startswith((".", "__"))


def updated(catalogue: Catalog, extracted: Catalog) -> Catalog:
    """Return the catalogue with the extracted messages: translated as before, or not yet."""
    result = Catalog(locale=catalogue.locale)
    for message in _messages(extracted):
        before = catalogue.get(message.id, message.context)
        result.add(
            message.id,
            before.string if before else "",
            locations=[(file, 0) for file in sorted({file for file, _ in message.locations})],
            flags={"fuzzy"} if before and before.fuzzy else (),
            user_comments=before.user_comments if before else (),
            context=message.context,
        )
    return result


def problems(catalogue: Catalog, extracted: Catalog) -> Iterator[str]:
    """Yield a line for each message that is missing, unused, untranslated, fuzzy, or differs in its placeholders."""
    known = {_key(message): message for message in _messages(catalogue)}
    used = {_key(message): message for message in _messages(extracted)}
    for key in sorted(used.keys() | known.keys()):
        if key not in known:
            yield _line("missing", used[key])
        elif key not in used:
            yield _line("unused", known[key])
        elif not all(_translations(known[key])):
            yield _line("untranslated", used[key])
        elif known[key].fuzzy:
            yield _line("fuzzy", used[key])
        else:
            yield from (_line(f"{found} in the translation of", used[key]) for found in _differences(known[key]))


def _differences(message: Message) -> Iterator[str]:
    """Yield a description of each translation whose placeholders, commands or markup differ from the message's."""
    # A plural's forms may leave the number out, or write it differently: "one product".
    originals = [Counter(_FIXED.findall(text)) for text in _texts(message)]
    for translation in _translations(message):
        found = Counter(_FIXED.findall(translation))
        if found not in originals:
            expected = ", ".join(sorted(originals[-1].elements())) or "no placeholder"
            yield f"expected {expected}, found {', '.join(sorted(found.elements())) or 'none'}"


def read(path: Path) -> Catalog:
    """Read a catalogue, whose folder is the language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def write(catalogue: Catalog, path: Path) -> None:
    """Write a catalogue with a header that does not change from one time to the next."""
    body = BytesIO()
    write_po(
        body,
        catalogue,
        width=_WIDTH,
        sort_output=True,
        omit_header=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    header = (
        'msgid ""\nmsgstr ""\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Language: {catalogue.locale}\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    path.write_text(header + body.getvalue().decode().rstrip("\n") + "\n", encoding="utf-8")


def main(arguments: list[str], root: Path = ROOT, catalogues: Path = CATALOGUES) -> int:
    extracted = extract(root)
    found = []
    for path in sorted(catalogues.glob("*/LC_MESSAGES/*.po")):
        catalogue = read(path)
        if "--check" not in arguments:
            catalogue = updated(catalogue, extracted)
            write(catalogue, path)
        found += [f"{path.relative_to(catalogues)}: {problem}" for problem in problems(catalogue, extracted)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    if found and "--check" in arguments:
        print(
            f"{len(found)} problems. `python -m include.ozon_local.messages` adds and deletes messages; translate them "
            "in the .po file.",
            file=sys.stderr,
        )
    return 1 if found and "--check" in arguments else 0


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _key(message: Message) -> tuple[str, str]:
    return _texts(message)[0], message.context or ""


def _texts(message: Message) -> Texts:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else (message.id,)


def _translations(message: Message) -> Texts:
    return tuple(message.string) if isinstance(message.string, (list, tuple)) else (message.string or "",)


def _line(problem: str, message: Message) -> str:
    files = ", ".join(sorted({file for file, _ in message.locations}))
    context = f" ({message.context})" if message.context else ""
    return f"{problem} {_texts(message)[0]!r}{context}" + (f" in {files}" if files else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
