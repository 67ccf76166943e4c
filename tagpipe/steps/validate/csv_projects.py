"""Received CSV bytes to a loosely typed table of projects. Every cell is text; an empty cell is a missing one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tagpipe.errors import InputError, escape_shown
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.json_projects import Received, RowFailure, check_fields, code_tags, shape_of
from tagpipe.tables.schemas import CODED_TEXT, ROW, Rejection

_INTEGER = r"^[+-]?[0-9]{1,18}$"


def read_csv_projects(data: bytes, params: ValidateParams, *, file: str) -> Received:
    """All rows of a CSV file with a header (RFC 4180; a byte order mark is allowed, spreadsheets write one).

    Raises InputError where the header is wrong or the file is not CSV.
    """
    cells, misfits = read_cells(data, file=file)
    rows = _number_rows(cells.num_rows, misfits)
    missing = pa.scalar(None, pa.string())
    columns = {name: pc.if_else(pc.equal(column, ""), missing, column) for name, column in _items(cells)}
    fields = dict.fromkeys(cells.column_names, "")
    check_fields(fields, params.required, params, file=file)
    shape = shape_of(fields, params)
    failures = [RowFailure(row, None, Rejection.WRONG_FIELD_COUNT, escape_shown(text)) for row, text in misfits]
    table = {ROW: pa.chunked_array([rows])}
    failed = np.zeros(cells.num_rows, dtype=bool)
    for name, source in params.fields.items():
        column = columns.get(source, pa.chunked_array([pa.nulls(cells.num_rows, pa.string())]))
        if pa.types.is_integer(shape.types[name]):
            column, wrong = _read_integers(column)
            failures.extend(
                RowFailure(
                    int(rows[at].as_py()),
                    source,
                    Rejection.WRONG_TYPE,
                    escape_shown(columns[source][at].as_py()),
                )
                for at in np.flatnonzero(wrong)
            )
            failed |= wrong
        table[name] = column
    # An empty cell is all that CSV has for a project without tags.
    table["tags"] = pa.chunked_array(
        [code_tags(chunk.fill_null(""), params.tags_separator) for chunk in table["tags"].chunks], pa.list_(CODED_TEXT)
    )

    def read_rows(wanted: list[int]) -> Iterator[tuple[int, object]]:
        texts = dict(misfits)
        places = {int(row): at for at, row in enumerate(rows.to_numpy())}
        for row in sorted(set(wanted)):
            yield row, texts[row] if row in texts else cells.slice(places[row], 1).to_pylist()[0]

    kept = pa.table(table)
    if failed.any():
        kept = kept.filter(pa.array(~failed))
    return Received(kept, tuple(failures), cells.num_rows + len(misfits), read_rows)


def read_cells(data: bytes, *, file: str) -> tuple[pa.Table, list[tuple[int, str]]]:
    """(every cell as text, [(row, its text) of the rows with too few or too many fields]), rows from 1.

    Raises InputError: not UTF-8, no header, a name twice in it, an unclosed quotation mark.
    """
    body = bytes(data[3:] if data[:3] == codecs.BOM_UTF8 else data)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 at byte {error.start + len(data) - len(body)}",
            file=file,
            fix="Save the file as UTF-8",
        ) from None
    if body.count(b'"') % 2:
        raise InputError("a quotation mark is never closed", file=file, fix="Double quotation marks inside fields")
    misfits: list[tuple[int, str]] = []

    def note_misfit(row: pyarrow.csv.InvalidRow) -> str:
        misfits.append((row.number - 1, row.text))
        return "skip"

    names = _read_header(body, file=file)
    try:
        cells = pyarrow.csv.read_csv(
            pa.BufferReader(body),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=max(1 << 20, min(len(body), 1 << 26))),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note_misfit),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"not CSV: {escape_shown(str(error))}", file=file, fix="Check its quotation marks") from None
    return cells, misfits


def _read_header(body: bytes, *, file: str) -> list[str]:
    import csv
    import io

    try:
        names = next(csv.reader(io.StringIO(body[: 1 << 20].decode("utf-8", "ignore"), newline="")), [])
    except csv.Error as error:
        raise InputError(
            f"the header is not CSV: {error}",
            file=file,
            expected="the names of the fields in the first line",
            fix="Check its quotation marks",
        ) from None
    if not names or not any(names):
        raise InputError("has no header", file=file, expected="the names of the fields in the first line")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            "the header names a field twice", file=file, field=escape_shown(twice[0]), fix="Rename one of them"
        )
    return names


def _items(cells: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(cells.column_names, cells.columns, strict=True)


def _number_rows(n_good: int, misfits: list[tuple[int, str]]) -> pa.Array:
    """Row numbers (from 1) of the good rows: all but the misfits'."""
    every = np.arange(1, n_good + len(misfits) + 1)
    return pa.array(np.delete(every, [row - 1 for row, _ in misfits]))


def _read_integers(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """(int64 column, which rows hold something that is no integer of at most 18 digits)."""
    is_integer = pc.match_substring_regex(pc.utf8_trim_whitespace(texts), _INTEGER)
    wrong = np.asarray(pc.fill_null(pc.invert(is_integer), False))
    clean = pc.if_else(pc.fill_null(is_integer, False), pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string()))
    return pc.cast(pc.replace_substring_regex(clean, r"^\+", ""), pa.int64()), wrong
