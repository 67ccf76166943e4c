"""Rows that have an id in common: identical ones collapse, contradictory ones are rejected."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import RowFailure
from tagpipe.tables.schemas import ROW, Rejection
from tagpipe.tables.tag_lists import Bools, Int64s, TagLists, tag_lists_of


def collapse_duplicates(table: pa.Table, params: ValidateParams) -> tuple[pa.Table, Int64s, int, list[RowFailure]]:
    """Keep one of each group of identical rows, and reject rows of one id that differ.

    Returns the table with each id once, the order of its rows by ascending id, the number of identical rows left out,
    and the contradictory rows as failures.
    """
    order = np.asarray(pc.sort_indices(table.column("id"))).astype(np.int64)
    ids = table.column("id").combine_chunks().take(pa.array(order))
    repeats = np.asarray(pc.equal(ids[1:], ids[:-1])) if len(ids) > 1 else np.zeros(0, dtype=bool)
    if not repeats.any():
        return table, order, 0, []
    pairs = np.flatnonzero(repeats)
    groups = np.concatenate([[0], np.cumsum(~repeats)])
    contradictory = np.zeros(groups[-1] + 1, dtype=bool)
    contradictory[groups[pairs[~_rows_equal(table, order[pairs], order[pairs + 1])]]] = True
    is_rejected = contradictory[groups]
    is_repeat = np.concatenate([[False], repeats]) & ~is_rejected
    wrong = table.select([ROW, "id"]).take(pa.array(order[is_rejected]))
    failures = [
        RowFailure(row, params.fields["id"], Rejection.CONTRADICTORY_DUPLICATE, escape_shown(project_id))
        for row, project_id in zip(wrong.column(ROW).to_pylist(), wrong.column("id").to_pylist(), strict=True)
    ]
    stays = np.ones(table.num_rows, dtype=bool)
    stays[order[is_rejected | is_repeat]] = False
    new_row = np.cumsum(stays) - 1
    kept_order = new_row[order[~(is_rejected | is_repeat)]]
    return table.filter(pa.array(stays)), kept_order, int(is_repeat.sum()), failures


def _rows_equal(table: pa.Table, left: Int64s, right: Int64s) -> Bools:
    """For each i, True if rows `left[i]` and `right[i]` are equal in every field but the row number."""
    equal = np.ones(len(left), dtype=bool)
    for name in table.column_names:
        if name in (ROW, "tags"):
            continue
        column = table.column(name)
        if pa.types.is_string(column.type):
            column = pc.fill_null(column, "")  # missing text is empty text
        ours, theirs = column.take(pa.array(left)), column.take(pa.array(right))
        both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
        equal &= np.asarray(pc.or_(both_null, pc.fill_null(pc.equal(ours, theirs), False)))
    tags = tag_lists_of(table.column("tags"))
    ours, theirs = tags.take(left), tags.take(right)
    equal &= ours.lengths == theirs.lengths
    same = np.flatnonzero(equal)
    equal[same] = _lists_equal(ours.take(same), theirs.take(same))
    return equal


def _lists_equal(ours: TagLists, theirs: TagLists) -> Bools:
    """For each pair of lists, which have equal lengths, True if they hold the same tags in the same order."""
    n_different = np.concatenate([[0], np.cumsum(ours.codes != theirs.codes)])
    return np.asarray(n_different[ours.offsets[1:]] == n_different[ours.offsets[:-1]])
