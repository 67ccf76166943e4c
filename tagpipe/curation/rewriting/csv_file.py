"""The text of a vocabulary in CSV, edited in place: `vocabulary_text` says what is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tagpipe.curation.rewriting.text_runs import Placed, most_common, read_run, write_run
from tagpipe.errors import EditRefused, escape_shown
from tagpipe.vocabulary.entries import LIST_SEPARATOR, Entry

_CELL = re.compile(r'"(?:[^"]++|"")*+"|[^,\r\n]*+')
_LINE_END = re.compile(r"\r\n|\n|\r")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_OPTIONAL = ("aliases", "parents", "deprecated", "replaced_by")


@dataclass(frozen=True)
class _Row:
    """A row at text[start:end]; its cells as they are written."""

    start: int
    end: int
    cells: tuple[str, ...]


def write_cell(value: object, *, quoted: bool = False) -> str:
    """A cell; in quotation marks where it needs them, or is to have them."""
    if isinstance(value, tuple):
        text = LIST_SEPARATOR.join(value)
    elif isinstance(value, bool):
        text = "true" if value else ""
    else:
        text = str(value or "")
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if quoted or _NEEDS_QUOTES.search(text) else text


def check_separators(entries: Sequence[Entry], *, file: str | None) -> None:
    """Raise EditRefused for a name that a cell with a list of names cannot hold."""
    for entry in entries:
        for field, names in (("aliases", entry.aliases), ("parents", entry.parents)):
            for name in names:
                if LIST_SEPARATOR in name:
                    raise EditRefused(
                        f"CSV parts names by {LIST_SEPARATOR}, so that none may hold it",
                        file=file,
                        field=f"{field} of {escape_shown(entry.tag)}",
                        found=escape_shown(name),
                        fix="Keep the vocabulary as JSON or NDJSON, or name it otherwise",
                    )


def form_not_kept(file: str) -> EditRefused:
    """The error for a file whose text says the same in a way that is not read here, such as quotes within a cell."""
    return EditRefused(
        "the file is written in a way that this edit cannot keep",
        file=file,
        fix="Export the vocabulary once in this form, and use the exported file",
    )


def edit_csv(
    text: str, suffix: str, old: Sequence[Entry], new: Sequence[Entry], places: Sequence[int | None], *, file: str
) -> str:
    """`text` with the entries `new`; places: which of `old` each of them was. Raises EditRefused for `|` in a name."""
    del suffix
    check_separators(new, file=file)
    header, *rows = _scan(text)
    if any(len(row.cells) != len(header.cells) for row in rows) or len(rows) != len(old):
        raise form_not_kept(file)
    names = [cell.removeprefix('"').removesuffix('"') for cell in header.cells]
    added = [name for name in _OPTIONAL if name not in names and any(getattr(entry, name) for entry in new)]
    all_quoted = all(cell.startswith('"') for row in (header, *rows) for cell in row.cells)
    items = []
    for place, entry in zip(places, new, strict=True):
        if place is None:
            cells = [write_cell(getattr(entry, name), quoted=all_quoted) for name in names]
        else:
            cells = [
                cell
                if getattr(old[place], name) == getattr(entry, name)
                else write_cell(getattr(entry, name), quoted=cell.startswith('"'))
                for name, cell in zip(names, rows[place].cells, strict=True)
            ]
        cells += [write_cell(getattr(entry, name), quoted=all_quoted) for name in added]
        items.append(Placed(",".join(cells), place))
    run = read_run(text, header.end, len(text), [(row.start, row.end) for row in rows], at=len(text))
    line_end = most_common(_LINE_END.findall(text[header.end :]), "\n")
    head = ",".join([text[: header.end], *(write_cell(name, quoted=all_quoted) for name in added)])
    return head + ("" if rows or run.head else line_end) + write_run(run, items, part=line_end)


def _scan(text: str) -> list[_Row]:
    """The header and the rows. Blank lines are between them."""
    rows: list[_Row] = []
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        if ends := _LINE_END.match(text, at):
            at = ends.end()
            continue
        start, cells = at, []
        while True:
            match = _CELL.match(text, at)
            assert match is not None
            cells.append(match[0])
            at = match.end()
            if not text.startswith(",", at):
                break
            at += 1
        rows.append(_Row(start, at, tuple(cells)))
        if at < len(text) and not _LINE_END.match(text, at):
            break  # text behind a closing quotation mark: there are then fewer rows than were read
    return rows
