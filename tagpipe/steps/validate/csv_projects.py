"""Received CSV bytes to a loosely typed table of projects. Every cell is text; an empty cell is a missing one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tagpipe.errors import escape_shown
from tagpipe.formats.csv_cells import read_cells
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import ReceivedRows, RowFailure, check_fields, code_tags, field_types
from tagpipe.tables.schemas import CODED_TEXT, ROW, Rejection

_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,17})$"
"""Without leading zeros: as integers, the ids 001 and 1 would be one."""


def read_csv_projects(data: bytes, params: ValidateParams, *, file: str) -> ReceivedRows:
    """All rows of a CSV file with a header (RFC 4180; a byte order mark is allowed, spreadsheets write one).

    Raises InputError where the header is wrong or the file is not CSV.
    """
    cells, misfits = read_cells(data, file=file)
    rows = _number_rows(cells.num_rows, misfits)
    missing = pa.scalar(None, pa.string())
    named = zip(cells.column_names, cells.columns, strict=True)
    columns = {name: pc.if_else(pc.equal(column, ""), missing, column) for name, column in named}
    fields = dict.fromkeys(cells.column_names, "")
    check_fields(fields, params.required, params, file=file)
    shape = field_types(fields, params)
    failures = [RowFailure(row, None, Rejection.WRONG_FIELD_COUNT, escape_shown(text)) for row, text in misfits]
    table = {ROW: pa.chunked_array([rows])}
    failed = np.zeros(cells.num_rows, dtype=bool)
    for name, source in params.fields.items():
        column = columns.get(source, pa.chunked_array([pa.nulls(cells.num_rows, pa.string())]))
        if pa.types.is_integer(shape.types[name]):
            numbers, wrong = _read_integers(column)
            failures.extend(
                RowFailure(rows[index].as_py(), source, Rejection.WRONG_TYPE, escape_shown(column[index].as_py()))
                for index in np.flatnonzero(wrong)
            )
            failed |= wrong
            column = numbers
        table[name] = column
    # An empty cell is all that CSV has for a project without tags.
    table["tags"] = pa.chunked_array(
        [code_tags(chunk.fill_null(""), params.tags_separator) for chunk in table["tags"].chunks], pa.list_(CODED_TEXT)
    )

    def read_rows(wanted: list[int]) -> Iterator[tuple[int, object]]:
        texts = dict(misfits)
        indices = {row: index for index, row in enumerate(rows.to_pylist())}
        for row in sorted(set(wanted)):
            yield row, texts[row] if row in texts else cells.slice(indices[row], 1).to_pylist()[0]

    kept = pa.table(table)
    if failed.any():
        kept = kept.filter(pa.array(~failed))
    return ReceivedRows(kept, tuple(failures), cells.num_rows + len(misfits), read_rows)


def _number_rows(n_good: int, misfits: list[tuple[int, str]]) -> pa.Array:
    """Row numbers (from 1) of the good rows: all but the misfits'."""
    every = np.arange(1, n_good + len(misfits) + 1)
    return pa.array(np.delete(every, [row - 1 for row, _ in misfits]))


def _read_integers(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """(int64 column, True for each row that holds something else than an integer of at most 18 digits)."""
    is_integer = pc.match_substring_regex(pc.utf8_trim_whitespace(texts), _INTEGER)
    wrong = np.asarray(pc.fill_null(pc.invert(is_integer), False))
    clean = pc.if_else(pc.fill_null(is_integer, False), pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string()))
    return pc.cast(pc.replace_substring_regex(clean, r"^\+", ""), pa.int64()), wrong
