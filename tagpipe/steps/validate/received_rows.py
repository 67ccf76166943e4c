"""Received rows, before any check: typed columns, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import InputError, escape_shown
from tagpipe.params import ValidateParams
from tagpipe.tables.schemas import CODED_TEXT, Rejection, id_type
from tagpipe.tables.tag_lists import offsets_after, offsets_of

Record = dict[str, Any]


Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RowFailure:
    """One reason to reject a row."""

    row: int
    """From 1."""
    field: str | None
    """By its name in the source; None if it is the row itself."""
    reason: Rejection
    found: str
    """What the field holds, escaped."""


@dataclass(frozen=True)
class ReceivedRows:
    """The rows that could be read, and those that could not."""

    table: pa.Table
    """schemas.ROW (int64, from 1), id, created_on (as written: text or int64), text fields, tags (lists of coded
    text). Everything but the row may be null."""
    failures: tuple[RowFailure, ...]
    """Why the other rows are not in the table, one or more for each."""
    n_rows: int
    """Of the source."""
    read_rows: Callable[[list[int]], Iterator[tuple[int, object]]] = field(compare=False, repr=False)
    """(row, record as received) of the rows asked for, ascending."""


@dataclass(frozen=True)
class FieldTypes:
    """The fields to read, with the types of the first record."""

    names: Mapping[str, str]
    """From the name in tagpipe to that in the source."""
    types: Mapping[str, pa.DataType]
    """By the name in tagpipe."""
    tags_separator: str | None

    @property
    def record_type(self) -> pa.DataType:
        return pa.struct([(source, self.types[name]) for name, source in self.names.items()])


def check_fields(record: Mapping[str, object], names: Iterable[str], params: ValidateParams, *, file: str) -> None:
    """Raise InputError if a field that no project has is not in the first one either: then it has another name."""
    for name in names:
        if params.fields[name] not in record:
            raise InputError(
                "no project has this field",
                file=file,
                row=1,
                field=params.fields[name],
                found=escape_shown(", ".join(record)),
                fix=f"Name the field that holds it in params.yaml validate.fields.{name}",
            )


def field_types(record: object, params: ValidateParams) -> FieldTypes:
    """The types of the first record's fields."""
    fields = record if isinstance(record, dict) else {}
    types: dict[str, pa.DataType] = dict.fromkeys(params.fields, pa.string())
    types["id"] = id_type(params.id)
    if not isinstance(fields.get(params.fields["tags"]), str):
        types["tags"] = pa.list_(pa.string())
    if "created_on" in types and params.created_on != "iso":
        types["created_on"] = pa.int64()
    return FieldTypes(params.fields, types, params.tags_separator)


def code_tags(tags: pa.Array, separator: str | None) -> pa.ListArray:
    """Lists of coded texts, from lists of texts or from one text a row (whole, or split at `separator`).

    Empty texts are left out, also those between two separators.
    """
    mask = tags.is_null() if tags.null_count else None
    if pa.types.is_string(tags.type):
        tags = pc.split_pattern(tags, separator) if separator is not None else _list_of_one(tags)
        filled = np.asarray(pc.greater(pc.binary_length(tags.values), 0))
        offsets = offsets_after(filled, np.asarray(tags.offsets)).astype(np.int32)
        values = tags.values.filter(pa.array(filled))
    else:
        offsets, values = tags.offsets, tags.values
    return pa.ListArray.from_arrays(pa.array(offsets), values.dictionary_encode().cast(CODED_TEXT), mask=mask)


def _list_of_one(texts: pa.StringArray) -> pa.ListArray:
    return pa.ListArray.from_arrays(
        pa.array(offsets_of(np.asarray(texts.is_valid())).astype(np.int32)), texts.drop_null()
    )
