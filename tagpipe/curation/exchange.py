"""A vocabulary in the forms that other programs read and write; what is exported comes back as it was, entry by entry.

Each form has one way of being written, so that an import that is exported again is the same to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tagpipe.curation.rewriting.csv_file import check_separators, write_cell
from tagpipe.curation.skos import HIDDEN, read_turtle, write_turtle
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of

FORMS = ("json-object", "json-list", "ndjson", "csv", "skos")

_SUFFIXES = {"json-object": ".json", "json-list": ".json", "ndjson": ".ndjson", "csv": ".csv"}
_FORM_OF = {".json": "json-object", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".ttl": "skos"}
_OPTIONAL = ("deprecated", "replaced_by")


def choose_form(form: str | None, suffix: str, *, file: str) -> str:
    """`form`, or what the ending of the file says. Raises ConfigError for another ending."""
    chosen = form or _FORM_OF.get(suffix.lower())
    if chosen is None:
        raise ConfigError(
            "the ending does not tell the form",
            file=file,
            found=escape_shown(suffix),
            expected=", ".join(_FORM_OF),
            fix="Name the form with --form",
        )
    return chosen


def export_vocabulary(entries: Sequence[Entry], form: str) -> bytes:
    """The entries in a form, UTF-8. skos: SKOS as Turtle (`skos.write_turtle`).

    Raises ConfigError for another form, EditRefused for a name that the form cannot hold.
    """
    _check_form(form)
    if form == "skos":
        return write_turtle(entries).encode("utf-8")
    if form == "csv":
        return _write_csv(entries).encode("utf-8")
    fields = [_fields_of(entry) for entry in entries]
    if form == "json-object":
        keys = [_dump(each.pop("tag")) for each in fields]
        return _enclose("{", [f"{key}: {_dump(each)}" for key, each in zip(keys, fields, strict=True)], "}")
    lines = [_dump(each) for each in fields]
    return _enclose("[", lines, "]") if form == "json-list" else "".join(f"{line}\n" for line in lines).encode("utf-8")


def import_vocabulary(data: bytes, form: str, *, file: str) -> tuple[Entry, ...]:
    """The entries of a file in a form; JSON may be the object or the list, whichever form is said.

    Raises InputError where the file is not in that form or its entries make no vocabulary, ConfigError for another
    form, and for skos where rdflib is not installed.
    """
    _check_form(form)
    entries = read_turtle(data, file=file) if form == "skos" else read_entries(data, _SUFFIXES[form], file=file)
    vocabulary_of(entries, file=file)
    return entries


def _check_form(form: str) -> None:
    if form not in FORMS:
        raise ConfigError(
            "not a form of a vocabulary",
            found=escape_shown(form),
            expected=f"one of {', '.join(FORMS)}",
            fix="docs/vocabulary-exchange.md describes them",
        )


def _fields_of(entry: Entry) -> dict[str, Any]:
    extras = {name: value for name in _OPTIONAL if (value := getattr(entry, name))}
    return {"tag": entry.tag, "aliases": list(entry.aliases), "parents": list(entry.parents), **extras}


def _dump(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return HIDDEN.sub(lambda each: f"\\u{ord(each[0]):04x}", text)


def _enclose(first: str, lines: Sequence[str], last: str) -> bytes:
    body = ",\n".join(f"  {line}" for line in lines)
    return (f"{first}\n{body}\n{last}\n" if lines else f"{first}{last}\n").encode("utf-8")


def _write_csv(entries: Sequence[Entry]) -> str:
    check_separators(entries, file=None)
    names = ["tag", "aliases", "parents", *(name for name in _OPTIONAL if any(getattr(each, name) for each in entries))]
    rows = [[write_cell(getattr(entry, name)) for name in names] for entry in entries]
    return "".join(",".join(row) + "\n" for row in [names, *rows])
