"""Which names outside the vocabulary are probably another spelling of a tag in it: suggestions, for a person to judge.

Two kinds. A `variant` differs in separators or in a plural alone (ml-ops and mlops, decision-tree and decision-trees).
A `fuzzy` one is spelt alike (rapidfuzz ratio of 88 or more), which proves little: supervised-learning is like
unsupervised-learning; `doubt` says what speaks against it. Names that differ in a sign or a digit are never
suggested as one (c, c++ and c#; gpt-2 and gpt-3), nor is what a person has called not the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tagpipe.core.curation import NotSame
from tagpipe.core.vocabulary import Vocabulary, normalize_tag, resolve_names

MIN_SCORE = 88.0
_MIN_STEM = 3
"""Letters that a plural must leave: cs is not the plural of c, nor css of cs."""
_CELLS = 1 << 22
"""Scores that are held at a time (16 MiB)."""
_SAME_WORD = 75.0
"""The ratio below which two words that stand in each other's place are other words, not two spellings."""
_PREFIXES = (
    *("anti", "auto", "bi", "de", "dis", "few", "hyper", "il", "im", "in", "inter", "intra", "ir", "meta", "micro"),
    *("mis", "mono", "multi", "non", "one", "over", "post", "pre", "pseudo", "self", "semi", "sub", "super", "un"),
    *("under", "uni", "weakly", "zero"),
)
"""What, in front of a word, makes another concept of it."""

# A dash or dot between digits tells versions apart (3.5 and 35), a dot at an end belongs to the name (.net).
_SEPARATOR = re.compile(r"(?<=[^\W\d_])[-. ](?=[^\W_])|(?<=\d)[-. ](?=[^\W\d_])")


class Kind(StrEnum):
    """How sure a suggestion is, the surest first."""

    VARIANT = "variant"
    FUZZY = "fuzzy"


@dataclass(frozen=True)
class Suggestion:
    """`form`, which `n_projects` projects carry, may be `tag`: it is like `name`, which is the tag or an alias of it.

    score: rapidfuzz ratio, 0-100. doubt: what speaks against it, in words; None where nothing is seen.
    """

    form: str
    n_projects: int
    tag: str
    name: str
    kind: Kind
    score: float
    doubt: str | None


def suggest_aliases(
    counts: Mapping[str, int],
    vocabulary: Vocabulary,
    not_same: NotSame,
    *,
    ignored: Collection[str] = (),
    normalize: bool = True,
) -> list[Suggestion]:
    """The best suggestion for each form, variants first, then those without a doubt, then by projects and form.

    counts: form -> projects with it; what the vocabulary has is passed over. ignored: forms that nobody wants to
    hear of. normalize: whether forms are compared in normal form (annotate.normalize).
    """
    names = {name: vocabulary.tags[index] for name, index in resolve_names(vocabulary).items()}
    passed = {*ignored, *vocabulary.deprecated, *resolve_names(vocabulary, normalize=normalize)}
    forms = [form for form in counts if form not in passed]
    rejected = _Rejected(vocabulary, not_same)
    found: dict[str, Suggestion] = {}
    for form, name, kind, score in (*_find_variants(forms, names), *_find_alike(forms, names)):
        each = Suggestion(form, counts[form], names[name], name, kind, round(score, 1), _find_doubt(form, name, kind))
        if not rejected.holds(form, each.tag) and (form not in found or _rank(each) < _rank(found[form])):
            found[form] = each
    return sorted(found.values(), key=lambda each: (*_rank(each)[:2], -each.n_projects, each.form))


def _rank(each: Suggestion) -> tuple[bool, bool, float, str]:
    return each.kind != Kind.VARIANT, each.doubt is not None, -each.score, each.name


class _Rejected:
    """Pairs that a person has called not the same, whichever of its names a tag had then."""

    def __init__(self, vocabulary: Vocabulary, not_same: NotSame) -> None:
        self._not_same = not_same
        self._names = {tag: (tag, *aliases) for tag, aliases in zip(vocabulary.tags, vocabulary.aliases, strict=True)}

    def holds(self, form: str, tag: str) -> bool:
        own = normalize_tag(form)
        return any(self._not_same.holds(own, normalize_tag(name)) for name in self._names[tag])


def _find_variants(forms: Sequence[str], names: Mapping[str, str]) -> Iterator[tuple[str, str, Kind, float]]:
    from rapidfuzz import fuzz

    by_joined, by_singular = defaultdict(list), defaultdict(list)
    for name in names:
        joined = join_words(name)
        by_joined[joined].append(name)
        for singular in _singulars(joined):
            by_singular[singular].append(name)
    for form in forms:
        joined = join_words(form)
        alike = [*by_joined.get(joined, ()), *by_singular.get(joined, ())]
        for singular in _singulars(joined):
            alike += by_joined.get(singular, ())
        for name in dict.fromkeys(alike):
            if signs_of(name) == signs_of(form):
                yield form, name, Kind.VARIANT, fuzz.ratio(normalize_tag(form), name)


def join_words(name: str) -> str:
    """The normal form without what only separates words.

    >>> join_words("ML ops"), join_words("node.js"), join_words(".net"), join_words("gpt-3.5")
    ('mlops', 'nodejs', '.net', 'gpt3.5')
    """
    return _SEPARATOR.sub("", normalize_tag(name))


def _singulars(joined: str) -> list[str]:
    """What the name may be the plural of."""
    found = []
    if joined.endswith("s") and not joined.endswith(("ss", "us", "is")):
        found.append(joined[:-1])
    if joined.endswith(("ses", "xes", "zes", "ches", "shes")):
        found.append(joined[:-2])
    if joined.endswith("ies"):
        found.append(joined[:-3] + "y")
    return [stem for stem in found if len(stem) >= _MIN_STEM and stem[-1].isalpha()]


def signs_of(name: str) -> str:
    """Digits and signs of a name, in order: what must be the same in two spellings of one.

    >>> signs_of("c++"), signs_of("gpt-2"), signs_of("node.js")
    ('++', '2', '')
    """
    return "".join(character for character in join_words(name) if not character.isalpha() and character != "-")


def _find_alike(forms: Sequence[str], names: Mapping[str, str]) -> Iterator[tuple[str, str, Kind, float]]:
    """Pairs with the same signs and a ratio of MIN_SCORE or more."""
    by_signs: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, texts in enumerate((forms, names)):
        for text in texts:
            by_signs[signs_of(text)][side].append(text)
    for some_forms, some_names in by_signs.values():
        if some_forms and some_names:
            yield from _score(some_forms, some_names)


def _score(forms: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str, Kind, float]]:
    from rapidfuzz import fuzz, process

    step = max(_CELLS // len(names), 1)
    for at in range(0, len(forms), step):
        some = [normalize_tag(form) for form in forms[at : at + step]]
        scores: npt.NDArray[np.float32] = process.cdist(
            some, names, scorer=fuzz.ratio, score_cutoff=MIN_SCORE, dtype=np.float32, workers=1
        )
        for row, column in np.argwhere(scores >= MIN_SCORE).tolist():
            yield forms[at + row], names[column], Kind.FUZZY, float(scores[row, column])


def _find_doubt(form: str, name: str, kind: Kind) -> str | None:
    if kind == Kind.VARIANT:
        return None
    ours, theirs = re.split("[-. ]", normalize_tag(form)), re.split("[-. ]", name)
    only_ours = [word for word in ours if word not in theirs]
    only_theirs = [word for word in theirs if word not in ours]
    for prefix in _PREFIXES:
        if _is_prefixed(prefix, only_ours, only_theirs) or _is_prefixed(prefix, only_theirs, only_ours):
            return f"{prefix}- makes another word of it"
    if bool(only_ours) != bool(only_theirs):
        return f"one says {'-'.join(only_ours or only_theirs)} besides"
    return _find_other_word(only_ours, only_theirs)


def _is_prefixed(prefix: str, longer: Sequence[str], shorter: Sequence[str]) -> bool:
    """unsupervised beside supervised; self-supervised beside supervised; self beside nothing."""
    return any(prefix + word in longer for word in shorter) or (prefix in longer and prefix not in shorter)


def _find_other_word(ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    from rapidfuzz import fuzz

    if len(ours) != len(theirs):
        return None
    for our, their in zip(ours, theirs, strict=True):
        if fuzz.ratio(our, their) < _SAME_WORD:
            return f"{our} is another word than {their}"
    return None
