"""What is suspicious about a vocabulary, without being an error: warnings, each with the nearest existing tag."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from tagpipe.core.vocabulary import Vocabulary, look_up, normalize_tag, normalize_tags, resolve_names


class FindingKind(StrEnum):
    """What a warning is about."""

    UNKNOWN_PARENT = "unknown_parent"
    PARENT_IS_ALIAS = "parent_is_alias"
    NEAR_DUPLICATE = "near_duplicate"
    NEVER_USED = "never_used"


@dataclass(frozen=True)
class Finding:
    """A warning about `tag`: what `value` is suspicious, and the nearest existing tag (None if none is near)."""

    kind: FindingKind
    tag: str
    value: str
    nearest: str | None


def find_warnings(vocabulary: Vocabulary, used_names: pa.StringArray) -> list[Finding]:
    """Unknown parents, near-duplicate spellings and never used tags. `used_names`: distinct raw tags."""
    names = resolve_names(vocabulary)
    used = set(look_up(normalize_tags(used_names), names).tolist())
    findings = []
    for tag, parents in zip(vocabulary.tags, vocabulary.parents, strict=True):
        for parent in parents:
            index = names.get(normalize_tag(parent))
            if index is None:
                findings.append(Finding(FindingKind.UNKNOWN_PARENT, tag, parent, find_nearest(parent, vocabulary)))
            elif normalize_tag(vocabulary.tags[index]) != normalize_tag(parent):
                findings.append(Finding(FindingKind.PARENT_IS_ALIAS, tag, parent, vocabulary.tags[index]))
    findings += [
        Finding(FindingKind.NEAR_DUPLICATE, second, second, first)
        for first, second in find_near_duplicates(vocabulary.tags)
    ]
    findings += [
        Finding(FindingKind.NEVER_USED, tag, tag, find_nearest(tag, vocabulary))
        for index, tag in enumerate(vocabulary.tags)
        if index not in used
    ]
    return findings


def find_nearest(name: str, vocabulary: Vocabulary, *, at_least: float = 70.0) -> str | None:
    """The other tag whose name, or an alias of it, is most like `name` (rapidfuzz ratio, 0-100); None if none is."""
    from rapidfuzz import fuzz, process

    own = normalize_tag(name)
    choices = {form: index for form, index in resolve_names(vocabulary).items() if form != own}
    match = process.extractOne(own, list(choices), scorer=fuzz.ratio, score_cutoff=at_least)
    if match is None:
        return None
    nearest = vocabulary.tags[choices[match[0]]]
    return nearest if normalize_tag(nearest) != own else None


def find_near_duplicates(tags: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of tags that are probably one: alike but for separators and plurals, or one letter apart.

    Two letters swapped count as one. Names under five letters and names that differ in a digit or a sign
    (gpt-2 and gpt-3; c, c++ and c#) are not compared by letters.
    """
    from rapidfuzz.distance import OSA

    by_key: dict[str, set[str]] = defaultdict(set)
    for tag in tags:
        by_key["=" + _squash(tag)].add(tag)
        if len(tag) >= 5:
            for at in range(len(tag)):
                by_key[tag[:at] + tag[at + 1 :]].add(tag)
            by_key[tag].add(tag)
    pairs = set()
    for key, group in by_key.items():
        ordered = sorted(group)
        for place, first in enumerate(ordered):
            for second in ordered[place + 1 :]:
                alike = key.startswith("=") or OSA.distance(first, second, score_cutoff=1) <= 1
                if alike and _signs(first) == _signs(second):
                    pairs.add((first, second))
    return sorted(pairs)


def is_spelling_of(name: str, tag: str) -> bool:
    """Whether both are one name but for separators and plurals.

    >>> is_spelling_of("Data Sets", "dataset"), is_spelling_of("c++", "c")
    (True, False)
    """
    return _squash(name) == _squash(tag) and _signs(normalize_tag(name)) == _signs(normalize_tag(tag))


def _squash(tag: str) -> str:
    return "".join(word.removesuffix("s") for word in re.split(r"[-. ]", normalize_tag(tag)))


def _signs(tag: str) -> str:
    return "".join(character for character in tag if not character.isalpha() and character not in "-_ .")
