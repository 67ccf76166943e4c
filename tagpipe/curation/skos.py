"""A vocabulary written as SKOS in Turtle, line by line; `read_skos` reads it.

Turtle is a set of statements without order. What order, repeats and spelling they cannot say stands beside them, in
three properties of tagpipe's own, only where it is needed; docs/vocabulary-exchange.md has the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from tagpipe.curation.canonical_form import HIDDEN_CHARACTERS
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.spelling import is_spelling_of
from tagpipe.vocabulary.vocabulary import normalize_tag

TAG_BASE = "urn:tagpipe:tag:"
"""A concept's IRI is this and its tag, percent-encoded."""
SCHEME = "urn:tagpipe:vocabulary"

PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "tagpipe": "urn:tagpipe:vocabulary:",
}
_RESERVED = re.compile(r"[^A-Za-z0-9._~-]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NEEDS_ESCAPE = re.compile(f'["\\\\{HIDDEN_CHARACTERS}]')


def write_turtle(entries: Sequence[Entry]) -> str:
    """The entries as SKOS, a statement a line, by tag: the same entries give the same text."""
    tag_of = tags_by_name(entries)
    is_ascending = [entry.tag for entry in entries] == sorted(entry.tag for entry in entries)
    places = {entry.tag: place for place, entry in enumerate(entries, start=1)}
    blocks = ["".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())]
    blocks.append(f"<{SCHEME}> a skos:ConceptScheme .\n")
    for entry in sorted(entries, key=lambda entry: entry.tag):
        statements = ["a skos:Concept", *_describe(entry, tag_of)]
        if not is_ascending:
            statements.append(f"tagpipe:position {places[entry.tag]}")
        blocks.append(f"<{write_iri(entry.tag)}> " + " ;\n    ".join(statements) + " .\n")
    return "\n".join(blocks)


def write_iri(tag: str) -> str:
    """The IRI of a tag's concept.

    >>> write_iri("c++")
    'urn:tagpipe:tag:c%2B%2B'
    """
    return TAG_BASE + _RESERVED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8")), tag)


def _describe(entry: Entry, tag_of: Mapping[str, str]) -> Iterator[str]:
    yield f"skos:inScheme <{SCHEME}>"
    yield f"skos:prefLabel {_quote(entry.tag)}"
    names = sorted(set(entry.aliases))
    for label, is_hidden in (("altLabel", False), ("hiddenLabel", True)):
        yield from (f"skos:{label} {_quote(name)}" for name in names if is_spelling_of(name, entry.tag) == is_hidden)
    parents = sorted({tag_of.get(normalize_tag(name), name) for name in entry.parents})
    yield from (f"skos:broader <{write_iri(name)}>" for name in parents)
    if entry.deprecated:
        yield "owl:deprecated true"
    if entry.replaced_by is not None:
        yield f"dcterms:isReplacedBy <{write_iri(entry.replaced_by)}>"
    if list(entry.aliases) != names:
        yield f"tagpipe:aliases {_quote_list(entry.aliases)}"
    if list(entry.parents) != parents:
        yield f"tagpipe:parents {_quote_list(entry.parents)}"


def _quote(text: str) -> str:
    escaped = _NEEDS_ESCAPE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}", text)
    return f'"{escaped}"'


def _quote_list(names: Sequence[str]) -> str:
    return _quote(json.dumps(names, ensure_ascii=False))


def tags_by_name(entries: Sequence[Entry]) -> dict[str, str]:
    """Normal form of every name -> its tag; a tag's own name beats an alias."""
    tag_of = {normalize_tag(alias): entry.tag for entry in entries for alias in entry.aliases}
    return tag_of | {normalize_tag(entry.tag): entry.tag for entry in entries}
