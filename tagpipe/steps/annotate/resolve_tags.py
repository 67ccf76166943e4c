"""Raw tags to tags of the vocabulary, and the ledger that says what became of each.

Everything is decided once per distinct raw tag and gathered by its code; repeats and the order of labelsets come from
comparing each list's codes at every distance. No loop runs over rows.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.params import AnnotateParams
from tagpipe.tables.ledger import OUTCOME_CODE, OUTCOMES, Outcomes, count_outcomes
from tagpipe.tables.schemas import Outcome, check_table, id_kind_of, labeled_projects, tag_uses
from tagpipe.tables.tag_lists import (
    Bools,
    Int32s,
    Int64s,
    TagLists,
    coded_text,
    find_repeats,
    offsets_after,
    offsets_of,
    positions_of,
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

SLICE_ROWS = 1 << 17
"""Projects per pass of the kernel: bounds its scratch memory and keeps it in the processor's cache."""

Array = npt.NDArray[Any]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Annotation:
    """What became of every tag use. Rows are those of the table that was annotated, in its order.

    rows: the validated projects. text: the fields that make up their text. labelsets: tags of each project before
    the cut, ascending; `values` is the vocabulary. raw: the raw tags of each project. normalized, tag_of: compared
    form and vocabulary index (-1: none) of each distinct raw tag. outcomes: of each raw use, as index into OUTCOMES.
    implied_rows, implied_tags: the tags added by `roll_up`, by row, then tag.
    """

    rows: pa.Table
    text: tuple[str, ...]
    labelsets: TagLists
    raw: TagLists
    normalized: pa.StringArray
    tag_of: Int32s
    outcomes: Outcomes
    implied_rows: Int64s
    implied_tags: Int32s
    vocabulary: Vocabulary

    @property
    def projects(self) -> pa.Table:
        """`schemas.labeled_projects` before the cut."""
        return self.select(np.arange(self.rows.num_rows))

    def select(self, rows: Int64s, labelsets: TagLists | None = None) -> pa.Table:
        """`schemas.labeled_projects` of `rows`, in that order, with their labelsets, or with those given.

        Text is composed a slice of the result at a time: the text of all projects never exists twice.
        """
        fields = self.rows.select(["id", "created_on", *self.text])
        slices = [
            _compose_slice(fields.take(pa.array(rows[at : at + SLICE_ROWS])), self.text)
            for at in range(0, max(len(rows), 1), SLICE_ROWS)
        ]
        lists = self.labelsets.take(rows) if labelsets is None else labelsets
        table = pa.concat_tables(slices).append_column("tags", lists.to_arrow())
        return check_table(table, labeled_projects(id_kind_of(self.rows)))

    @functools.cached_property
    def n_by_outcome(self) -> dict[str, int]:
        """Uses per outcome, every outcome in order."""
        return {**count_outcomes(self.outcomes), str(Outcome.IMPLIED): len(self.implied_rows)}

    @property
    def dropped_parents(self) -> pa.StringArray:
        """The distinct tags that the parents mode took from any project."""
        tags = gather(self.tag_of, self.raw.codes[self.outcomes == OUTCOME_CODE[Outcome.PARENT_DROPPED]])
        return self.labelsets.values.take(pa.array(np.flatnonzero(np.bincount(tags))))

    def count_out_of_vocabulary(self) -> tuple[pa.StringArray, Int64s]:
        """(distinct compared forms, projects with each that the vocabulary does not have)."""
        forms = self.normalized.dictionary_encode()
        out = self.raw.codes[self.outcomes == OUTCOME_CODE[Outcome.OUT_OF_VOCABULARY]]
        per_raw = np.bincount(out, minlength=len(self.normalized))
        counts = np.zeros(len(forms.dictionary), dtype=np.int64)
        np.add.at(counts, forms.indices.to_numpy(), per_raw)
        return forms.dictionary, counts

    def ledger(self, order: Int64s | None = None) -> pa.Table:
        """The ledger as a table (`schemas.tag_uses`), text columns coded; rows in `order` (None: as they are)."""
        raw, outcomes = self.raw, self.outcomes
        implied_rows, implied_tags = self.implied_rows, self.implied_tags
        ids = self.rows.column("id").combine_chunks()
        if order is not None:
            outcomes = outcomes[raw.uses_of(order)]
            raw, ids = raw.take(order), ids.take(pa.array(order))
            new_row = np.empty(len(order), dtype=np.int64)
            new_row[order] = np.arange(len(order))
            by_row = np.argsort(new_row[implied_rows], kind="stable")
            implied_rows, implied_tags = new_row[implied_rows][by_row], implied_tags[by_row]
        at = raw.offsets[implied_rows + 1]

        def with_implied(of_uses: Array, of_implied: Array | np.uint8 | int) -> Array:
            return np.insert(of_uses, at, of_implied) if len(at) else of_uses

        raw_tags = raw.sort_values()
        codes = with_implied(raw_tags.codes, -1)
        normalized = self.normalized.dictionary_encode()
        forms = TagLists(
            raw.offsets, gather(normalized.indices.to_numpy(), raw.codes), normalized.dictionary
        ).sort_values()
        rows = with_implied(np.repeat(np.arange(raw.n_rows), raw.lengths), implied_rows)
        columns = {
            "project_id": ids.take(pa.array(rows)),
            "position": pa.array(with_implied(positions_of(raw.offsets), -1), mask=codes < 0),
            "raw_tag": coded_text(codes, raw_tags.values, null_code=-1),
            "normalized_tag": coded_text(with_implied(forms.codes, -1), forms.values, null_code=-1),
            "tag": coded_text(
                with_implied(gather(self.tag_of, raw.codes), implied_tags),
                pa.array(self.vocabulary.tags, pa.string()),
                null_code=-1,
            ),
            "outcome": coded_text(
                with_implied(outcomes, OUTCOME_CODE[Outcome.IMPLIED]).astype(np.int32),
                pa.array(list(map(str, OUTCOMES))),
            ),
        }
        return check_table(pa.table(columns), tag_uses(id_kind_of(self.rows)))


def gather(table: npt.NDArray[Number], codes: Int32s) -> npt.NDArray[Number]:
    """`table[codes]`; where there are no distinct values there are no codes either."""
    return table[codes] if len(table) else np.zeros(0, dtype=table.dtype)


@dataclass(frozen=True)
class _Decision:
    """What is decided once per distinct raw tag: arrays over raw codes.

    forms: compared form. identities: vocabulary index, or len(vocabulary) + index of the form. tags: vocabulary
    index or -1. outcomes: of a first use.
    """

    forms: pa.StringArray
    identities: Int32s
    tags: Int32s
    outcomes: Outcomes
    included: Bools


@dataclass(frozen=True)
class _Closure:
    """All ancestors of each tag: those of tag t are `ancestors[offsets[t]:offsets[t + 1]]`."""

    offsets: Int64s
    ancestors: Int32s
    is_parent: Bools

    def pack(self, rows: Int64s, tags: Int32s) -> Int64s:
        """One integer for each (row, tag)."""
        return rows * len(self.is_parent) + tags

    def expand(self, rows: Int64s, tags: Int32s) -> tuple[Int64s, Int32s]:
        """(row, ancestor) for every ancestor of every (row, tag)."""
        lengths = np.diff(self.offsets)[tags]
        starts = offsets_of(lengths)
        at = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.offsets[tags], lengths)
        return np.repeat(rows, lengths), self.ancestors[at]


def annotate(projects: pa.Table, vocabulary: Vocabulary, params: AnnotateParams) -> Annotation:
    """Resolve, de-duplicate, include, exclude and treat parents (DESIGN section 2, steps 1-5).

    projects: the columns of `schemas.validated_projects`, in any order; each row is decided by itself.
    """
    raw = tag_lists_of(projects.column("tags"))
    decision = _decide(raw.values, vocabulary, params)
    closure = _close(vocabulary)
    bounds = [*range(0, max(raw.n_rows, 1), SLICE_ROWS), raw.n_rows]
    parts = [_annotate_rows(raw, first, last, decision, closure, params) for first, last in itertools.pairwise(bounds)]
    lists = TagLists(
        offsets_of(np.concatenate([part.lengths for part in parts])),
        np.concatenate([part.tags for part in parts]),
        pa.array(vocabulary.tags, pa.string()),
    )
    return Annotation(
        projects,
        params.text,
        lists,
        raw,
        decision.forms,
        decision.tags,
        np.concatenate([part.outcomes for part in parts]),
        np.concatenate([part.implied_rows for part in parts]),
        np.concatenate([part.implied_tags for part in parts]),
        vocabulary,
    )


def _compose_slice(fields: pa.Table, text: tuple[str, ...]) -> pa.Table:
    """id, created_on and the composed text."""
    return fields.select(["id", "created_on"]).append_column("text", compose_text(fields, text))


def compose_text(projects: pa.Table, parts: tuple[str, ...]) -> pa.ChunkedArray:
    """The parts joined by one space, empty ones skipped."""
    columns = [
        pa.chunked_array([_empty_as_null(chunk) for chunk in projects.column(name).chunks], pa.string())
        for name in parts
    ]
    # pyarrow 26 drops a row whose parts are all null.
    are_empty = functools.reduce(pc.and_, [column.is_null() for column in columns])
    if pc.any(are_empty, min_count=0).as_py():
        columns[0] = pc.if_else(are_empty, "", columns[0])
    return pc.binary_join_element_wise(*columns, " ", null_handling="skip")


def _empty_as_null(texts: pa.StringArray) -> pa.StringArray:
    """The same bytes, with a validity bitmap that has empty texts as null (`if_else` would copy every text)."""
    filled = pc.greater(pc.binary_length(texts), 0)
    return pa.Array.from_buffers(
        texts.type, len(texts), [_shift(filled, texts.offset), *texts.buffers()[1:]], offset=texts.offset
    )


def _shift(bits: pa.BooleanArray, offset: int) -> pa.Buffer:
    """The bitmap of `bits` with `offset` unused bits ahead of it."""
    padded = pa.concat_arrays([pa.array(np.zeros(offset, dtype=bool)), bits]) if offset or bits.offset else bits
    return padded.buffers()[1]


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
    """Indices of the tags that `exclude` names (by name or alias, compared as tags are); others are not there."""
    names = resolve_names(vocabulary, normalize=params.normalize, aliases=params.aliases)
    form = normalize_tag if params.normalize else str
    return sorted({names[form(name)] for name in params.exclude if form(name) in names})


def _close(vocabulary: Vocabulary) -> _Closure:
    ancestors = find_ancestors(vocabulary)
    is_parent = np.zeros(len(vocabulary.tags), dtype=bool)
    is_parent[[parent for parents in resolve_parents(vocabulary) for parent in parents]] = True
    lengths = np.fromiter(map(len, ancestors), np.int64, len(ancestors))
    flat = np.fromiter((up for of_tag in ancestors for up in of_tag), np.int32, int(lengths.sum()))
    return _Closure(offsets_of(lengths), flat, is_parent)


@dataclass(frozen=True)
class _Part:
    """One partition: outcomes of its raw uses, its implied tags, its labelsets (vocabulary indices, ascending)."""

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
    """Which uses have a tag that is an ancestor of another tag that their project carries."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    above = closure.pack(*closure.expand(rows[carried], tags[carried]))
    found = np.zeros(len(tags), dtype=bool)
    found[carried] = np.isin(closure.pack(rows[carried], tags[carried]), above)
    return found


def _find_implied(offsets: Int64s, labelsets: Int32s, decision: _Decision, closure: _Closure) -> tuple[Int64s, Int32s]:
    """(row, tag) of every ancestor that include and exclude allow and that its project does not carry."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    above_rows, above_tags = closure.expand(rows, labelsets)
    allowed = decision.included[above_tags]
    implied = np.setdiff1d(closure.pack(above_rows[allowed], above_tags[allowed]), closure.pack(rows, labelsets))
    found_rows, found_tags = np.divmod(implied, len(closure.is_parent))
    return found_rows, found_tags.astype(np.int32)
