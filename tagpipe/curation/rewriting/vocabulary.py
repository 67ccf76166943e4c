"""Edited entries back into the text of their file: what an edit does not touch keeps its bytes.

Of the file are kept: its form, the order of fields, indentation, what parts entries and names, line ends, a byte order
mark (CSV), the end of the file, and how characters are escaped. An entry that an edit changes keeps the fields, and a
list the names, that stay the same. An entry that is new is written as most entries of the file are.
"""

from __future__ import annotations

from collections.abc import Sequence

from tagpipe.curation.rewriting.csv_file import edit_csv, form_not_kept
from tagpipe.curation.rewriting.json_file import edit_json
from tagpipe.errors import InputError
from tagpipe.vocabulary.entries import Entry, read_entries


def write_entries(old: bytes, suffix: str, new: Sequence[Entry], *, file: str) -> bytes:
    """The file `old`, which `read_entries` reads, with the entries `new` in their order.

    An entry is found again by its tag; a tag that is gone and an alias of a new one was renamed to it. A column that
    CSV needs and has not is added at the end of every row. Reading the result gives `new` exactly.

    Raises EditRefused for what the form cannot hold (an alias with `|` in CSV), InputError as `read_entries` does.
    """
    entries = read_entries(old, suffix, file=file)
    if tuple(new) == entries:
        return old
    places = _find_places(entries, new)
    edit = edit_csv if suffix == ".csv" else edit_json
    text = edit(old.decode("utf-8"), suffix, entries, new, places, file=file)
    written = text.encode("utf-8")
    _check_written(written, suffix, new, file=file)
    return written


def _find_places(old: Sequence[Entry], new: Sequence[Entry]) -> list[int | None]:
    """For each new entry, the index of the old one that it was; None for one that is new."""
    place_of = {entry.tag: place for place, entry in enumerate(old)}
    gone = place_of.keys() - {entry.tag for entry in new}
    places = []
    for entry in new:
        place = place_of.get(entry.tag)
        if place is None:
            former = next((alias for alias in entry.aliases if alias in gone), None)
            gone -= {former}
            place = None if former is None else place_of[former]
        places.append(place)
    return places


def _check_written(written: bytes, suffix: str, new: Sequence[Entry], *, file: str) -> None:
    """Refuse to go on with bytes that say something else than they should, whatever the reason."""
    try:
        is_same = read_entries(written, suffix, file=file) == tuple(new)
    except InputError:
        is_same = False
    if not is_same:
        raise form_not_kept(file)
