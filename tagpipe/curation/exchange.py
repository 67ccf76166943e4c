"""A vocabulary in the forms that other programs read and write; what is exported comes back as it was, entry by entry.

Each form has one way of being written, so that an import that is exported again is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence

from tagpipe.curation import canonical_form
from tagpipe.curation.canonical_form import write_vocabulary
from tagpipe.curation.read_skos import read_turtle
from tagpipe.curation.skos import write_turtle
from tagpipe.errors import ConfigError, escape_shown
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of

FORMS = (*canonical_form.FORMS, "skos")

_SUFFIXES = {"json-object": ".json", "json-list": ".json", "ndjson": ".ndjson", "csv": ".csv"}
_FORM_OF = {".json": "json-object", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".ttl": "skos"}


def choose_form(form: str | None, suffix: str, *, file: str) -> str:
    """`form`, or what the ending of the file says. Raises ConfigError for another ending."""
    chosen = form or _FORM_OF.get(suffix.lower())
    if chosen is None:
        raise ConfigError(
            "the ending does not say which form the file has",
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
    return write_turtle(entries).encode("utf-8") if form == "skos" else write_vocabulary(entries, form)


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
