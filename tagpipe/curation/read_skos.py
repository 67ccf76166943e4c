"""A vocabulary read from SKOS in Turtle, by rdflib (the extra `skos`): tagpipe's own or any other."""

from __future__ import annotations

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

from tagpipe.curation.skos import PREFIXES, TAG_BASE, tags_by_name
from tagpipe.errors import SHOWN_CHARS, ConfigError, InputError, escape_shown
from tagpipe.formats.strict_json import parse_json
from tagpipe.tables.schemas import NAME, is_unicode
from tagpipe.vocabulary.entries import Entry
from tagpipe.vocabulary.vocabulary import normalize_tag

_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, order=True)
class _Term:
    """A term of RDF. kind: iri, literal or blank; language: of a literal, in lower case, empty if it has none."""

    text: str
    language: str = ""
    kind: Literal["iri", "literal", "blank"] = "iri"


_Properties = Mapping[str, list[_Term]]
_Statements = Mapping[_Term, _Properties]
"""subject -> property (PREFIX:NAME for those of PREFIXES, else its IRI) -> what it says, ascending."""


def read_turtle(data: bytes, *, file: str) -> tuple[Entry, ...]:
    """The entries of SKOS in Turtle, tagpipe's own or any other.

    The tag is the prefLabel without a language, else the English one, else the only one; the other labels of every
    language are aliases. Parents are what is broader, or names the concept as narrower. A concept with isReplacedBy is
    deprecated. Entries and names are in the order of tagpipe's own properties, else ascending.

    Raises InputError for what is not Turtle, or no vocabulary; ConfigError where rdflib is not installed.
    """
    statements = _parse(data, file=file)
    concepts = _find_concepts(statements, file=file)
    tags = {concept: _read_tag(concept, said, file) for concept, said in concepts.items()}
    broader = _find_broader(concepts, file=file)
    entries = [
        Entry(
            tags[concept],
            _read_aliases(concept, said, tags[concept], file),
            tuple(sorted({_tag_of_iri(up, tags, concept, file) for up in broader[concept]})),
            _is_deprecated(concept, said, file),
            _read_replacement(concept, said, tags, file),
        )
        for concept, said in concepts.items()
    ]
    tag_of = tags_by_name(entries)
    ordered = [
        replace(entry, parents=_order_parents(entry, concept, said, tag_of, file))
        for entry, (concept, said) in zip(entries, concepts.items(), strict=True)
    ]
    places = [_read_position(concept, said, file) for concept, said in concepts.items()]
    return tuple(
        entry for _, entry in sorted(zip(places, ordered, strict=True), key=lambda pair: (pair[0], pair[1].tag))
    )


def _parse(data: bytes, *, file: str) -> _Statements:
    try:
        import rdflib
        from rdflib import term
    except ImportError:
        raise ConfigError(
            "rdflib is not installed, which reads SKOS", file=file, fix="Install it: pip install 'tagpipe[skos]'"
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", file=file, fix="Save the file as UTF-8") from None
    graph = rdflib.Graph(bind_namespaces="none")
    try:
        with _silenced():
            # A base of its own: rdflib would else take the working directory's.
            graph.parse(data=text, format="turtle", publicID="tagpipe://import/")
    except (SyntaxError, AssertionError, RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        # rdflib 7.6 has no one error for text that is not Turtle: BadSyntax, and whatever its scanner stumbles over.
        raise _not_turtle(error, file) from None

    def term_of(node: object) -> _Term:
        if isinstance(node, term.Literal):
            return _Term(str(node), (node.language or "").lower(), "literal")
        return _Term(str(node), kind="blank" if isinstance(node, term.BNode) else "iri")

    statements: dict[_Term, dict[str, list[_Term]]] = defaultdict(lambda: defaultdict(list))
    for subject, verb, value in graph:
        statements[term_of(subject)][_shorten(str(verb))].append(term_of(value))
    return {
        subject: {verb: sorted(values) for verb, values in said.items()} for subject, said in sorted(statements.items())
    }


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep rdflib from logging every malformed IRI and number; those that matter are checked here."""
    from rdflib.term import logger

    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.disabled = was_disabled


def _not_turtle(error: Exception, file: str) -> InputError:
    line = getattr(error, "lines", None)
    reason = re.search(r"Bad syntax \((.*)\) at \^", str(error)) or re.match(r"(.*?)(?: at \^ in|\n|$)", str(error))
    return InputError(
        "not Turtle",
        file=file if line is None else f"{file}, line {line + 1}",
        found=escape_shown((reason and reason[1]) or type(error).__name__),
        expected="SKOS as Turtle",
        fix="Correct the file, or export it again as Turtle",
    )


def _shorten(iri: str) -> str:
    for prefix, base in PREFIXES.items():
        if iri.startswith(base):
            return f"{prefix}:{iri.removeprefix(base)}"
    return iri


def _refuse(what: str, verb: str, concept: _Term, file: str, found: _Term | str, expected: str) -> NoReturn:
    shown = found if isinstance(found, str) else found.text
    raise InputError(
        what,
        file=file,
        field=f"{verb} of <{concept.text[:SHOWN_CHARS]}>",
        found=escape_shown(shown),
        expected=expected,
        fix="Correct the file where it comes from",
    )


def _find_concepts(statements: _Statements, *, file: str) -> dict[_Term, _Properties]:
    """Everything that is a skos:Concept or has a prefLabel, but for schemes and collections."""
    others = {f"{PREFIXES['skos']}{name}" for name in ("ConceptScheme", "Collection", "OrderedCollection")}
    found = {}
    for subject, said in statements.items():
        types = {each.text for each in said.get(_RDF_TYPE, ())}
        if f"{PREFIXES['skos']}Concept" in types or ("skos:prefLabel" in said and not types & others):
            if subject.kind == "blank":
                _refuse("a concept has no IRI", "a", subject, file, "a blank node", "an IRI, by which others name it")
            found[subject] = said
    if not found:
        raise InputError("holds no skos:Concept", file=file, expected="SKOS", fix="Export the concepts as well")
    return found


def _read_labels(concept: _Term, said: _Properties, verb: str, file: str) -> list[_Term]:
    labels = list(said.get(verb, ()))
    for label in labels:
        if label.kind != "literal" or not _is_name(label.text):
            _refuse("a label is no name", verb, concept, file, label, NAME)
    return labels


def _is_name(text: str) -> bool:
    return bool(text.strip()) and is_unicode(text)


def _read_tag(concept: _Term, said: _Properties, file: str) -> str:
    labels = _read_labels(concept, said, "skos:prefLabel", file)
    ranks = [_rank_language(label.language) for label in labels]
    best = sorted({label.text for label, rank in zip(labels, ranks, strict=True) if rank == min(ranks)})
    if len(best) != 1:
        _refuse(
            "a concept has no one name" if best else "a concept has no name",
            "skos:prefLabel",
            concept,
            file,
            " and ".join(best) or "none",
            "one prefLabel without a language, or in English, or at all",
        )
    return best[0]


def _rank_language(language: str) -> int:
    return 0 if not language else 1 if language == "en" else 2 if language.startswith("en-") else 3


def _read_aliases(concept: _Term, said: _Properties, tag: str, file: str) -> tuple[str, ...]:
    verbs = ("skos:prefLabel", "skos:altLabel", "skos:hiddenLabel")
    names = {label.text for verb in verbs for label in _read_labels(concept, said, verb, file)} - {tag}
    written = _read_names(concept, said, "tagpipe:aliases", file)
    return (*(name for name in written if name in names), *sorted(names - set(written)))


def _find_broader(concepts: Mapping[_Term, _Properties], *, file: str) -> dict[_Term, list[_Term]]:
    broader = {concept: list(said.get("skos:broader", ())) for concept, said in concepts.items()}
    for concept, said in concepts.items():
        for narrower in said.get("skos:narrower", ()):
            if narrower not in broader:
                _refuse("what is narrower is not in the file", "skos:narrower", concept, file, narrower, "a concept")
            broader[narrower].append(concept)
    return broader


def _tag_of_iri(iri: _Term, tags: Mapping[_Term, str], concept: _Term, file: str) -> str:
    """The tag of a concept; a parent that tagpipe wrote and no entry has is in its IRI."""
    if iri in tags:
        return tags[iri]
    if iri.kind == "iri" and iri.text.startswith(TAG_BASE):
        with suppress(ValueError):
            if _is_name(name := _decode(iri.text.removeprefix(TAG_BASE))):
                return name
    return _refuse("what is broader is not in the file", "skos:broader", concept, file, iri, "a concept of the file")


def _decode(encoded: str) -> str:
    """Of percent-encoding. Raises ValueError (which UnicodeDecodeError is) for what is none."""
    parts = encoded.split("%")
    data = [parts[0].encode("utf-8"), *(bytes.fromhex(part[:2]) + part[2:].encode("utf-8") for part in parts[1:])]
    if any(len(part) < 2 for part in parts[1:]):
        raise ValueError(encoded)
    return b"".join(data).decode("utf-8")


def _order_parents(
    entry: Entry, concept: _Term, said: _Properties, tag_of: Mapping[str, str], file: str
) -> tuple[str, ...]:
    """The parents as they were written, where that still says the same."""
    written = [
        (name, tag_of.get(normalize_tag(name), name)) for name in _read_names(concept, said, "tagpipe:parents", file)
    ]
    left = sorted(set(entry.parents) - {tag for _, tag in written})
    return (*(name for name, tag in written if tag in entry.parents), *left)


def _read_names(concept: _Term, said: _Properties, verb: str, file: str) -> list[str]:
    """The names of one of tagpipe's own properties: a JSON list in a text."""
    values = said.get(verb, [])
    if not values:
        return []
    try:
        names = parse_json(values[0].text.encode("utf-8"), file=file)
    except InputError:
        names = None
    if len(values) > 1 or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        _refuse("not a list of names", verb, concept, file, values[0], "one JSON list of texts")
    return names


def _read_position(concept: _Term, said: _Properties, file: str) -> float:
    values = said.get("tagpipe:position", ())
    if not values:
        return math.inf
    if len(values) > 1 or not re.fullmatch(r"[0-9]{1,9}", values[0].text):
        _refuse("not a position", "tagpipe:position", concept, file, values[0], "one whole number")
    return int(values[0].text)


def _is_deprecated(concept: _Term, said: _Properties, file: str) -> bool:
    values = said.get("owl:deprecated", ())
    for value in values:
        if value.text not in _BOOLEANS or value.kind != "literal":
            _refuse("not a truth value", "owl:deprecated", concept, file, value, "true or false")
    return any(_BOOLEANS[value.text] for value in values) if values else "dcterms:isReplacedBy" in said


def _read_replacement(concept: _Term, said: _Properties, tags: Mapping[_Term, str], file: str) -> str | None:
    values = said.get("dcterms:isReplacedBy", ())
    if not values:
        return None
    if len(values) > 1 or values[0] not in tags:
        _refuse("not a replacement", "dcterms:isReplacedBy", concept, file, values[-1], "one concept of the file")
    return tags[values[0]]
