"""Warnings about a vocabulary: suspicious entries that are not errors, each with the nearest existing tag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import pyarrow as pa

from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.nearest import find_nearest_tags
from tagpipe.vocabulary.spelling import signs_of, squash_words
from tagpipe.vocabulary.vocabulary import Vocabulary, look_up, normalize_tag, normalize_tags, resolve_names


class LintKind(StrEnum):
    """The subject of a warning."""

    UNKNOWN_PARENT = "unknown_parent"
    PARENT_IS_ALIAS = "parent_is_alias"
    NEAR_DUPLICATE = "near_duplicate"
    NEVER_USED = "never_used"


@dataclass(frozen=True)
class LintWarning:
    """Something suspicious about an entry of the vocabulary."""

    kind: LintKind
    tag: str
    """The entry."""
    value: str
    """The suspicious name: the tag itself, or one of its parents."""
    nearest: str | None
    """The nearest existing tag; None if none is near."""


def find_warnings(
    vocabulary: Vocabulary, used_names: pa.StringArray, distinct: DistinctNames | None = None
) -> list[LintWarning]:
    """Unknown parents, near-duplicate spellings and never used tags. `used_names`: distinct raw tags.

    Two names that are recorded as distinct are not near-duplicates, nor is one the nearest of the other. The validate
    stage passes no such list, because curation lists are not inputs of a dataset: validation.json goes by the spelling
    alone.
    """
    distinct_names = distinct or DistinctNames()
    used = set(look_up(normalize_tags(used_names), resolve_names(vocabulary)).tolist())
    findings = _find_odd_parents(vocabulary)
    findings += [
        LintWarning(LintKind.NEAR_DUPLICATE, second, second, first)
        for first, second in find_near_duplicates(vocabulary.tags)
        if not distinct_names.holds(first, second)
    ]
    unused = (tag for index, tag in enumerate(vocabulary.tags) if index not in used)
    findings += [LintWarning(LintKind.NEVER_USED, tag, tag, None) for tag in unused]
    return _with_nearest(findings, vocabulary, distinct_names)


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


def _with_nearest(
    findings: Iterable[LintWarning], vocabulary: Vocabulary, distinct_names: DistinctNames
) -> list[LintWarning]:
    """The findings, each with its nearest tag. One call for all, because a call for each takes minutes."""
    values = list(dict.fromkeys(finding.value for finding in findings if finding.nearest is None))
    matches = zip(values, find_nearest_tags(values, vocabulary, distinct_names), strict=True)
    nearest = {value: match[0] for value, match in matches if match}
    return [
        finding if finding.nearest else replace(finding, nearest=nearest.get(finding.value)) for finding in findings
    ]


def find_near_duplicates(tags: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of tags that are probably the same: they differ only in separators and plurals, or in one letter.

    Two letters swapped count as one. Names under five letters and names that differ in a digit or a sign
    (gpt-2 and gpt-3; c, c++ and c#) are not compared by letters.
    """
    from rapidfuzz.distance import OSA

    by_key: dict[str, set[str]] = defaultdict(set)
    signs = {tag: signs_of(tag) for tag in tags}
    for tag in signs:
        by_key["=" + squash_words(tag)].add(tag)
        if len(tag) >= 5:
            # Tags one edit or swap apart share a text with one letter left out; so only those meet in a group.
            for index in range(len(tag)):
                by_key[tag[:index] + tag[index + 1 :]].add(tag)
            by_key[tag].add(tag)
    pairs = set()
    for key, group in by_key.items():
        for first, second in combinations(sorted(group), 2):
            is_alike = key.startswith("=") or OSA.distance(first, second, score_cutoff=1) <= 1
            if is_alike and signs[first] == signs[second]:
                pairs.add((first, second))
    return sorted(pairs)
