"""Suggestions, for a person to judge: names outside the vocabulary that are probably another spelling of a tag.

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

from tagpipe.vocabulary.curation_lists import DistinctNames
from tagpipe.vocabulary.spelling import join_words, list_singulars, score_in_blocks
from tagpipe.vocabulary.vocabulary import Vocabulary, normalize_tag, resolve_names

MIN_SCORE = 88.0
_SAME_WORD = 75.0
"""Two words in the same place with a ratio below this are different words, not two spellings of one."""
_PREFIXES = (
    *("anti", "auto", "bi", "de", "dis", "few", "hyper", "il", "im", "in", "inter", "intra", "ir", "meta", "micro"),
    *("mis", "mono", "multi", "non", "one", "over", "post", "pre", "pseudo", "self", "semi", "sub", "super", "un"),
    *("under", "uni", "weakly", "zero"),
)
"""Prefixes that turn a word into another concept."""


class Kind(StrEnum):
    """How sure a suggestion is, the surest first."""

    VARIANT = "variant"
    FUZZY = "fuzzy"


@dataclass(frozen=True)
class Suggestion:
    """A form outside the vocabulary that may be another spelling of a tag."""

    form: str
    n_projects: int
    """Projects that write the form."""
    tag: str
    name: str
    """The name of the tag that the form is like: the tag itself or an alias, in normal form."""
    kind: Kind
    score: float
    """rapidfuzz ratio of form and name, 0-100."""
    doubt: str | None
    """What speaks against the suggestion, in words; None if nothing does."""


def suggest_aliases(
    counts: Mapping[str, int],
    vocabulary: Vocabulary,
    not_same: DistinctNames,
    *,
    ignored: Collection[str] = (),
    normalize: bool = True,
) -> list[Suggestion]:
    """The best suggestion for each form: variants first, then those without a doubt, then by projects and form.

    counts: form -> projects with it; forms that the vocabulary has are skipped. ignored: forms to skip as well.
    normalize: True if forms are compared in normal form (`annotate.normalize`).
    """
    names = {name: vocabulary.tags[index] for name, index in resolve_names(vocabulary).items()}
    skipped = {*ignored, *vocabulary.deprecated, *resolve_names(vocabulary, normalize=normalize)}
    forms = [form for form in counts if form not in skipped]
    distinct = not_same.within(vocabulary)
    best: dict[str, Suggestion] = {}
    for form, name, kind, score in (*_find_variants(forms, names), *_find_alike(forms, names)):
        doubt = _find_doubt(form, name, kind)
        suggestion = Suggestion(form, counts[form], names[name], name, kind, round(score, 1), doubt)
        if not distinct.holds(form, suggestion.tag) and (form not in best or _rank(suggestion) < _rank(best[form])):
            best[form] = suggestion
    return sorted(best.values(), key=lambda chosen: (*_rank(chosen)[:2], -chosen.n_projects, chosen.form))


def _rank(suggestion: Suggestion) -> tuple[bool, bool, float, str]:
    """Less is better."""
    return suggestion.kind != Kind.VARIANT, suggestion.doubt is not None, -suggestion.score, suggestion.name


def _find_variants(forms: Sequence[str], names: Mapping[str, str]) -> Iterator[tuple[str, str, Kind, float]]:
    """Pairs that differ only in separators or a plural, with their ratio."""
    from rapidfuzz import fuzz

    by_joined, by_singular = defaultdict(list), defaultdict(list)
    for name in names:
        joined = join_words(name)
        by_joined[joined].append(name)
        for singular in list_singulars(joined):
            by_singular[singular].append(name)
    for form in forms:
        joined = join_words(form)
        similar = [*by_joined.get(joined, ()), *by_singular.get(joined, ())]
        for singular in list_singulars(joined):
            similar += by_joined.get(singular, ())
        for name in dict.fromkeys(similar):  # signs are equal: only separators and plural letters were dropped
            yield form, name, Kind.VARIANT, fuzz.ratio(normalize_tag(form), name)


def _find_alike(forms: Sequence[str], names: Mapping[str, str]) -> Iterator[tuple[str, str, Kind, float]]:
    """Pairs with the same signs and a ratio of MIN_SCORE or more."""
    known = list(names)
    for rows, columns, scores in score_in_blocks(forms, known, at_least=MIN_SCORE):
        for row, column in np.argwhere(scores).tolist():
            yield forms[rows[row]], known[columns[column]], Kind.FUZZY, float(scores[row, column])


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
