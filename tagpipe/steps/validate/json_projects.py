"""Received bytes to a loosely typed table of projects: strict JSON or NDJSON.

Almost all rows of a real source are regular. Arrow's parser gets a whole block of them with the exact fields and
types to expect: it refuses every other field, duplicate keys, other types, NaN, bad escapes and control characters,
so a block that it accepts is clean. `strict_json` reads a refused block again, record by record, and finds the rows
to reject, or the error and its byte.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.json

from tagpipe.errors import escape_shown
from tagpipe.formats.strict_json import ByteSource
from tagpipe.params import ValidateParams
from tagpipe.steps.validate.json_layouts import ArrayLayout, Block, LinesLayout
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

_INT64 = range(-(1 << 63), 1 << 63)


def read_json_projects(
    data: ByteSource, suffix: str, params: ValidateParams, *, file: str, progress: Progress | None
) -> ReceivedRows:
    layout: ArrayLayout | LinesLayout = ArrayLayout(data, file) if suffix == ".json" else LinesLayout(data, file)
    start = layout.find_start()
    fields: FieldTypes | None = None
    tables: list[pa.Table] = []
    failures: list[RowFailure] = []
    blocks: list[Block] = []
    n_rows = 0
    while start is not None:
        end, body = layout.cut_block(start)
        if fields is None:
            first = next(iter(layout.iter_records(start, start + 1)))[1]
            fields = field_types(first, params)
        columns = _read_block(body, fields) if body is not None else None
        if columns is not None and layout.holds(body, len(columns)):
            n_block, next_start = len(columns), layout.find_next(end)
        else:
            entries = list(layout.iter_records(start, end))
            end = entries[-1][0] if entries else end
            n_block, next_start = len(entries), layout.find_next(end)
            columns = _read_records([value for _, value in entries], n_rows + 1, fields, failures)
        tables.append(_to_table(columns, n_rows + 1, fields))
        blocks.append(Block(n_rows + 1, n_block, start, end))
        n_rows += n_block
        start = next_start
        if progress:
            progress(end, len(data))

    def read_rows(rows: list[int]) -> Iterator[tuple[int, object]]:
        return _reread(layout, blocks, rows)

    if fields is None:
        return ReceivedRows(pa.table({}), (), 0, read_rows)
    table = pa.concat_tables(tables)
    absent = [name for name in params.required if table.num_rows and table.column(name).null_count == table.num_rows]
    if absent and isinstance(first, dict):
        check_fields(first, absent, params, file=file)
    return ReceivedRows(table, tuple(failures), n_rows, read_rows)


def _read_block(body: bytes, fields: FieldTypes) -> pa.StructArray | None:
    """The records of a regular block, or None if anything in it is not exactly as `fields` says."""
    document = b'{"r":[' + body + b"]}"
    schema = pa.schema([("r", pa.list_(fields.record_type))])
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
    tags = records.field(fields.names["tags"])
    if records.null_count or (pa.types.is_list(tags.type) and tags.flatten().null_count):
        return None
    return records


def _check_utf8(body: bytes) -> None:
    """Raise ArrowInvalid unless `body` is UTF-8. As one text of an array: Arrow checks that without copying it."""
    ends = pa.py_buffer(np.array([0, len(body)], dtype=np.int32))
    pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(body)]).validate(full=True)


def _read_records(
    values: list[object], first_row: int, fields: FieldTypes, failures: list[RowFailure]
) -> pa.StructArray:
    """Records that may be irregular: those that fail become failures and nulls."""
    clean = [_read_record(value, row, fields, failures) for row, value in enumerate(values, first_row)]
    types = {**fields.types, "tags": pa.list_(pa.string())}
    names = [(source, types[name]) for name, source in fields.names.items()]
    return pa.array(clean, pa.struct(names))


def _read_record(value: object, row: int, fields: FieldTypes, failures: list[RowFailure]) -> Record | None:
    if not isinstance(value, dict):
        failures.append(RowFailure(row, None, Rejection.NOT_AN_OBJECT, escape_shown(value)))
        return None
    problems = []
    record: Record = {}
    for name, source in fields.names.items():
        content = value.get(source)
        if content is None:
            continue
        if name == "tags" and isinstance(content, str):
            parts = [content] if fields.tags_separator is None else content.split(fields.tags_separator)
            content = [part for part in parts if part]
        reason = _refuse_value(content, fields.types[name] if name != "tags" else pa.list_(pa.string()))
        if reason:
            problems.append(RowFailure(row, source, reason, escape_shown(value[source])))
        record[source] = content
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


def _to_table(records: pa.StructArray, first_row: int, fields: FieldTypes) -> pa.Table:
    """The records that are not null, in tagpipe's names, with the row number ahead."""
    rows = pa.array(np.arange(first_row, first_row + len(records)))
    if records.null_count:
        keep = records.is_valid()
        rows, records = rows.filter(keep), records.filter(keep)
    columns = {ROW: rows}
    for name, source in fields.names.items():
        columns[name] = records.field(source)
    columns["tags"] = code_tags(columns["tags"], fields.tags_separator)
    return pa.table(columns)


def _reread(layout: ArrayLayout | LinesLayout, blocks: list[Block], rows: list[int]) -> Iterator[tuple[int, object]]:
    """(row, record as received) of `rows`, ascending; only the blocks that hold one are read again."""
    wanted = collections.deque(sorted(set(rows)))
    firsts = [block.first_row for block in blocks]
    while wanted:
        block = blocks[int(np.searchsorted(firsts, wanted[0], side="right")) - 1]
        values = [value for _, value in layout.iter_records(block.start, block.end)]
        while wanted and wanted[0] < block.first_row + block.n_rows:
            row = wanted.popleft()
            yield row, values[row - block.first_row]
