"""A comparison as Markdown for a pull request's comment.

All public text stands in code spans: GitHub makes no link, mention or image of what is in code. Sizes are bounded
twice: each section draws rows until its own budget is spent, and whole sections go, the least important first, until
the page fits. Both say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tagpipe.comparison.document import DiffDocument
from tagpipe.render.diff.cells import Cell, DiffTable
from tagpipe.render.diff.sections import make_sections
from tagpipe.render.diff.verdict import Verdict, verdict_of
from tagpipe.render.text import code_span

MARKER = "<!-- tagpipe-diff -->"
"""First line of the comment, by which the one to update is found again."""

MAX_BYTES = 60_000
"""GitHub takes 65,536 characters."""

_MAX_ROWS = 20
_OPEN_BYTES = 5_500
_FOLDED_BYTES = 10_000
_NAMES_BYTES = 2_000
DROPPED_FIRST = (
    *("schema_changes", "out_of_vocabulary", "tags", "measures", "vocabulary", "sources"),
    *("projects", "signatures", "moves", "params"),
)
"""Folded sections, the least important first."""


@dataclass(frozen=True)
class _Drawn:
    """A section as Markdown."""

    key: str
    title: str
    text: str
    is_open: bool


def markdown_diff(document: DiffDocument) -> str:
    """The comparison in at most MAX_BYTES bytes."""
    head = _draw_verdict(verdict_of(document))
    drawn = [_draw_section(section) for section in make_sections(document)]
    left_out: list[_Drawn] = []
    for key in DROPPED_FIRST:
        if _n_bytes(page := _join(head, drawn, left_out)) <= MAX_BYTES:
            return page
        left_out += [section for section in drawn if section.key == key]
        drawn = [section for section in drawn if section.key != key]
    return _join(head, drawn, left_out)


def _join(head: str, drawn: list[_Drawn], left_out: list[_Drawn]) -> str:
    parts = [MARKER, head, *(section.text for section in drawn)]
    if left_out:
        names = ", ".join(section.title for section in left_out)
        n_all = len(left_out) + sum(not section.is_open for section in drawn)
        parts.append(f"Left out, for the comment would be too long: {len(left_out)} of {n_all} tables ({names}).")
    return "\n\n".join(parts) + "\n"


def _draw_verdict(verdict: Verdict) -> str:
    sign = "✅" if verdict.tone == "good" else "❌"
    parts = [f"### {sign} {verdict.headline}", _draw_cell(verdict.detail), _draw_cell(verdict.summary)]
    return "\n\n".join(part for part in parts if part)


def _draw_section(section: DiffTable) -> _Drawn:
    rows = _fit_rows(section)
    title = section.heading(len(rows))
    blocks = [_draw_table(section, rows)] if rows else [section.if_empty] if section.if_empty else []
    blocks += list(_take(map(_draw_cell, section.notes), _NAMES_BYTES))
    body = "\n\n".join(blocks)
    if not section.is_open:
        text = f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
    else:
        text = f"#### {title}\n\n{body}" if title else body
    return _Drawn(section.key, section.title, text, section.is_open)


def _fit_rows(section: DiffTable) -> list[str]:
    rows = (_draw_row([_draw_cell(cell) for cell in row]) for row in section.rows[:_MAX_ROWS])
    return list(_take(rows, _OPEN_BYTES if section.is_open else _FOLDED_BYTES))


def _take(texts: Iterator[str], budget: int) -> Iterator[str]:
    """The first texts that have at most `budget` bytes together."""
    for text in texts:
        budget -= _n_bytes(text) + 1
        if budget < 0:
            return
        yield text


def _draw_table(section: DiffTable, rows: list[str]) -> str:
    names = _draw_row([column.name for column in section.columns])
    rules = "|" + "|".join("---:" if column.is_number else "---" for column in section.columns) + "|"
    return "\n".join([names, rules, *rows])


def _draw_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _draw_cell(cell: Cell) -> str:
    return "".join(code_span(part.text) if part.is_public else part.text for part in cell)


def _n_bytes(text: str) -> int:
    return len(text.encode("utf-8"))
