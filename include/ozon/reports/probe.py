"""The report of `ozon probe`, as Markdown to paste into an issue and as JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from include.ozon import __version__
from include.ozon.diagnosis.probe import ProbeReport
from include.ozon.diagnosis.probed_answer import ProbedAnswer
from include.ozon.generated_pages import table
from include.ozon.marketplace.shape import FieldShape
from include.ozon.reports.envelope import in_envelope
from include.ozon.words import size

_INTRODUCTION = (
    "One page of every method that the load uses. The catalogue's values are left out: numbers are replaced by shares "
    "and orders of magnitude, texts by classes, and only Ozon's own words are shown. Read it before you send it."
)


def probe_document(report: ProbeReport, today: date) -> dict[str, Any]:
    return in_envelope("probe", {**_origin(today), **asdict(report)})


def probe_markdown(report: ProbeReport, today: date) -> str:
    """Return the report as Markdown; Ozon's texts in it are not interpreted as Markdown."""
    origin = ", ".join(f"{name} {value}" for name, value in _origin(today).items())
    return "\n".join(["# ozon probe", "", f"{origin}.", "", _INTRODUCTION, "", *_lines(report)])


def _origin(today: date) -> dict[str, str]:
    return {"ozon-etl": __version__, "python": platform.python_version(), "date": today.isoformat()}


def _lines(report: ProbeReport) -> Iterator[str]:
    header = ("method", "request", "HTTP", "answer", "seconds", "entries", "total_items", "read by this version as")
    yield table(header, map(_summary, report.answers))
    yield from (f"- {sentence}" for sentence in report.comparisons)
    for answer in report.answers:
        if answer.http_status is not None and (answer.problem or answer.envelope or answer.fields):
            yield f"\n## {answer.path}{', ' if answer.request else ''}{answer.request}\n"
            yield from _answer(answer)


def _summary(answer: ProbedAnswer) -> tuple[str, ...]:
    if answer.http_status is None:
        got = answer.problem
    else:
        got = f"{answer.body or '-'}, {size(answer.size_bytes)}, {answer.content_type}, server {answer.server}"
    return (
        answer.path,
        answer.request,
        str(answer.http_status or "-"),
        got,
        f"{answer.seconds:.2f}",
        answer.entries,
        answer.total_items,
        answer.read_as,
    )


def _answer(answer: ProbedAnswer) -> Iterator[str]:
    if answer.problem:
        yield f"Error: {answer.problem}\n"
    if answer.envelope:
        yield f"Envelope: {'; '.join(f'{_path(shape)} {_shares(shape.kinds)}' for shape in answer.envelope)}\n"
    if answer.fields:
        yield table(("field", "by this version", "what came", "words"), _rows(answer.fields))


def _rows(fields: Sequence[FieldShape]) -> Iterable[tuple[str, ...]]:
    for shape in fields:
        words = ", ".join(f'`"{word}"` {count}' for word, count in shape.words.items())
        yield _path(shape), shape.use, _shares(shape.kinds), words


def _path(shape: FieldShape) -> str:
    return f"`{shape.path}`"


def _shares(kinds: dict[str, str]) -> str:
    return ", ".join(f"{kind} {share}" for kind, share in kinds.items())
