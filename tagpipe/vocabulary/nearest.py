"""The tag of the vocabulary that a name is most like, and so may have been meant."""

from __future__ import annotations

from collections.abc import Sequence

from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.spelling import Scores, score_in_blocks
from tagpipe.vocabulary.vocabulary import Vocabulary, resolve_names

NEAR = 70.0
"""The least similarity (rapidfuzz ratio, 0-100) of a tag that is near."""


def find_nearest(name: str, vocabulary: Vocabulary, distinct: DistinctNames | None = None) -> str | None:
    """The tag that `find_nearest_tags` finds for one name."""
    (match,) = find_nearest_tags([name], vocabulary, distinct)
    return match[0] if match else None


def find_nearest_tags(
    names: Sequence[str], vocabulary: Vocabulary, distinct: DistinctNames | None = None
) -> list[tuple[str, float] | None]:
    """For each name, (tag, similarity) of the tag that is most like it by its name or an alias; None if none is near.

    Similarity is rapidfuzz's ratio of the normal forms, 0-100; among equals, the first name by code points wins.
    Names that differ in a sign or a digit (c and c++, gpt-2 and gpt-3), pairs recorded as distinct, and the name itself
    are passed over.
    """
    known = sorted(resolve_names(vocabulary).items())
    own = {tag: index for index, tag in enumerate(vocabulary.tags)}
    distinct_names = distinct or DistinctNames()
    nearest: list[tuple[str, float] | None] = [None] * len(names)
    for rows, columns, scores in score_in_blocks(names, [form for form, _ in known], at_least=NEAR):
        indices = [known[column][1] for column in columns]
        for row, of_row in zip(rows, scores, strict=True):
            nearest[row] = _choose(names[row], of_row, indices, vocabulary, distinct_names, own=own.get(names[row]))
    return nearest


def _choose(
    name: str,
    scores: Scores,
    indices: Sequence[int],
    vocabulary: Vocabulary,
    distinct_names: DistinctNames,
    *,
    own: int | None,
) -> tuple[str, float] | None:
    """The highest-scoring tag that is not passed over. indices: the tag of each score. own: the tag that `name` is."""
    # Nearly always the first maximum is the answer, so sorting the scores would be wasted.
    left = scores.copy()
    while left[best := int(left.argmax())]:
        tag = vocabulary.tags[indices[best]]
        if indices[best] != own and not distinct_names.holds(name, tag):
            return tag, float(left[best])
        left[best] = 0.0
    return None
