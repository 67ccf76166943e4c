"""The entries of a vocabulary file as they were written: every file form is read, nothing resolved or reordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagpipe.errors import InputError, escape_shown
from tagpipe.formats.strict_json import parse_json
from tagpipe.tables.schemas import MAX_NAME_BYTES, NAME, NAMES, is_unicode, vocabulary_entries

FIELDS = ("tag", "aliases", "parents", "deprecated", "replaced_by")
LIST_SEPARATOR = "|"
"""Separates the names of a list in a cell of CSV."""

_EXPECTED = {"tag": NAME, "aliases": NAMES, "parents": NAMES, "deprecated": "true or false", "replaced_by": NAME}
_DEFAULTS: Mapping[str, Any] = {"tag": None, "aliases": [], "parents": [], "deprecated": False, "replaced_by": None}


@dataclass(frozen=True)
class Entry:
    """One entry of a vocabulary file."""

    tag: str
    aliases: tuple[str, ...] = ()
    """As written, in that order."""
    parents: tuple[str, ...] = ()
    """As written, in that order; a parent may be an alias of another tag, or unknown."""
    deprecated: bool = False
    """True if it is no longer a tag."""
    replaced_by: str | None = None
    """The tag that the names of a deprecated entry now mean; None means that nothing replaces it."""


def read_entries(data: bytes, suffix: str, *, file: str) -> tuple[Entry, ...]:
    """The entries of received bytes, in their order.

    The bytes are a JSON object {tag: {aliases, parents}}, a list of {tag, aliases, parents}, the same as lines
    (NDJSON), or CSV with these columns (lists separated by `|`). Every field but the tag may be left out; deprecated
    and replaced_by usually are. Raises InputError that names every malformed entry. `problems.vocabulary_of` checks
    that the entries make a vocabulary.
    """
    entries = _read_csv(data, file=file) if suffix == ".csv" else _read_tree(data, suffix, file=file)
    _check_form(entries, file=file)
    return tuple(
        Entry(entry["tag"], tuple(entry["aliases"]), tuple(entry["parents"]), entry["deprecated"], entry["replaced_by"])
        for entry in entries
    )


def _read_tree(data: bytes, suffix: str, *, file: str) -> list[dict[str, Any]]:
    tree = parse_json(data, file=file) if suffix == ".json" else _read_lines(data, file=file)
    if isinstance(tree, dict):
        tree = [{"tag": tag, **_expect_object(entry, tag, file)} for tag, entry in tree.items()]
    if not isinstance(tree, list):
        raise InputError(
            "not a vocabulary",
            file=file,
            found=escape_shown(tree),
            expected="an object {tag: {aliases, parents}} or a list of {tag, aliases, parents}",
            fix="docs/data-model.md shows both forms",
        )
    return [{**_DEFAULTS, **_expect_object(entry, row, file)} for row, entry in enumerate(tree, start=1)]


def _expect_object(entry: object, where: int | str, file: str) -> dict[str, Any]:
    """`entry`, if it is an object with no fields but FIELDS. where: its row, or the tag that it is the value of."""
    row = where if isinstance(where, int) else None
    if not isinstance(entry, dict):
        raise InputError(
            "not an entry of a vocabulary",
            file=file,
            row=row,
            field=escape_shown(where) if row is None else None,
            found=escape_shown(entry),
            expected="an object with aliases and parents",
            fix="Correct the entry",
        )
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown or (row is None and "tag" in entry):
        raise InputError(
            "an entry has a field that no vocabulary has",
            file=file,
            row=row,
            field=escape_shown(unknown[0] if unknown else "tag"),
            found=escape_shown(entry),
            expected=", ".join(FIELDS),
            fix="Remove it, or correct its name",
        )
    return entry


def _read_lines(data: bytes, *, file: str) -> list[object]:
    lines = enumerate(data.split(b"\n"), start=1)
    return [parse_json(line, file=f"{file}, line {number}") for number, line in lines if line.strip()]


def _read_csv(data: bytes, *, file: str) -> list[dict[str, Any]]:
    from tagpipe.formats.csv_cells import read_cells

    cells, misfits = read_cells(data, file=file)
    unknown = [name for name in cells.column_names if name not in FIELDS]
    if misfits or unknown or "tag" not in cells.column_names:
        row, found = misfits[0] if misfits else (None, ",".join(cells.column_names))
        raise InputError(
            "not a vocabulary",
            file=file,
            row=row,
            field=escape_shown(unknown[0]) if unknown else None,
            found=escape_shown(found),
            expected=f"the columns tag, aliases, parents (lists separated by {LIST_SEPARATOR}), "
            "and perhaps deprecated, replaced_by",
            fix="Correct the header or the row",
        )
    return [{**_DEFAULTS, **{name: _read_cell(name, text) for name, text in row.items()}} for row in cells.to_pylist()]


def _read_cell(name: str, text: str) -> object:
    if name in ("aliases", "parents"):
        return [part for part in text.split(LIST_SEPARATOR) if part]
    if name == "deprecated":
        # Spreadsheets write TRUE.
        return {"": False, "false": False, "true": True}.get(text.lower(), text)
    return text or None


def _check_form(entries: Sequence[Mapping[str, Any]], *, file: str) -> None:
    """Check the types of all fields with pandera. Raises InputError that names every wrong value."""
    import pandas as pd
    from pandera.errors import SchemaErrors

    _check_names(entries, file=file)
    frame = pd.DataFrame({name: pd.Series([entry[name] for entry in entries], dtype=object) for name in FIELDS})
    try:
        vocabulary_entries().validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return
    wrong = [
        (int(index), str(field), escape_shown(entries[int(index)][field]))
        for index, field in zip(cases["index"], cases["column"], strict=True)
    ]
    index, field, found = wrong[0]
    raise InputError(
        "an entry of the vocabulary has a wrong value",
        file=file,
        row=index + 1,
        field=field,
        found=found,
        expected=_EXPECTED[field],
        fix="Correct the entry",
        details=tuple(
            f"row {index + 1}, tag {escape_shown(entries[index]['tag'])}, field {field}: found {found}"
            for index, field, found in wrong
        ),
    )


def _check_names(entries: Sequence[Mapping[str, Any]], *, file: str) -> None:
    """Raise InputError for a name that UTF-8, and so an Arrow table, cannot hold, or that is longer than any tag."""
    for row, entry in enumerate(entries, start=1):
        for field, value in entry.items():
            for name in value if isinstance(value, list) else [value]:
                if isinstance(name, str) and not is_unicode(name):
                    raise InputError(
                        "a name holds half of a surrogate pair",
                        file=file,
                        row=row,
                        field=field,
                        found=escape_shown(name),
                        expected="text that UTF-8 can hold",
                        fix="Correct the escape",
                    )
                if isinstance(name, str) and len(name.encode("utf-8")) > MAX_NAME_BYTES:
                    raise InputError(
                        f"a name has {len(name.encode('utf-8')):,} bytes",
                        file=file,
                        row=row,
                        field=field,
                        found=escape_shown(name),
                        expected=f"at most {MAX_NAME_BYTES:,}",
                        fix="Shorten it, or check what separates the names",
                    )
