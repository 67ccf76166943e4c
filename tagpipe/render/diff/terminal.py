"""A comparison on a terminal: compact tables that read well in 80 columns. Colours only repeat what the words say."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tagpipe.comparison.document import DiffDocument
from tagpipe.render.diff.cells import Cell, DiffTable, Tone
from tagpipe.render.diff.sections import make_sections
from tagpipe.render.diff.verdict import verdict_of
from tagpipe.render.text import EMPTY, MAX_SHOWN, shorten

_MAX_ROWS = 10
_MAX_CHARS = 40
_MAX_WORD = 32
"""Widest word, in terminal cells, that is not folded."""

_STYLES: dict[Tone, str] = {"": "", "good": "green", "bad": "red", "dim": "dim"}


def render_diff(document: DiffDocument) -> RenderableType:
    """The comparison."""
    verdict = verdict_of(document)
    headline = Text(verdict.headline, f"bold {_STYLES[verdict.tone]}")
    if verdict.detail:
        headline = Text.assemble(headline, ": ", _draw_cell(verdict.detail))
    parts: list[RenderableType] = [headline, _draw_cell(verdict.summary)]
    for section in make_sections(document):
        parts += [Text(), *_draw_section(section)]
    return Group(*parts)


def _draw_section(section: DiffTable) -> list[RenderableType]:
    rows = section.rows[:_MAX_ROWS]
    title = section.heading(len(rows))
    if not rows and not section.notes:
        return [Text.assemble((title, "bold"), ": ", section.if_empty.lower())]
    parts: list[RenderableType] = [Text(title, "bold")] if title else []
    parts.append(_draw_table(section, rows) if rows else Text(section.if_empty))
    return parts + [_draw_cell(note, style="dim", limit=MAX_SHOWN) for note in section.notes]


def _draw_table(section: DiffTable, rows: Sequence[tuple[Cell, ...]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    drawn = [[*map(_draw_cell, row)] for row in rows]
    for index, column in enumerate(section.columns):
        # Rich narrows a table by folding its widest columns, through the middle of words.
        longest = max(cell_len(word) for row in drawn for word in row[index].plain.split() or [""])
        table.add_column(
            column.name,
            justify="right" if column.is_number else "left",
            overflow="fold",
            min_width=min(longest, _MAX_WORD),
        )
    for cells in drawn:
        table.add_row(*cells)
    return table


def _draw_cell(cell: Cell, style: str = "", limit: int = _MAX_CHARS) -> Text:
    text = Text(style=style)
    for part in cell:
        shown = (shorten(part.text, limit) or EMPTY) if part.is_public else part.text
        text.append(shown, _STYLES[part.tone])
    return text
