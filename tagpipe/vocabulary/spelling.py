"""How names are spelt: what only parts their words, what two spellings of one name share, and how alike they are."""

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
"""Scores that are held at a time (16 MiB)."""

# A dash or dot between digits tells versions apart (3.5 and 35), a dot at an end belongs to the name (.net).
_SEPARATOR = re.compile(r"(?<=[^\W\d_])[-. ](?=[^\W_])|(?<=\d)[-. ](?=[^\W\d_])")


def join_words(name: str) -> str:
    """The normal form without what only separates words.

    >>> join_words("ML ops"), join_words("node.js"), join_words(".net"), join_words("gpt-3.5")
    ('mlops', 'nodejs', '.net', 'gpt3.5')
    """
    return _SEPARATOR.sub("", normalize_tag(name))


def list_singulars(joined: str) -> list[str]:
    """What the name (of `join_words`) may be the plural of."""
    found = []
    if joined.endswith("s") and not joined.endswith(("ss", "us", "is")):
        found.append(joined[:-1])
    if joined.endswith(("ses", "xes", "zes", "ches", "shes")):
        found.append(joined[:-2])
    if joined.endswith("ies"):
        found.append(joined[:-3] + "y")
    return [stem for stem in found if len(stem) >= _MIN_STEM and stem[-1].isalpha()]


def squash_words(name: str) -> str:
    """The normal form without separators, each word without an s at its end.

    Coarser than `join_words` with `list_singulars`, which are for names that nobody has looked at: here both names
    are in the vocabulary already.

    >>> squash_words("Words of GPUs"), squash_words("word-of-gpu")
    ('wordofgpu', 'wordofgpu')
    """
    return "".join(word.removesuffix("s") for word in re.split(r"[-. ]", normalize_tag(name)))


def signs_of(name: str) -> str:
    """Digits and signs of a name, in order: what must be the same in two spellings of one.

    >>> signs_of("c++"), signs_of("gpt-2"), signs_of("node.js")
    ('++', '2', '')
    """
    return "".join(character for character in join_words(name) if not character.isalpha() and character != "-")


def is_spelling_of(name: str, tag: str) -> bool:
    """Whether both are one name but for separators and plurals.

    >>> is_spelling_of("Data Sets", "dataset"), is_spelling_of("c++", "c")
    (True, False)
    """
    return squash_words(name) == squash_words(tag) and signs_of(name) == signs_of(tag)


def score_alike(
    forms: Sequence[str], names: Sequence[str], *, at_least: float
) -> Iterator[tuple[list[int], list[int], Scores]]:
    """(places of some forms, places of some names, ascending, how alike each form is to each name), of the same signs.

    Scores are rapidfuzz's ratio of the normal forms, 0-100, and 0 below `at_least`. names: in normal form. A form
    comes once at most, with all the names that it can reach that score with. 250,000 forms and 10,000 names take
    seconds.
    """
    from rapidfuzz import fuzz, process

    asked = [normalize_tag(form) for form in forms]
    part = at_least / (200 - at_least)  # of the longer one, below which a name is too short for the ratio
    for rows, columns in _group_by_signs(asked, names):
        lengths = [len(names[place]) for place in columns]
        step = max(_CELLS // len(columns), 1)
        for at in range(0, len(rows), step):
            some = rows[at : at + step]
            shortest, longest = len(asked[some[0]]), len(asked[some[-1]])
            low, high = bisect_left(lengths, int(shortest * part)), bisect_right(lengths, int(longest / part) + 1)
            near = sorted(columns[low:high])
            if near:
                queries, choices = [asked[place] for place in some], [names[place] for place in near]
                scores: Scores = process.cdist(
                    queries, choices, scorer=fuzz.ratio, score_cutoff=at_least, dtype=np.float64
                )
                yield some, near, scores


def _group_by_signs(forms: Sequence[str], names: Sequence[str]) -> Iterator[tuple[list[int], list[int]]]:
    """(places of the forms, of the names) for all signs that both have, each by length."""
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, texts in enumerate((forms, names)):
        for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
            groups[signs_of(texts[place])][side].append(place)
    return ((rows, columns) for rows, columns in groups.values() if rows and columns)
