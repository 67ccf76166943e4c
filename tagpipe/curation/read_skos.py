"""A vocabulary read from SKOS in Turtle, by rdflib (the extra `skos`): tagpipe's own or any other."""

from __future__ import annotations

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
_PERCENT_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, order=True)
class _Term:
    """A term of RDF."""

    text: str
    language: str = ""
    """Of a literal, in lower case; empty if it has none."""
    kind: Literal["iri", "literal", "blank"] = "iri"


@dataclass(frozen=True)
class _Resource:
    """A subject of the file, and what the file says of it."""

    file: str
    term: _Term
    properties: Mapping[str, list[_Term]]
    """PREFIX:NAME for those of PREFIXES, else the IRI -> its values."""

    def values(self, verb: str) -> list[_Term]:
        """The values of a property, ascending."""
        return sorted(self.properties.get(verb, ()))

    def refuse(self, what: str, verb: str, found: _Term | str, expected: str) -> NoReturn:
        raise InputError(
            what,
            file=self.file,
            field=f"{verb} of <{self.term.text[:SHOWN_CHARS]}>",
            found=escape_shown(found if isinstance(found, str) else found.text),
            expected=expected,
            fix="Correct the file where it comes from",
        )


def read_turtle(data: bytes, *, file: str) -> tuple[Entry, ...]:
    """The entries of SKOS in Turtle, tagpipe's own or any other.

    The tag is the prefLabel without a language, else the English one, else the only one; the other labels of every
    language are aliases. Parents are what is broader, or names the concept as narrower. A concept with isReplacedBy is
    deprecated. Entries and names are in the order of tagpipe's own properties, else ascending.

    Raises InputError for what is not Turtle, or no vocabulary; ConfigError where rdflib is not installed.
    """
    concepts = _find_concepts(_parse(data, file=file), file=file)
    tags = {concept.term: _read_tag(concept) for concept in concepts}
    broader = _find_broader(concepts)
    entries = [
        Entry(
            tags[concept.term],
            _read_aliases(concept, tags[concept.term]),
            tuple(sorted({_tag_of_iri(iri, tags, concept) for iri in broader[concept.term]})),
            _is_deprecated(concept),
            _read_replacement(concept, tags),
        )
        for concept in concepts
    ]
    tag_of = tags_by_name(entries)
    ordered = [
        replace(entry, parents=_order_parents(entry, concept, tag_of))
        for entry, concept in zip(entries, concepts, strict=True)
    ]
    placed = zip(map(_read_position, concepts), ordered, strict=True)
    return tuple(entry for _, entry in sorted(placed, key=lambda pair: (pair[0], pair[1].tag)))


def _parse(data: bytes, *, file: str) -> list[_Resource]:
    """Every subject of the file, ascending."""
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
            # Without a base, rdflib takes the working directory's.
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
    return [_Resource(file, subject, statements[subject]) for subject in sorted(statements)]


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


def _find_concepts(resources: Iterable[_Resource], *, file: str) -> list[_Resource]:
    """Everything that is a skos:Concept or has a prefLabel, except schemes and collections."""
    others = {f"{PREFIXES['skos']}{name}" for name in ("ConceptScheme", "Collection", "OrderedCollection")}
    concepts = []
    for resource in resources:
        types = {value.text for value in resource.values(_RDF_TYPE)}
        if f"{PREFIXES['skos']}Concept" in types or (resource.values("skos:prefLabel") and not types & others):
            if resource.term.kind == "blank":
                resource.refuse("a concept has no IRI", "a", "a blank node", "an IRI, by which others name it")
            concepts.append(resource)
    if not concepts:
        raise InputError("holds no skos:Concept", file=file, expected="SKOS", fix="Export the concepts as well")
    return concepts


def _read_labels(concept: _Resource, verb: str) -> list[_Term]:
    labels = concept.values(verb)
    for label in labels:
        if label.kind != "literal" or not _is_name(label.text):
            concept.refuse("a label is not a name", verb, label, NAME)
    return labels


def _is_name(text: str) -> bool:
    return bool(text.strip()) and is_unicode(text)


def _read_tag(concept: _Resource) -> str:
    by_rank: dict[int, set[str]] = defaultdict(set)
    for label in _read_labels(concept, "skos:prefLabel"):
        by_rank[_rank_language(label.language)].add(label.text)
    best = sorted(by_rank[min(by_rank)]) if by_rank else []
    if len(best) != 1:
        what = "a concept has several names" if best else "a concept has no name"
        expected = "one prefLabel without a language, or in English, or at all"
        concept.refuse(what, "skos:prefLabel", " and ".join(best) or "none", expected)
    return best[0]


def _rank_language(language: str) -> int:
    return 0 if not language else 1 if language == "en" else 2 if language.startswith("en-") else 3


def _read_aliases(concept: _Resource, tag: str) -> tuple[str, ...]:
    verbs = ("skos:prefLabel", "skos:altLabel", "skos:hiddenLabel")
    names = {label.text for verb in verbs for label in _read_labels(concept, verb)} - {tag}
    written = _read_names(concept, "tagpipe:aliases")
    return (*(name for name in written if name in names), *sorted(names - set(written)))


def _find_broader(concepts: Iterable[_Resource]) -> dict[_Term, list[_Term]]:
    broader = {concept.term: concept.values("skos:broader") for concept in concepts}
    for concept in concepts:
        for narrower in concept.values("skos:narrower"):
            if narrower not in broader:
                concept.refuse("what is narrower is not in the file", "skos:narrower", narrower, "a concept")
            broader[narrower].append(concept.term)
    return broader


def _tag_of_iri(iri: _Term, tags: Mapping[_Term, str], concept: _Resource) -> str:
    """The tag of a concept; a parent that tagpipe wrote and no entry has is in its IRI."""
    if iri in tags:
        return tags[iri]
    if iri.kind == "iri" and iri.text.startswith(TAG_BASE):
        with suppress(ValueError):
            if _is_name(name := _decode(iri.text.removeprefix(TAG_BASE))):
                return name
    return concept.refuse("what is broader is not in the file", "skos:broader", iri, "a concept of the file")


def _decode(encoded: str) -> str:
    """The text of percent-encoding. Raises ValueError (UnicodeDecodeError is one) if it is not well-formed."""
    if not _PERCENT_ENCODED.fullmatch(encoded):
        raise ValueError(encoded)
    return re.sub(rb"%(..)", lambda match: bytes.fromhex(match[1].decode()), encoded.encode("utf-8")).decode("utf-8")


def _order_parents(entry: Entry, concept: _Resource, tag_of: Mapping[str, str]) -> tuple[str, ...]:
    """The parents as they were written, where that still says the same."""
    written = [(name, tag_of.get(normalize_tag(name), name)) for name in _read_names(concept, "tagpipe:parents")]
    left = sorted(set(entry.parents) - {tag for _, tag in written})
    return (*(name for name, tag in written if tag in entry.parents), *left)


def _read_names(concept: _Resource, verb: str) -> list[str]:
    """The names of one of tagpipe's own properties: a JSON list in a text."""
    values = concept.values(verb)
    if not values:
        return []
    try:
        names = parse_json(values[0].text.encode("utf-8"), file=concept.file)
    except InputError:
        names = None
    if len(values) > 1 or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        concept.refuse("not a list of names", verb, values[0], "one JSON list of texts")
    return names


def _read_position(concept: _Resource) -> float:
    values = concept.values("tagpipe:position")
    if not values:
        return math.inf
    if len(values) > 1 or not re.fullmatch(r"[0-9]{1,9}", values[0].text):
        concept.refuse("not a position", "tagpipe:position", values[0], "one whole number")
    return int(values[0].text)


def _is_deprecated(concept: _Resource) -> bool:
    values = concept.values("owl:deprecated")
    for value in values:
        if value.text not in _BOOLEANS or value.kind != "literal":
            concept.refuse("not a truth value", "owl:deprecated", value, "true or false")
    return any(_BOOLEANS[value.text] for value in values) if values else bool(concept.values("dcterms:isReplacedBy"))


def _read_replacement(concept: _Resource, tags: Mapping[_Term, str]) -> str | None:
    values = concept.values("dcterms:isReplacedBy")
    if not values:
        return None
    if len(values) > 1 or values[0] not in tags:
        concept.refuse("not a replacement", "dcterms:isReplacedBy", values[-1], "one concept of the file")
    return tags[values[0]]
