"""The annotated projects: tags and text of each, and the ledger of what became of every tag use."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.ledger import OUTCOME_CODE, OUTCOMES, Outcomes, count_outcomes
from tagpipe.tables.schemas import Outcome, check_table, id_kind_of, labeled_projects, tag_uses
from tagpipe.tables.tag_lists import Int32s, Int64s, TagLists, coded_text, positions_of
from tagpipe.vocabulary.vocabulary import Vocabulary

SLICE_ROWS = 1 << 17
"""Projects per pass of the kernel: bounds its scratch memory and keeps it in the processor's cache."""


Array = npt.NDArray[Any]


Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Annotation:
    """What became of every tag use, in the order of the projects that were annotated."""

    rows: pa.Table
    """The validated projects."""
    text: tuple[str, ...]
    """The fields that make up a project's text."""
    labelsets: TagLists
    """Tags of each project before the cut, ascending; `values` is the vocabulary."""
    raw: TagLists
    """Raw tags of each project."""
    normalized: pa.StringArray
    """Compared form of each distinct raw tag."""
    tag_of: Int32s
    """Vocabulary index of each distinct raw tag; -1 where it has none."""
    outcomes: Outcomes
    """Of each use of a raw tag, as index into OUTCOMES."""
    implied_rows: Int64s
    """Row of each tag added by `roll_up`, ascending; within a row by tag."""
    implied_tags: Int32s
    """Vocabulary index of each tag added by `roll_up`."""
    vocabulary: Vocabulary

    @property
    def projects(self) -> pa.Table:
        """`schemas.labeled_projects` before the cut."""
        return self.select(np.arange(self.rows.num_rows))

    def select(self, rows: Int64s, labelsets: TagLists | None = None) -> pa.Table:
        """`schemas.labeled_projects` of `rows`, in that order, with their own labelsets or the given ones.

        Text is composed a slice of the result at a time: the text of all projects never exists twice.
        """
        fields = self.rows.select(["id", "created_on", *self.text])
        slices = [
            _compose_slice(fields.take(pa.array(rows[start : start + SLICE_ROWS])), self.text)
            for start in range(0, max(len(rows), 1), SLICE_ROWS)
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
        """The distinct tags that the parents mode dropped from at least one project."""
        tags = gather(self.tag_of, self.raw.codes[self.outcomes == OUTCOME_CODE[Outcome.PARENT_DROPPED]])
        return self.labelsets.values.take(pa.array(np.flatnonzero(np.bincount(tags))))

    def count_out_of_vocabulary(self) -> tuple[pa.StringArray, Int64s]:
        """(distinct compared forms, for each the projects that have it outside the vocabulary: 0 if it is a tag)."""
        forms = self.normalized.dictionary_encode()
        out = self.raw.codes[self.outcomes == OUTCOME_CODE[Outcome.OUT_OF_VOCABULARY]]
        per_raw = np.bincount(out, minlength=len(self.normalized))
        counts = np.zeros(len(forms.dictionary), dtype=np.int64)
        np.add.at(counts, forms.indices.to_numpy(), per_raw)
        return forms.dictionary, counts

    def ledger(self, order: Int64s | None = None) -> pa.Table:
        """The ledger as a table (`schemas.tag_uses`), text columns coded; rows in `order` (None: as they stand)."""
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
        # Implied tags follow the raw ones of their project.
        implied_at = raw.offsets[implied_rows + 1]

        def with_implied(of_uses: Array, of_implied: Array | np.uint8 | int) -> Array:
            return np.insert(of_uses, implied_at, of_implied) if len(implied_at) else of_uses

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
    """`table[codes]`, also for an empty table, which numpy refuses to index; there are no codes then."""
    return table[codes] if len(table) else np.zeros(0, dtype=table.dtype)


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
