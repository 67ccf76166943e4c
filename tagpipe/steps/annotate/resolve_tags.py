"""Raw tags to tags of the vocabulary, and the ledger that says what became of each.

Everything is decided once per distinct raw tag and gathered by its code; repeats and the order of labelsets come from
comparing each list's codes at every distance. No Python loop runs over rows.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tagpipe.params import AnnotateParams
from tagpipe.steps.annotate.annotation import SLICE_ROWS, Annotation, gather
from tagpipe.tables.ledger import OUTCOME_CODE, Outcomes
from tagpipe.tables.schemas import Outcome
from tagpipe.tables.tag_lists import (
    Bools,
    Int32s,
    Int64s,
    TagLists,
    find_repeats,
    offsets_after,
    offsets_of,
    sort_lists,
    tag_lists_of,
)
from tagpipe.vocabulary.vocabulary import (
    Vocabulary,
    find_ancestors,
    look_up,
    normalize_tag,
    normalize_tags,
    resolve_names,
    resolve_parents,
)


@dataclass(frozen=True)
class _Decision:
    """What is decided once per distinct raw tag: arrays over raw codes, but for `included`."""

    forms: pa.StringArray
    """Compared form."""
    identities: Int32s
    """Equal for uses that are duplicates of each other: vocabulary index, or len(vocabulary) + index of the form."""
    tags: Int32s
    """Vocabulary index; -1 where there is none."""
    outcomes: Outcomes
    """Of a first use on a project."""
    included: Bools
    """By vocabulary index: False for the tags that `annotate.exclude` names."""


@dataclass(frozen=True)
class _Closure:
    """All ancestors of each tag, flat."""

    offsets: Int64s
    """The ancestors of tag t are `ancestors[offsets[t]:offsets[t + 1]]`."""
    ancestors: Int32s
    is_parent: Bools
    """By vocabulary index."""

    def pack(self, rows: Int64s, tags: Int32s) -> Int64s:
        """One integer for each (row, tag)."""
        return rows * len(self.is_parent) + tags

    def expand(self, rows: Int64s, tags: Int32s) -> tuple[Int64s, Int32s]:
        """(row, ancestor) for every ancestor of every (row, tag)."""
        lengths = np.diff(self.offsets)[tags]
        starts = offsets_of(lengths)
        positions = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.offsets[tags], lengths)
        return np.repeat(rows, lengths), self.ancestors[positions]


def annotate(projects: pa.Table, vocabulary: Vocabulary, params: AnnotateParams) -> Annotation:
    """Resolve, de-duplicate, include, exclude and treat parents (DESIGN section 2, steps 1-5).

    projects: the columns of `schemas.validated_projects`, in any order of rows; no row depends on another.
    """
    raw = tag_lists_of(projects.column("tags"))
    decision = _decide(raw.values, vocabulary, params)
    closure = _close(vocabulary)
    bounds = [*range(0, max(raw.n_rows, 1), SLICE_ROWS), raw.n_rows]
    parts = [_annotate_rows(raw, first, last, decision, closure, params) for first, last in itertools.pairwise(bounds)]
    outcomes, implied_rows, implied_tags, lengths, tags = map(np.concatenate, zip(*parts, strict=True))
    return Annotation(
        rows=projects,
        text=params.text,
        labelsets=TagLists(offsets_of(lengths), tags, pa.array(vocabulary.tags, pa.string())),
        raw=raw,
        normalized=decision.forms,
        tag_of=decision.tags,
        outcomes=outcomes,
        implied_rows=implied_rows,
        implied_tags=implied_tags,
        vocabulary=vocabulary,
    )


def _decide(raw_values: pa.StringArray, vocabulary: Vocabulary, params: AnnotateParams) -> _Decision:
    forms = normalize_tags(raw_values) if params.normalize else raw_values
    tags = look_up(forms, resolve_names(vocabulary, normalize=params.normalize, aliases=params.aliases))
    by_name = look_up(forms, resolve_names(vocabulary, normalize=params.normalize, aliases=False)) >= 0
    included = np.ones(len(vocabulary.tags), dtype=bool)
    included[find_excluded(vocabulary, params)] = False
    coded = forms.dictionary_encode()
    identities = np.where(tags >= 0, tags, len(vocabulary.tags) + coded.indices.to_numpy()).astype(np.int32)
    outcomes = np.where(by_name, OUTCOME_CODE[Outcome.KEPT], OUTCOME_CODE[Outcome.ALIAS]).astype(np.uint8)
    if len(outcomes):
        outcomes[~included[tags]] = OUTCOME_CODE[Outcome.EXCLUDED]
    outcomes[tags < 0] = OUTCOME_CODE[Outcome.OUT_OF_VOCABULARY]
    return _Decision(forms, identities, tags, outcomes, included)


def find_excluded(vocabulary: Vocabulary, params: AnnotateParams) -> list[int]:
    """Indices of the tags that `exclude` names by tag or alias, ascending; names outside the vocabulary are ignored."""
    names = resolve_names(vocabulary, normalize=params.normalize, aliases=params.aliases)
    form = normalize_tag if params.normalize else str
    return sorted({names[form(name)] for name in params.exclude if form(name) in names})


def _close(vocabulary: Vocabulary) -> _Closure:
    ancestors = find_ancestors(vocabulary)
    is_parent = np.zeros(len(vocabulary.tags), dtype=bool)
    is_parent[[parent for parents in resolve_parents(vocabulary) for parent in parents]] = True
    lengths = np.fromiter(map(len, ancestors), np.int64, len(ancestors))
    flat = np.fromiter((ancestor for tag in ancestors for ancestor in tag), np.int32, int(lengths.sum()))
    return _Closure(offsets_of(lengths), flat, is_parent)


class _Part(NamedTuple):
    """`Annotation` of one slice of rows; labelsets as lengths and flat vocabulary indices."""

    outcomes: Outcomes
    implied_rows: Int64s
    implied_tags: Int32s
    lengths: Int64s
    tags: Int32s


def _annotate_rows(
    raw: TagLists, first: int, last: int, decision: _Decision, closure: _Closure, params: AnnotateParams
) -> _Part:
    """The kernel: rows `first`:`last`."""
    offsets = raw.offsets[first : last + 1] - raw.offsets[first]
    codes = raw.codes[raw.offsets[first] : raw.offsets[last]]
    outcomes = gather(decision.outcomes, codes)
    tags = gather(decision.tags, codes)
    repeats = find_repeats(offsets, gather(decision.identities, codes))
    outcomes[repeats] = OUTCOME_CODE[Outcome.DUPLICATE]
    is_in = (outcomes == OUTCOME_CODE[Outcome.KEPT]) | (outcomes == OUTCOME_CODE[Outcome.ALIAS])
    if params.parents in ("drop", "drop_if_child"):
        dropped = is_in & (
            closure.is_parent[tags]
            if params.parents == "drop"
            else _has_descendant(offsets, tags, ~repeats & (tags >= 0), closure)
        )
        outcomes[dropped] = OUTCOME_CODE[Outcome.PARENT_DROPPED]
        is_in &= ~dropped
    kept_offsets = offsets_after(is_in, offsets)
    labelsets = sort_lists(kept_offsets, tags[is_in])
    implied_rows, implied_tags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    if params.parents == "roll_up":
        implied_rows, implied_tags = _find_implied(kept_offsets, labelsets, decision, closure)
        labelsets = np.insert(labelsets, kept_offsets[implied_rows + 1], implied_tags)
        kept_offsets = kept_offsets + np.concatenate(
            [[0], np.cumsum(np.bincount(implied_rows, minlength=last - first))]
        )
        labelsets = sort_lists(kept_offsets, labelsets)
    return _Part(outcomes, implied_rows + first, implied_tags, np.diff(kept_offsets), labelsets)


def _has_descendant(offsets: Int64s, tags: Int32s, carried: Bools, closure: _Closure) -> Bools:
    """True for each use whose tag is an ancestor of another tag that its project carries.

    carried: False for uses that do not count: duplicates, and those outside the vocabulary.
    """
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    above = closure.pack(*closure.expand(rows[carried], tags[carried]))
    is_ancestor = np.zeros(len(tags), dtype=bool)
    is_ancestor[carried] = np.isin(closure.pack(rows[carried], tags[carried]), above)
    return is_ancestor


def _find_implied(offsets: Int64s, labelsets: Int32s, decision: _Decision, closure: _Closure) -> tuple[Int64s, Int32s]:
    """(row, tag) of every ancestor that `exclude` allows and its project does not carry yet, by row, then tag."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    above_rows, above_tags = closure.expand(rows, labelsets)
    allowed = decision.included[above_tags]
    implied = np.setdiff1d(closure.pack(above_rows[allowed], above_tags[allowed]), closure.pack(rows, labelsets))
    implied_rows, implied_tags = np.divmod(implied, len(closure.is_parent))
    return implied_rows, implied_tags.astype(np.int32)
