"""The curated vocabulary: canonical tags with their aliases and parents, and the form in which tags are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import InputError, escape_shown
from tagpipe.tables.reports.validation import VocabularyFile
from tagpipe.tables.tag_lists import Int32s

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
    """`normalize_tag` of every text. Only texts that are not in normal form already go through Python."""
    is_other = pc.invert(pc.match_substring_regex(raw, rf"\A{_NORMAL_CHARACTERS}\z"))
    others = pa.array([normalize_tag(tag) for tag in raw.filter(is_other).to_pylist()], pa.string())
    return pc.replace_with_mask(raw, is_other, others)


@dataclass(frozen=True)
class Vocabulary:
    """The tags that projects may have; the names of a deprecated entry are aliases of its replacement, if any."""

    tags: tuple[str, ...]
    """Canonical names, ascending."""
    aliases: tuple[tuple[str, ...], ...]
    """The aliases of each tag, ascending."""
    parents: tuple[tuple[str, ...], ...]
    """The parents of each tag as curated, ascending; a parent may be an alias."""
    deprecated: tuple[str, ...] = ()
    """The names of deprecated entries without a replacement, ascending; they are out of vocabulary on purpose."""

    def as_dict(self) -> dict[str, Any]:
        """The tree that data/validated/vocabulary.json holds."""
        entries = zip(self.tags, self.aliases, self.parents, strict=True)
        tree: dict[str, Any] = {
            "schema": SCHEMA,
            "tags": [{"tag": tag, "aliases": list(aliases), "parents": list(up)} for tag, aliases, up in entries],
        }
        return tree | ({"deprecated": list(self.deprecated)} if self.deprecated else {})


def load_vocabulary(file: VocabularyFile) -> Vocabulary:
    """The vocabulary of a parsed data/validated/vocabulary.json (see `Vocabulary.as_dict`)."""
    entries = sorted(file.tags, key=lambda entry: entry.tag)
    return Vocabulary(
        tuple(entry.tag for entry in entries),
        tuple(tuple(sorted(set(entry.aliases))) for entry in entries),
        tuple(tuple(sorted(set(entry.parents))) for entry in entries),
        tuple(sorted(file.deprecated)),
    )


def resolve_names(vocabulary: Vocabulary, *, normalize: bool = True, aliases: bool = True) -> dict[str, int]:
    """Name (in normal form if `normalize`) -> index into `vocabulary.tags`; a canonical name wins over an alias."""
    form = normalize_tag if normalize else str
    names: dict[str, int] = {}
    if aliases:
        for index, of_tag in enumerate(vocabulary.aliases):
            names.update((form(alias), index) for alias in of_tag)
    names.update((form(tag), index) for index, tag in enumerate(vocabulary.tags))
    return names


def resolve_tag(vocabulary: Vocabulary, name: str) -> str | None:
    """The tag that a name means, in any spelling; None for a name outside the vocabulary."""
    index = resolve_names(vocabulary).get(normalize_tag(name))
    return None if index is None else vocabulary.tags[index]


def look_up(forms: pa.StringArray, names: Mapping[str, int]) -> Int32s:
    """The index that `names` (from `resolve_names`) has for each form; -1 for unknown forms."""
    positions = pc.index_in(forms, value_set=pa.array(names, pa.string()))
    indices = np.fromiter(names.values(), np.int32, len(names))
    return np.where(np.asarray(positions.is_valid()), indices[np.asarray(positions.fill_null(0))], np.int32(-1))


def resolve_parents(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of each tag's parents, through aliases; unknown parents are left out (they are warnings)."""
    names = resolve_names(vocabulary)
    return [
        tuple(sorted({names[form] for name in parents if (form := normalize_tag(name)) in names}))
        for parents in vocabulary.parents
    ]


MAX_ANCESTORS = 5_000_000
"""Of all tags together: what a chain of 3,000 parents has. Large thesauri have some twenty ancestors a tag."""


def find_ancestors(vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    """Indices of all ancestors of each tag, ascending.

    Raises graphlib.CycleError if parents form a cycle, InputError if there are more than MAX_ANCESTORS in all.
    """
    parents = resolve_parents(vocabulary)
    ancestors: dict[int, set[int]] = {}
    n_ancestors = 0
    for tag in TopologicalSorter(dict(enumerate(parents))).static_order():
        ancestors[tag] = set(parents[tag]).union(*(ancestors[parent] for parent in parents[tag]))
        n_ancestors += len(ancestors[tag])
        if n_ancestors > MAX_ANCESTORS:
            raise InputError(
                f"the tags have more than {MAX_ANCESTORS:,} ancestors in all",
                file="vocabulary",
                field=f"parents of {escape_shown(vocabulary.tags[tag])}",
                found=f"a tag with {len(ancestors[tag]):,}",
                fix="Shorten the chains of parents",
            )
    return [tuple(sorted(ancestors[tag])) for tag in range(len(parents))]
