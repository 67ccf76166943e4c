"""The curated vocabulary: canonical tags, their aliases and parents, and what is wrong with them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.core.flat import Int32s
from tagpipe.core.vocabulary_entries import Entry, read_entries
from tagpipe.errors import InputError, escape_shown

SCHEMA = 1
_NORMAL_CHARACTERS = "[a-z0-9.+#:-]+"
_NORMAL = re.compile(_NORMAL_CHARACTERS)
_SEPARATORS = re.compile(r"[\s_]+")


def normalize_tag(raw: str) -> str:
    """The form in which tags are compared: NFKC, stripped, casefolded, runs of white space or `_` as one `-`.

    `#`, `+`, `.` and `:` stay, so that c, c++ and c# are three tags.

    >>> normalize_tag("  Natural_Language  Processing ")
    'natural-language-processing'
    """
    if _NORMAL.fullmatch(raw):
        return raw
    # Casefolding can undo NFKC (and the other way round); twice is a fixed point, as Unicode's NFKC_Casefold.
    text = unicodedata.normalize("NFKC", raw).strip().casefold()
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    return _SEPARATORS.sub("-", text)


def normalize_tags(raw: pa.StringArray) -> pa.StringArray:
    """`normalize_tag` of every text. Only texts that are not in normal form already are looked at one by one."""
    is_other = pc.invert(pc.match_substring_regex(raw, rf"\A{_NORMAL_CHARACTERS}\z"))
    others = pa.array([normalize_tag(tag) for tag in raw.filter(is_other).to_pylist()], pa.string())
    return pc.replace_with_mask(raw, is_other, others)


@dataclass(frozen=True)
class Vocabulary:
    """tags: canonical, ascending. aliases, parents: of each tag, ascending, as curated (a parent may be an alias).

    An entry that is deprecated is no tag; where it is replaced, its names are aliases of the replacement. deprecated:
    the names of those that nothing replaces, ascending: they are out of vocabulary, and nobody misses them.
    """

    tags: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    parents: tuple[tuple[str, ...], ...]
    deprecated: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The one normal form, as data/validated/vocabulary.json holds it."""
        entries = zip(self.tags, self.aliases, self.parents, strict=True)
        tree: dict[str, Any] = {
            "schema": SCHEMA,
            "tags": [{"tag": tag, "aliases": list(aliases), "parents": list(up)} for tag, aliases, up in entries],
        }
        return tree | ({"deprecated": list(self.deprecated)} if self.deprecated else {})


def read_vocabulary(data: bytes, suffix: str, *, file: str) -> Vocabulary:
    """The vocabulary of received bytes, in one of the forms of `vocabulary_entries.read_entries`.

    Raises InputError as `read_entries` and `vocabulary_of` do.
    """
    return vocabulary_of(read_entries(data, suffix, file=file), file=file)


def vocabulary_of(entries: Sequence[Entry], *, file: str) -> Vocabulary:
    """The vocabulary that the entries of a file make.

    Raises InputError with all findings: an alias claimed twice or canonical, a cycle, a tag that is its own
    parent, a tag given twice, a replacement that is no tag, no tags at all.
    """
    if not entries:
        raise InputError(
            "the vocabulary is empty",
            file=file,
            expected="at least one tag",
            fix="An empty vocabulary would drop every project; restore it from git",
        )
    problems = [*_find_repeats(entries), *_find_clashes(entries), *_find_bad_replacements(entries)]
    if problems:
        raise InputError(
            f"{len(problems)} error{'s' if len(problems) > 1 else ''} in the vocabulary: {problems[0]}",
            file=file,
            field="tag",
            fix="Correct the vocabulary",
            details=tuple(problems) if len(problems) > 1 else (),
        )
    vocabulary = _to_vocabulary(entries)
    if not vocabulary.tags:
        raise InputError(
            "every tag of the vocabulary is deprecated",
            file=file,
            expected="at least one tag that is not",
            fix="A vocabulary without tags would drop every project; restore it from git",
        )
    if cycle := find_cycle(vocabulary):
        raise InputError(
            f"parents form a cycle: {' -> '.join(map(escape_shown, cycle))}",
            file=file,
            field="parents",
            fix="Remove one of these parents",
        )
    return vocabulary


def load_vocabulary(tree: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of its own normal form (`Vocabulary.as_dict`)."""
    entries = sorted(tree["tags"], key=lambda entry: entry["tag"])
    return Vocabulary(
        tuple(entry["tag"] for entry in entries),
        tuple(tuple(sorted(set(entry["aliases"]))) for entry in entries),
        tuple(tuple(sorted(set(entry["parents"]))) for entry in entries),
        tuple(sorted(tree.get("deprecated", ()))),
    )


def _to_vocabulary(entries: Sequence[Entry]) -> Vocabulary:
    aliases = {entry.tag: set(entry.aliases) for entry in entries if not entry.deprecated}
    out: set[str] = set()
    for entry in entries:
        if entry.deprecated:
            names = out if entry.replaced_by is None else aliases[entry.replaced_by]
            names.update((entry.tag, *entry.aliases))
    parents = {entry.tag: set(entry.parents) for entry in entries}
    tags = tuple(sorted(aliases))
    return Vocabulary(
        tags,
        tuple(tuple(sorted(aliases[tag])) for tag in tags),
        tuple(tuple(sorted(parents[tag])) for tag in tags),
        tuple(sorted(out)),
    )


def _find_repeats(entries: Sequence[Entry]) -> list[str]:
    """Tags given twice, or twice up to their normal form (which could then mean either)."""
    by_form: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_form[normalize_tag(entry.tag)].append(entry.tag)
    return [
        f"tag {escape_shown(tags[0])} is given twice"
        + (f" (also as {escape_shown(tags[1])}, which is the same when compared)" if tags[0] != tags[1] else "")
        for tags in by_form.values()
        if len(tags) > 1
    ]


def _find_clashes(entries: Sequence[Entry]) -> list[str]:
    """Aliases that could mean two tags, and tags that are their own parent."""
    entry_of = {normalize_tag(entry.tag): entry for entry in entries}
    claims: dict[str, list[str]] = defaultdict(list)
    problems = []
    for entry in entries:
        tag = entry.tag
        for alias in entry.aliases:
            owner = entry_of.get(normalize_tag(alias))
            if owner is not None and (owner.tag != tag or alias == tag):
                kind = "deprecated" if owner.deprecated else "canonical"
                problems.append(f"alias {escape_shown(alias)} of {escape_shown(tag)} is itself a {kind} tag")
            elif tag not in claims[normalize_tag(alias)]:
                claims[normalize_tag(alias)].append(tag)
        if normalize_tag(tag) in map(normalize_tag, entry.parents):
            problems.append(f"tag {escape_shown(tag)} is its own parent")
    problems += [
        f"alias {escape_shown(alias)} is claimed by {' and '.join(map(escape_shown, tags))}"
        for alias, tags in claims.items()
        if len(tags) > 1
    ]
    return problems


def _find_bad_replacements(entries: Sequence[Entry]) -> list[str]:
    """Replacements that are no tag, or no tag any more, and those of tags that are still there."""
    entry_of = {entry.tag: entry for entry in entries}
    problems = []
    for entry in entries:
        if entry.replaced_by is None:
            continue
        tag, by, other = escape_shown(entry.tag), escape_shown(entry.replaced_by), entry_of.get(entry.replaced_by)
        if not entry.deprecated:
            problems.append(f"tag {tag} is replaced by {by}, but not deprecated")
        elif other is None:
            problems.append(f"deprecated tag {tag} is replaced by {by}, which is no tag (an alias is none)")
        elif other.deprecated:
            problems.append(f"deprecated tag {tag} is replaced by {by}, which is deprecated itself")
    return problems


def resolve_names(vocabulary: Vocabulary, *, normalize: bool = True, aliases: bool = True) -> dict[str, int]:
    """Name (normalised, if so asked) -> index into `vocabulary.tags`; a canonical name beats an alias."""
    form = normalize_tag if normalize else str
    names: dict[str, int] = {}
    if aliases:
        for index, of_tag in enumerate(vocabulary.aliases):
            names.update((form(alias), index) for alias in of_tag)
    names.update((form(tag), index) for index, tag in enumerate(vocabulary.tags))
    return names


def look_up(forms: pa.StringArray, names: Mapping[str, int]) -> Int32s:
    """What `names` (of `resolve_names`) has for each form; -1 where it has nothing."""
    at = pc.index_in(forms, value_set=pa.array(names, pa.string()))
    indices = np.fromiter(names.values(), np.int32, len(names))
    return np.where(np.asarray(at.is_valid()), indices[np.asarray(at.fill_null(0))], np.int32(-1))


def resolve_parents(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of each tag's parents, through aliases; unknown parents are left out (they are warnings)."""
    names = resolve_names(vocabulary)
    return [
        tuple(sorted({names[form] for name in parents if (form := normalize_tag(name)) in names}))
        for parents in vocabulary.parents
    ]


def find_cycle(vocabulary: Vocabulary) -> list[str]:
    """A cycle of parents, child to parent and back to the child; empty if there is none."""
    parents = resolve_parents(vocabulary)
    done = [False] * len(parents)
    for start in range(len(parents)):
        path: list[int] = []
        on_path: dict[int, int] = {}
        stack = [] if done[start] else [(start, iter(parents[start]))]
        while stack:
            tag, rest = stack[-1]
            if tag not in on_path:
                on_path[tag] = len(path)
                path.append(tag)
            parent = next(rest, None)
            if parent is None:
                stack.pop()
                done[tag] = True
                path.pop()
                del on_path[tag]
            elif parent in on_path:
                cycle = [*path[on_path[parent] :], parent]
                return [vocabulary.tags[index] for index in cycle]
            elif not done[parent]:
                stack.append((parent, iter(parents[parent])))
    return []


def find_ancestors(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of all ancestors of each tag, ascending. The vocabulary must be free of cycles."""
    parents = resolve_parents(vocabulary)
    known: list[frozenset[int] | None] = [None] * len(parents)
    for start in range(len(parents)):
        stack = [start]
        while stack:
            tag = stack[-1]
            todo = [parent for parent in parents[tag] if known[parent] is None]
            if todo:
                stack.extend(todo)
            else:
                known[stack.pop()] = frozenset(parents[tag]).union(*(known[parent] or () for parent in parents[tag]))
    return [tuple(sorted(ancestors or ())) for ancestors in known]
