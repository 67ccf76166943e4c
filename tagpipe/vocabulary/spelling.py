"""Spellings of names: normal forms that ignore separators and plurals, and the similarity of two names."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tagpipe.vocabulary.vocabulary import normalize_tag

Scores = npt.NDArray[np.float64]

_MIN_STEM = 3
"""Letters that a plural must leave: cs is not the plural of c, nor css of cs."""
_CELLS = 1 << 21
"""Scores that are held in memory at a time (16 MiB)."""

# A dash or dot between digits tells versions apart (3.5 and 35), a dot at an end belongs to the name (.net).
_SEPARATOR = re.compile(r"(?<=[^\W\d_])[-. ](?=[^\W_])|(?<=\d)[-. ](?=[^\W\d_])")


def join_words(name: str) -> str:
    """The normal form without what only separates words.

    >>> join_words("ML ops"), join_words("node.js"), join_words(".net"), join_words("gpt-3.5")
    ('mlops', 'nodejs', '.net', 'gpt3.5')
    """
    return _SEPARATOR.sub("", normalize_tag(name))


def list_singulars(joined: str) -> list[str]:
    """The names that `joined` (a result of `join_words`) may be the plural of."""
    stems = []
    if joined.endswith("s") and not joined.endswith(("ss", "us", "is")):
        stems.append(joined[:-1])
    if joined.endswith(("ses", "xes", "zes", "ches", "shes")):
        stems.append(joined[:-2])
    if joined.endswith("ies"):
        stems.append(joined[:-3] + "y")
    return [stem for stem in stems if len(stem) >= _MIN_STEM and stem[-1].isalpha()]


def squash_words(name: str) -> str:
    """The normal form without separators, each word without an s at its end.

    Coarser than `join_words` with `list_singulars`: it is for names in the vocabulary, which a person has seen, while
    those two are for raw tags.

    >>> squash_words("Words of GPUs"), squash_words("word-of-gpu")
    ('wordofgpu', 'wordofgpu')
    """
    return "".join(word.removesuffix("s") for word in re.split(r"[-. ]", normalize_tag(name)))


def signs_of(name: str) -> str:
    """The digits and signs of a name, in order. Two spellings of one name have the same.

    >>> signs_of("c++"), signs_of("gpt-2"), signs_of("node.js")
    ('++', '2', '')
    """
    return "".join(character for character in join_words(name) if not character.isalpha() and character != "-")


def is_spelling_of(name: str, tag: str) -> bool:
    """True if the two differ only in separators and plurals.

    >>> is_spelling_of("Data Sets", "dataset"), is_spelling_of("c++", "c")
    (True, False)
    """
    return squash_words(name) == squash_words(tag) and signs_of(name) == signs_of(tag)


def score_in_blocks(
    forms: Sequence[str], names: Sequence[str], *, at_least: float
) -> Iterator[tuple[list[int], list[int], Scores]]:
    """Blocks of (indices of forms, indices of names in ascending order, scores of each form against each name).

    Scores are rapidfuzz's ratio of the normal forms, 0-100, and 0 below `at_least`. Only names with the same signs are
    compared. names: in normal form. A form is in one block at most, with all the names that can reach that score.
    250,000 forms and 10,000 names take seconds.
    """
    from rapidfuzz import fuzz, process

    asked = [normalize_tag(form) for form in forms]
    # The ratio cannot reach at_least if the shorter text has less than this part of the longer one's length.
    min_part = at_least / (200 - at_least)
    for rows, columns in _group_by_signs(asked, names):
        lengths = [len(names[column]) for column in columns]
        step = max(_CELLS // len(columns), 1)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            shortest, longest = len(asked[some[0]]), len(asked[some[-1]])
            low = bisect_left(lengths, int(shortest * min_part))
            high = bisect_right(lengths, int(longest / min_part) + 1)
            if near := sorted(columns[low:high]):
                queries, choices = [asked[row] for row in some], [names[column] for column in near]
                yield (
                    some,
                    near,
                    process.cdist(queries, choices, scorer=fuzz.ratio, score_cutoff=at_least, dtype=np.float64),
                )


def _group_by_signs(forms: Sequence[str], names: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """(indices of forms, indices of names), both by length, for each combination of signs that both sides have."""
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, texts in enumerate((forms, names)):
        for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
            groups[signs_of(texts[place])][side].append(place)
    return ((rows, columns) for rows, columns in groups.values() if rows and columns)
