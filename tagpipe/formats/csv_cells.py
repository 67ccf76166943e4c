"""CSV as columns of text cells."""

from __future__ import annotations

import codecs
from collections import Counter

import pyarrow as pa
import pyarrow.csv

from tagpipe.errors import InputError, escape_shown


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
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise InputError(
            "the header names a field twice", file=file, field=escape_shown(twice[0]), fix="Rename one of them"
        )
    return names
