"""sha256 over the values of a table, not over the bytes of a file: it survives a library upgrade.

Per table, column by column in schema order: the column's name (as a text: its length, then its bytes); integers,
booleans and timestamps (microseconds) as little-endian int64; floats as little-endian IEEE 754 doubles; texts as
their int64 byte lengths, then the UTF-8 bytes end to end; lists as int64 lengths, then the flat values; for a column
that may be null one byte a row (1 = present) ahead of it, a null counting as 0 or empty. No dictionary encoding,
chunk or offset shows in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.tables.schemas import TAGS, TAGS_IDENTITY, id_kind_of, labeled_projects

_SLICE_ROWS = 1 << 20


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


def table_sha256(table: pa.Table, schema: pa.Schema) -> str:
    """The digest of one table, whose columns may be null where `schema` says so."""
    digest = hashlib.sha256()
    _add_table(digest, table, schema)
    return digest.hexdigest()


def content_sha256(projects: pa.Table, tags: pa.Table) -> str:
    """The digest that identifies a version: of its labeled projects, then of (tag, n_projects, kept) of every tag."""
    return content_digests(projects, tags)[0]


def content_digests(projects: pa.Table, tags: pa.Table) -> tuple[str, str, str]:
    """(`content_sha256`, `table_sha256` of the projects, that of the tags), with the projects hashed once."""
    digest = hashlib.sha256()
    _add_table(digest, projects, labeled_projects(id_kind_of(projects)))
    of_projects = digest.hexdigest()
    _add_table(digest, tags, pa.schema([TAGS.field(name) for name in TAGS_IDENTITY]))
    return digest.hexdigest(), of_projects, table_sha256(tags, TAGS)


def _add_table(digest: _Hash, table: pa.Table, schema: pa.Schema) -> None:
    for field in schema:
        _add_texts(digest, [pa.array([field.name], pa.string())])
        column = table.column(field.name)
        if field.nullable:
            for chunk in column.chunks:
                digest.update(np.asarray(chunk.is_valid()).astype(np.uint8))
        _add_chunks(digest, column.chunks, column.type)


def _add_chunks(digest: _Hash, chunks: list[pa.Array], kind: pa.DataType) -> None:
    if pa.types.is_list(kind):
        for chunk in chunks:
            digest.update(np.asarray(chunk.value_lengths().fill_null(0)).astype("<i8"))
        _add_chunks(digest, [chunk.flatten() for chunk in chunks], kind.value_type)
    elif pa.types.is_string(kind) or pa.types.is_dictionary(kind):
        _add_texts(digest, chunks)
    elif pa.types.is_floating(kind):
        for chunk in chunks:
            digest.update(np.asarray(chunk.fill_null(0.0)).astype("<f8"))
    else:
        for chunk in chunks:
            numbers = (chunk.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) else chunk).cast(pa.int64())
            digest.update(np.asarray(numbers.fill_null(0)).astype("<i8"))


def _add_texts(digest: _Hash, chunks: Iterable[pa.Array]) -> None:
    """Add the byte lengths of all texts, then all bytes."""
    # A slice at a time: coded texts are written out for it, which takes much memory for a whole column of a ledger.
    slices = [chunk.slice(start, _SLICE_ROWS) for chunk in chunks for start in range(0, len(chunk), _SLICE_ROWS)]
    for texts in slices:
        digest.update(_byte_lengths(texts))
    for texts in slices:
        plain = (texts.cast(pa.string()) if pa.types.is_dictionary(texts.type) else texts).fill_null("")
        offsets, values = plain.buffers()[1:]
        if values is not None:  # Arrow has no buffer where all texts are empty
            # A slice shares the buffers of its array, so its own bytes lie between its first and its last offset.
            bounds = np.frombuffer(offsets, np.int32)[plain.offset : plain.offset + len(plain) + 1]
            digest.update(memoryview(values)[int(bounds[0]) : int(bounds[-1])])


def _byte_lengths(texts: pa.Array) -> np.ndarray:
    if pa.types.is_dictionary(texts.type):
        # Each distinct text is measured once, and its length gathered by code.
        per_value = np.asarray(pc.binary_length(texts.dictionary)).astype("<i8")
        codes = np.asarray(texts.indices.fill_null(0))
        lengths = per_value[codes] if len(per_value) else np.zeros(len(codes), dtype="<i8")
        return np.where(np.asarray(texts.is_valid()), lengths, 0).astype("<i8")
    return np.asarray(pc.binary_length(texts).fill_null(0)).astype("<i8")
