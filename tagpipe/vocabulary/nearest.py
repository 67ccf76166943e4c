"""Which tag of the vocabulary a name is most like: perhaps it was meant."""

from __future__ import annotations

from collections.abc import Sequence

from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.spelling import Scores, score_alike
from tagpipe.vocabulary.vocabulary import Vocabulary, resolve_names

NEAR = 70.0
"""From which similarity (rapidfuzz ratio, 0-100) on a tag is near."""


def find_nearest(name: str, vocabulary: Vocabulary, distinct: DistinctNames | None = None) -> str | None:
    """The tag that `find_nearest_tags` finds for one name."""
    (found,) = find_nearest_tags([name], vocabulary, distinct)
    return found[0] if found else None


def find_nearest_tags(
    names: Sequence[str], vocabulary: Vocabulary, distinct: DistinctNames | None = None
) -> list[tuple[str, float] | None]:
    """(tag, similarity) of the tag whose name, or an alias of it, is most like each name; None where none is near.

    Similarity is rapidfuzz's ratio of the normal forms, 0-100; of equals, the first name by code points. Passed over
    are names that differ in a sign or a digit (c and c++, gpt-2 and gpt-3), what a person has told apart, and, for a
    tag, that tag itself.
    """
    known = sorted(resolve_names(vocabulary).items())
    own = {tag: index for index, tag in enumerate(vocabulary.tags)}
    apart = distinct or DistinctNames()
    found: list[tuple[str, float] | None] = [None] * len(names)
    for rows, columns, scores in score_alike(names, [form for form, _ in known], at_least=NEAR):
        indices = [known[place][1] for place in columns]
        for row, of_row in zip(rows, scores, strict=True):
            found[row] = _choose(names[row], of_row, indices, vocabulary, apart, own=own.get(names[row]))
    return found


def _choose(
    name: str, scores: Scores, indices: Sequence[int], vocabulary: Vocabulary, apart: DistinctNames, *, own: int | None
) -> tuple[str, float] | None:
    """The tag with the highest score that may be named. indices: of the tag behind each score."""
    left = scores.copy()
    while left[best := int(left.argmax())]:
        tag = vocabulary.tags[indices[best]]
        if indices[best] != own and not apart.holds(name, tag):
            return tag, float(left[best])
        left[best] = 0.0
    return None
