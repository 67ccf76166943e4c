"""What is suspicious about a vocabulary, without being an error: warnings, each with the nearest existing tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import pyarrow as pa

from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.nearest import find_nearest_tags
from tagpipe.vocabulary.spelling import signs_of, squash_words
from tagpipe.vocabulary.vocabulary import Vocabulary, look_up, normalize_tag, normalize_tags, resolve_names


class LintKind(StrEnum):
    """What a warning is about."""

    UNKNOWN_PARENT = "unknown_parent"
    PARENT_IS_ALIAS = "parent_is_alias"
    NEAR_DUPLICATE = "near_duplicate"
    NEVER_USED = "never_used"


@dataclass(frozen=True)
class LintWarning:
    """A warning about `tag`: what `value` is suspicious, and the nearest existing tag (None if none is near)."""

    kind: LintKind
    tag: str
    value: str
    nearest: str | None


def find_warnings(
    vocabulary: Vocabulary, used_names: pa.StringArray, distinct: DistinctNames | None = None
) -> list[LintWarning]:
    """Unknown parents, near-duplicate spellings and never used tags. `used_names`: distinct raw tags.

    What a person has told apart is no near duplicate, nor the nearest. The stage validate does not know of that: the
    list is no input of a dataset, so that validation.json goes by the spelling alone.
    """
    apart = distinct or DistinctNames()
    used = set(look_up(normalize_tags(used_names), resolve_names(vocabulary)).tolist())
    findings = _find_odd_parents(vocabulary)
    findings += [
        LintWarning(LintKind.NEAR_DUPLICATE, second, second, first)
        for first, second in find_near_duplicates(vocabulary.tags)
        if not apart.holds(first, second)
    ]
    findings += [
        LintWarning(LintKind.NEVER_USED, tag, tag, None)
        for index, tag in enumerate(vocabulary.tags)
        if index not in used
    ]
    return _with_nearest(findings, vocabulary, apart)


def _find_odd_parents(vocabulary: Vocabulary) -> list[LintWarning]:
    names = resolve_names(vocabulary)
    findings = []
    for tag, parents in zip(vocabulary.tags, vocabulary.parents, strict=True):
        for parent in parents:
            index = names.get(normalize_tag(parent))
            if index is None:
                findings.append(LintWarning(LintKind.UNKNOWN_PARENT, tag, parent, None))
            elif normalize_tag(vocabulary.tags[index]) != normalize_tag(parent):
                findings.append(LintWarning(LintKind.PARENT_IS_ALIAS, tag, parent, vocabulary.tags[index]))
    return findings


def _with_nearest(findings: Iterable[LintWarning], vocabulary: Vocabulary, apart: DistinctNames) -> list[LintWarning]:
    """The findings, with the nearest tag of those that name none; all in one, for one by one it takes minutes."""
    values = list(dict.fromkeys(each.value for each in findings if each.nearest is None))
    found = zip(values, find_nearest_tags(values, vocabulary, apart), strict=True)
    nearest = {value: near[0] for value, near in found if near}
    return [each if each.nearest else replace(each, nearest=nearest.get(each.value)) for each in findings]


def find_near_duplicates(tags: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of tags that are probably one: alike but for separators and plurals, or one letter apart.

    Two letters swapped count as one. Names under five letters and names that differ in a digit or a sign
    (gpt-2 and gpt-3; c, c++ and c#) are not compared by letters.
    """
    from rapidfuzz.distance import OSA

    by_key: dict[str, set[str]] = defaultdict(set)
    signs: dict[str, str] = {}
    for tag in tags:
        signs[tag] = signs_of(tag)
        by_key["=" + squash_words(tag)].add(tag)
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
                if alike and signs[first] == signs[second]:
                    pairs.add((first, second))
    return sorted(pairs)
