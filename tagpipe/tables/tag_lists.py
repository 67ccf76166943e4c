"""Lists of tags as three flat arrays: the form in which everything is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.schemas import CODED_TEXT

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PAIRWISE_LENGTH = 16
"""Lists up to this long are compared element by element at every distance, longer ones (few) are sorted."""


@dataclass(frozen=True)
class TagLists:
    """One list of texts a row: row i holds `values[codes[offsets[i]:offsets[i + 1]]]`."""

    offsets: Int64s
    """Where each list begins, and the end of the last: one more than rows."""
    codes: Int32s
    """Of each use, the index of its text in `values`."""
    values: pa.StringArray
    """Distinct texts; not all need be in use."""

    @property
    def n_rows(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Int64s:
        """Uses per row."""
        return np.diff(self.offsets)

    def uses_of(self, rows: Int64s) -> Int64s:
        """Indices into `codes` of all uses of `rows`, in the order of `rows`."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        starts = np.repeat(self.offsets[:-1][rows] - (ends - lengths), lengths)
        uses: Int64s = np.arange(len(starts)) + starts
        return uses

    def take(self, rows: Int64s) -> TagLists:
        """The lists of `rows`, in that order."""
        return TagLists(offsets_of(self.lengths[rows]), self.codes[self.uses_of(rows)], self.values)

    @property
    def used_values(self) -> pa.StringArray:
        """The distinct texts that are in any list."""
        return self.values.take(pa.array(self._find_used()))

    def _find_used(self) -> Int64s:
        return np.flatnonzero(np.bincount(self.codes, minlength=len(self.values)))

    def sort_values(self) -> TagLists:
        """The same lists, with only the values in use, ascending, so that no order of the input shows in a file."""
        used = self._find_used()
        values = self.values.take(pa.array(used))
        order = np.asarray(pc.sort_indices(values))
        new_code = np.zeros(len(self.values), dtype=np.int32)
        new_code[used[order]] = np.arange(len(used))
        codes = new_code[self.codes] if len(self.codes) else self.codes
        return TagLists(self.offsets, codes, values.take(pa.array(order)))

    def to_arrow(self) -> pa.ListArray:
        """A list column with coded elements."""
        return pa.ListArray.from_arrays(
            pa.array(self.offsets.astype(np.int32)),
            pa.DictionaryArray.from_arrays(pa.array(self.codes), self.values),
        )


def offsets_of(lengths: Int64s) -> Int64s:
    """Where each list begins, and the end of the last."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def offsets_after(mask: Bools, offsets: Int64s) -> Int64s:
    """The offsets of the lists once only the uses of `mask` are left."""
    n_before = np.zeros(len(mask) + 1, dtype=np.int64)
    np.cumsum(mask, out=n_before[1:])
    return n_before[offsets]


def positions_of(offsets: Int64s) -> Int32s:
    """The position of every use in its own list, from 0."""
    n_uses = int(offsets[-1])
    return np.arange(n_uses, dtype=np.int32) - np.repeat(offsets[:-1].astype(np.int32), np.diff(offsets))


def find_repeats(offsets: Int64s, keys: Int32s) -> Bools:
    """True for each use whose key occurs earlier in its own list."""
    repeats = np.zeros(len(keys), dtype=bool)
    positions = positions_of(offsets)
    for distance in range(1, _pairwise_limit(offsets)):
        same = keys[distance:] == keys[:-distance]
        same &= positions[distance:] >= distance
        repeats[distance:] |= same
    for uses, rows in _long_lists(offsets):
        order = np.lexsort((uses, keys[uses], rows))
        again = (np.diff(rows[order]) == 0) & (np.diff(keys[uses][order]) == 0)
        repeats[uses[order][1:]] = again
    return repeats


def sort_lists(offsets: Int64s, keys: Int32s) -> Int32s:
    """The keys, ascending within each list; no list may hold a key twice."""
    # A key's place is the number of smaller ones in its list, counted at every distance: for lists of a few tags that
    # is several times faster than sorting (row, key) pairs.
    positions = positions_of(offsets)
    places = positions.copy()
    for distance in range(1, _pairwise_limit(offsets)):
        swap = keys[distance:] < keys[:-distance]
        swap &= positions[distance:] >= distance
        places[distance:] -= swap
        places[:-distance] += swap
    result = np.empty_like(keys)
    result[np.arange(len(keys)) + (places - positions)] = keys
    for uses, rows in _long_lists(offsets):
        result[uses] = keys[uses][np.lexsort((keys[uses], rows))]
    return result


def _pairwise_limit(offsets: Int64s) -> int:
    """One more than the largest distance to compare at."""
    longest = int(np.diff(offsets).max(initial=0))
    return min(longest, PAIRWISE_LENGTH)


def _long_lists(offsets: Int64s) -> list[tuple[Int64s, Int64s]]:
    """(uses, their rows) of all lists that are longer than PAIRWISE_LENGTH, in one pair; no pair if there is none."""
    lengths = np.diff(offsets)
    rows = np.flatnonzero(lengths > PAIRWISE_LENGTH)
    if not len(rows):
        return []
    starts = offsets_of(lengths[rows])
    uses = np.arange(starts[-1]) + np.repeat(offsets[:-1][rows] - starts[:-1], lengths[rows])
    return [(uses, np.repeat(rows, lengths[rows]))]


def tag_lists_of(column: pa.ChunkedArray) -> TagLists:
    """The flat form of a list column of texts, plain or coded; a null list counts as an empty one."""
    lengths = [np.asarray(chunk.value_lengths().fill_null(0), dtype=np.int64) for chunk in column.chunks]
    flat = [chunk.flatten() for chunk in column.chunks]
    texts, codes = decode_codes(pa.chunked_array(flat, type=column.type.value_type))
    return TagLists(offsets_of(np.concatenate([np.zeros(0, dtype=np.int64), *lengths])), codes, texts)


def decode_codes(texts: pa.ChunkedArray) -> tuple[pa.StringArray, Int32s]:
    """(distinct values, code of every row) of a text column without nulls, plain or coded."""
    if not pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_encode()
    # Without one dictionary for all chunks, the codes of two chunks would not mean the same texts.
    texts = texts.cast(CODED_TEXT).unify_dictionaries()
    if texts.num_chunks == 0:
        return pa.array([], pa.string()), np.zeros(0, dtype=np.int32)
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in texts.chunks]
    joined = codes[0] if len(codes) == 1 else np.concatenate(codes)
    return texts.chunk(0).dictionary, joined.astype(np.int32, copy=False)


def coded_text(codes: Int32s, values: pa.Array, *, null_code: int | None = None) -> pa.DictionaryArray:
    """A coded text column; rows with `null_code` are null."""
    mask = None if null_code is None else codes == null_code
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), values)


def take_rows(table: pa.Table, rows: Int64s) -> pa.Table:
    """`table.take(rows)`, with the values of the column `tags` sorted (`TagLists.sort_values`)."""
    lists = tag_lists_of(table.column("tags")).take(rows).sort_values()
    taken = table.drop_columns("tags").take(pa.array(rows))
    return taken.add_column(table.column_names.index("tags"), "tags", lists.to_arrow())
