"""Rows that have an id in common: identical ones collapse, contradictory ones are rejected.

The tags of a row are a set: in another order, or with one of them twice, it is the same row.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import RowFailure
from tagpipe.tables.schemas import ROW, Rejection
from tagpipe.tables.tag_lists import Bools, Int64s, TagLists, offsets_of, tag_lists_of


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
    _put_least_first(order, groups, repeats, tag_lists_of(table.column("tags")))
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
    equal &= _lists_equal(_as_sets(tags.take(left)), _as_sets(tags.take(right)))
    return equal


def _as_sets(lists: TagLists) -> TagLists:
    """Each list with every tag once, in the order of their codes."""
    rows = np.repeat(np.arange(len(lists.lengths)), lists.lengths)
    order = np.lexsort((lists.codes, rows))
    rows, codes = rows[order], lists.codes[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (codes[1:] != codes[:-1])
    return TagLists(offsets_of(np.bincount(rows[first], minlength=lists.n_rows)), codes[first], lists.values)


def _lists_equal(ours: TagLists, theirs: TagLists) -> Bools:
    """For each pair of lists, True if they hold the same tags in the same order."""
    equal: Bools = np.asarray(ours.lengths == theirs.lengths)
    same = np.flatnonzero(equal)
    ours, theirs = ours.take(same), theirs.take(same)
    n_different = np.concatenate([[0], np.cumsum(ours.codes != theirs.codes)])
    equal[same] = n_different[ours.offsets[1:]] == n_different[ours.offsets[:-1]]
    return equal


def _put_least_first(order: Int64s, groups: Int64s, repeats: Bools, tags: TagLists) -> None:
    """Where rows of one id have their tags in different orders, let the least order come first in `order`.

    The first row of a group is the one that is kept, and the order of the input must not show in the dataset.
    """
    pairs = np.flatnonzero(repeats)
    differ = ~_lists_equal(tags.take(order[pairs]), tags.take(order[pairs + 1]))
    for group in np.unique(groups[pairs[differ]]):
        places = np.arange(*np.searchsorted(groups, [group, group + 1]))
        lists = tags.take(order[places]).to_arrow().to_pylist()
        order[places] = order[places][sorted(range(len(places)), key=lists.__getitem__)]
