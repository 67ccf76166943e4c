"""ReceivedRows bytes to a loosely typed table of projects: strict JSON, NDJSON or CSV.

Almost all rows of a real source are regular. A block of them goes to Arrow's parser whole, told exactly which
fields and types to expect: it refuses every other field, duplicate keys, other types, NaN, bad escapes and
control characters, so a block that it takes is known to be clean. A block that it refuses is read again record
by record by `strict_json`, which finds the rows to reject, or the error and its byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.json

from tagpipe.errors import escape_shown
from tagpipe.formats.strict_json import ByteSource, Window, iter_array
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.received_rows import (
    FieldTypes,
    Progress,
    ReceivedRows,
    Record,
    RowFailure,
    check_fields,
    code_tags,
    field_types,
)
from tagpipe.tables.schemas import ROW, Rejection, is_unicode

BLOCK_BYTES = 8 << 20
SEARCH_BYTES = 1 << 16
"""How far a block's guessed end, or a line's, is looked for at a time."""

_RECORD_END = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_LINE_BREAK = re.compile(rb"\}[ \t\r]*\n,[ \t]*\{")
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True)
class Block:
    """Rows `first_row` .. of the source stand in bytes `start`:`end`."""

    first_row: int
    n_rows: int
    start: int
    end: int


def read_json_projects(
    data: ByteSource, suffix: str, params: ValidateParams, *, file: str, progress: Progress | None
) -> ReceivedRows:
    layout: ArrayLayout | LinesLayout = ArrayLayout(data, file) if suffix == ".json" else LinesLayout(data, file)
    start = layout.find_start()
    shape: FieldTypes | None = None
    tables: list[pa.Table] = []
    failures: list[RowFailure] = []
    blocks: list[Block] = []
    n_rows = 0
    while start is not None:
        end, body = layout.cut_block(start)
        if shape is None:
            first = next(iter(layout.iter_records(start, start + 1)))[1]
            shape = field_types(first, params)
        columns = _read_block(body, shape) if body is not None else None
        if columns is not None and layout.holds(body, len(columns)):
            n_block, next_start = len(columns), layout.find_next(end)
        else:
            entries = list(layout.iter_records(start, end))
            end = entries[-1][0] if entries else end
            n_block, next_start = len(entries), layout.find_next(end)
            columns = _read_records([value for _, value in entries], n_rows + 1, shape, failures)
        tables.append(_to_table(columns, n_rows + 1, shape))
        blocks.append(Block(n_rows + 1, n_block, start, end))
        n_rows += n_block
        start = next_start
        if progress:
            progress(end, len(data))

    def read_rows(rows: list[int]) -> Iterator[tuple[int, object]]:
        return _reread(layout, blocks, rows)

    if shape is None:
        return ReceivedRows(pa.table({}), (), 0, read_rows)
    table = pa.concat_tables(tables)
    absent = [name for name in params.required if table.num_rows and table.column(name).null_count == table.num_rows]
    if absent and isinstance(first, dict):
        check_fields(first, absent, params, file=file)
    return ReceivedRows(table, tuple(failures), n_rows, read_rows)


class ArrayLayout:
    """Records as the elements of one JSON array."""

    def __init__(self, data: ByteSource, file: str) -> None:
        self._data = data
        self._file = file

    def find_start(self) -> int | None:
        """Byte of the first record; None for an empty array."""
        window = Window(self._data, 0, file=self._file)
        window.skip_space()
        if not window.take("["):
            window.fail("not a list of projects", expected="[ and one object a project")
        window.skip_space()
        if not window.take("]"):
            return window.offset
        self._check_end(window)
        return None

    def find_next(self, end: int) -> int | None:
        """Byte of the record behind a block that ended at `end`; None at the array's end."""
        window = Window(self._data, end, file=self._file, size=1 << 12)
        window.skip_space()
        if window.take(","):
            window.skip_space()
            return window.offset
        if not window.take("]"):
            window.fail("not JSON: expected , or ] behind a project")
        self._check_end(window)
        return None

    def _check_end(self, window: Window) -> None:
        window.skip_space()
        if not window.at_end:
            window.fail("data after the end of the document", expected="one JSON list")

    def cut_block(self, start: int) -> tuple[int, bytes | None]:
        """(end, records with commas between), where a record seems to end about BLOCK_BYTES on.

        The guess may be inside a text; then the block does not parse, and is read record by record. Wherever a
        block parses, its end was a true one: JSON is read from left to right in one way only.
        """
        wanted = start + BLOCK_BYTES
        if wanted < len(self._data):
            match = _RECORD_END.search(self._data[wanted : wanted + SEARCH_BYTES])
            if match is None:
                return wanted, None
            end = wanted + match.start() + 1
            return end, self._data[start:end]
        body = self._data[start : len(self._data)]
        closing = body.rfind(b"]")
        return (start + closing, body[:closing]) if closing > 0 else (len(self._data), None)

    def holds(self, body: bytes | None, n_records: int) -> bool:
        """Whether a block that parsed may hold that many records: any number."""
        return body is not None and n_records > 0

    def iter_records(self, start: int, end: int) -> Iterator[tuple[int, object]]:
        """(end, value) of the records from `start` to the first that ends at or behind `end`."""
        for _, stop, value in iter_array(self._data, start, file=self._file, is_enough=lambda at: at >= end):
            yield stop, value


class LinesLayout:
    """Records as lines (NDJSON); blank lines are skipped."""

    def __init__(self, data: ByteSource, file: str) -> None:
        self._data = data
        self._file = file

    def find_start(self) -> int | None:
        Window(self._data, 0, file=self._file, size=1 << 12)
        return self.find_next(0)

    def find_next(self, end: int) -> int | None:
        """Byte of the next line that is not blank."""
        for at in range(end, len(self._data), SEARCH_BYTES):
            if match := _NOT_BLANK.search(self._data[at : at + SEARCH_BYTES]):
                return at + match.start()
        return None

    def _find_line_end(self, start: int) -> int:
        for at in range(start, len(self._data), SEARCH_BYTES):
            found = self._data[at : at + SEARCH_BYTES].find(b"\n")
            if found >= 0:
                return at + found
        return len(self._data)

    def cut_block(self, start: int) -> tuple[int, bytes | None]:
        """(end, records with commas between): whole lines, about BLOCK_BYTES of them."""
        end = self._find_line_end(start + BLOCK_BYTES)
        return end, self._data[start:end].strip(b" \t\r\n").replace(b"\n", b"\n,")

    def holds(self, body: bytes | None, n_records: int) -> bool:
        """Whether a block that parsed holds one record a line: not two on one, nor one over two."""
        return body is not None and n_records - 1 == body.count(b"\n,") == len(_LINE_BREAK.findall(body))

    def iter_records(self, start: int, end: int) -> Iterator[tuple[int, object]]:
        """(end, value) of the lines from `start` to the first that ends at or behind `end`."""
        at: int | None = start
        while at is not None and at < end:
            stop = self._find_line_end(at)
            window = Window(self._data[at:stop], 0, file=self._file, base=at)
            value = window.read_value()
            window.skip_space()
            if not window.at_end:
                window.fail("data after the end of the line", expected="one JSON object a line")
            yield stop, value
            at = self.find_next(stop)


def _read_block(body: bytes, shape: FieldTypes) -> pa.StructArray | None:
    """The records of a regular block, or None if anything in it is not exactly as `shape` says."""
    document = b'{"r":[' + body + b"]}"
    schema = pa.schema([("r", pa.list_(shape.record_type))])
    try:
        parsed = pyarrow.json.read_json(
            pa.BufferReader(document),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(document) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error", newlines_in_values=True
            ),
        )
        if parsed.num_rows != 1:
            return None
        records = parsed.column(0).chunk(0).flatten()
        _check_utf8(body)  # Arrow's parser does not
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    tags = records.field(shape.names["tags"])
    if records.null_count or (pa.types.is_list(tags.type) and tags.flatten().null_count):
        return None
    return records


def _check_utf8(body: bytes) -> None:
    """Raise ArrowInvalid unless `body` is UTF-8. As one text of an array: Arrow checks that without copying it."""
    ends = pa.py_buffer(np.array([0, len(body)], dtype=np.int32))
    pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(body)]).validate(full=True)


def _read_records(
    values: list[object], first_row: int, shape: FieldTypes, failures: list[RowFailure]
) -> pa.StructArray:
    """Records that may be irregular: those that fail become failures and nulls."""
    clean = [_read_record(value, first_row + at, shape, failures) for at, value in enumerate(values)]
    types = {**shape.types, "tags": pa.list_(pa.string())}
    names = [(source, types[name]) for name, source in shape.names.items()]
    return pa.array(clean, pa.struct(names))


def _read_record(value: object, row: int, shape: FieldTypes, failures: list[RowFailure]) -> Record | None:
    if not isinstance(value, dict):
        failures.append(RowFailure(row, None, Rejection.NOT_AN_OBJECT, escape_shown(value)))
        return None
    problems = []
    record: Record = {}
    for name, source in shape.names.items():
        found = value.get(source)
        if found is None:
            continue
        if name == "tags" and isinstance(found, str):
            parts = [found] if shape.tags_separator is None else found.split(shape.tags_separator)
            found = [part for part in parts if part]
        reason = _refuse_value(found, shape.types[name] if name != "tags" else pa.list_(pa.string()))
        if reason:
            problems.append(RowFailure(row, source, reason, escape_shown(value[source])))
        record[source] = found
    failures.extend(problems)
    return None if problems else record


def _refuse_value(value: object, kind: pa.DataType) -> Rejection | None:
    if pa.types.is_integer(kind):
        if not isinstance(value, int) or isinstance(value, bool):
            return Rejection.WRONG_TYPE
        return None if value in _INT64 else Rejection.OUT_OF_RANGE
    if pa.types.is_list(kind):
        if not isinstance(value, list):
            return Rejection.WRONG_TYPE
        return next((reason for item in value if (reason := _refuse_value(item, pa.string()))), None)
    if not isinstance(value, str):
        return Rejection.WRONG_TYPE
    return None if is_unicode(value) else Rejection.BAD_TEXT


def _to_table(records: pa.StructArray, first_row: int, shape: FieldTypes) -> pa.Table:
    """The records that are not null, in tagpipe's names, with the row number ahead."""
    rows = pa.array(np.arange(first_row, first_row + len(records)))
    if records.null_count:
        keep = records.is_valid()
        rows, records = rows.filter(keep), records.filter(keep)
    columns = {ROW: rows}
    for name, source in shape.names.items():
        columns[name] = records.field(source)
    columns["tags"] = code_tags(columns["tags"], shape.tags_separator)
    return pa.table(columns)


def _reread(layout: ArrayLayout | LinesLayout, blocks: list[Block], rows: list[int]) -> Iterator[tuple[int, object]]:
    """(row, record as received) of `rows`, ascending; only the blocks that hold one are read again."""
    wanted = sorted(set(rows))
    firsts = [block.first_row for block in blocks]
    at = 0
    while at < len(wanted):
        block = blocks[int(np.searchsorted(firsts, wanted[at], side="right")) - 1]
        values = [value for _, value in layout.iter_records(block.start, block.end)]
        while at < len(wanted) and wanted[at] < block.first_row + block.n_rows:
            yield wanted[at], values[wanted[at] - block.first_row]
            at += 1
