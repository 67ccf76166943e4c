"""The one form in which tagpipe writes a vocabulary or a curation list, whatever it looked like before.

Order stays as it is. UTF-8 without a byte order mark, `\n` at the end of every line, an entry a line: an edit of a file
that is in this form gives a small git diff. A file in another form is rewritten whole by its first edit.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from tagpipe.errors import EditRefused, InputError, escape_shown
from tagpipe.vocabulary.curation_lists import ListName, dump_lists, parse_lists
from tagpipe.vocabulary.entries import LIST_SEPARATOR, Entry, read_entries

FORMS = ("json-object", "json-list", "ndjson", "csv")

HIDDEN_CHARACTERS = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
"""What an editor does not show, or what changes the order of what it shows: JSON and SKOS have it as escapes."""

_HIDDEN = re.compile(f"[{HIDDEN_CHARACTERS}]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_OPTIONAL = ("deprecated", "replaced_by")


# Vocabularies


def rewrite_vocabulary(old: bytes, suffix: str, entries: Sequence[Entry], *, file: str) -> bytes:
    """The file `old`, which `read_entries` reads, in canonical form and with other entries.

    Raises EditRefused for entries that the form cannot hold, such as an alias with `|` in CSV.
    """
    written = write_vocabulary(entries, _form_of(old, suffix), file=file)
    # Reading it again finds whatever the form cannot hold, such as a blank alias in CSV.
    try:
        is_same = read_entries(written, suffix, file=file) == tuple(entries)
    except InputError:
        is_same = False
    if not is_same:
        raise EditRefused(
            "the entries cannot be written in the form of this file",
            file=file,
            fix="Keep the vocabulary as JSON or NDJSON, or name them otherwise",
        )
    return written


def write_vocabulary(entries: Sequence[Entry], form: str, *, file: str | None = None) -> bytes:
    """The entries in one of FORMS. Raises EditRefused for an alias or parent with `|` in CSV."""
    if form == "csv":
        return _write_csv(entries, file=file)
    trees = [_tree_of(entry) for entry in entries]
    if form == "json-object":
        return _enclose("{", [f"{_dump(tree.pop('tag'))}: {_dump(tree)}" for tree in trees], "}")
    if form == "json-list":
        return _enclose("[", list(map(_dump, trees)), "]")
    return "".join(f"{_dump(tree)}\n" for tree in trees).encode("utf-8")


def _form_of(data: bytes, suffix: str) -> str:
    if suffix == ".csv":
        return "csv"
    if suffix != ".json":
        return "ndjson"
    return "json-list" if data.lstrip().startswith(b"[") else "json-object"


def _tree_of(entry: Entry) -> dict[str, Any]:
    optional = {name: value for name in _OPTIONAL if (value := getattr(entry, name))}
    return {"tag": entry.tag, "aliases": list(entry.aliases), "parents": list(entry.parents), **optional}


def _dump(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _HIDDEN.sub(lambda character: f"\\u{ord(character[0]):04x}", text)


def _enclose(first: str, lines: Sequence[str], last: str) -> bytes:
    body = ",\n".join(f"  {line}" for line in lines)
    return (f"{first}\n{body}\n{last}\n" if lines else f"{first}{last}\n").encode("utf-8")


def _write_csv(entries: Sequence[Entry], *, file: str | None) -> bytes:
    _check_separators(entries, file=file)
    optional = [name for name in _OPTIONAL if any(getattr(entry, name) for entry in entries)]
    names = ["tag", "aliases", "parents", *optional]
    rows = [[_write_cell(getattr(entry, name)) for name in names] for entry in entries]
    return "".join(",".join(row) + "\n" for row in [names, *rows]).encode("utf-8")


def _check_separators(entries: Sequence[Entry], *, file: str | None) -> None:
    for entry in entries:
        for field, names in (("aliases", entry.aliases), ("parents", entry.parents)):
            if name := next((name for name in names if LIST_SEPARATOR in name), None):
                raise EditRefused(
                    f"CSV separates names by {LIST_SEPARATOR}, so no name can contain it",
                    file=file,
                    field=f"{field} of {escape_shown(entry.tag)}",
                    found=escape_shown(name),
                    fix="Keep the vocabulary as JSON or NDJSON, or name it otherwise",
                )


def _write_cell(value: object) -> str:
    # Not csv.writer: which cells it quotes depends on the version of Python (a lone \r from 3.13 on).
    if isinstance(value, tuple):
        value = LIST_SEPARATOR.join(value)
    text = "true" if value is True else str(value or "")
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


# Curation lists


def rewrite_list(old: bytes, field: ListName, *added: str | list[str], file: str) -> bytes:
    """The file of a curation list in canonical form, with further elements in the list `field`.

    A list that is ascending stays so; to any other, elements are added at the end. Raises InputError as `parse_lists`.
    """
    lists = parse_lists(old, field, file=file)
    for element in added:
        elements = lists[field]
        # Elements are of one type (texts, or pairs of texts), which parse_lists has checked.
        place = bisect_left(elements, element) if elements == sorted(elements) else len(elements)
        elements.insert(place, element)
    return dump_lists(lists)
