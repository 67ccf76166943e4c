"""The digest of a table, against an independent implementation in plain Python of DESIGN section 1."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from itertools import chain

import pyarrow as pa
import pytest
from support.samples import build_tags

from tagpipe.tables.digest import content_sha256, table_sha256
from tagpipe.tables.schemas import CODED_TEXT, TAGS, TIMESTAMP, labeled_projects, table_schemas, tag_uses

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain_sha256(*tables: tuple[pa.Table, pa.Schema]) -> str:
    """The digest by the text of the design, row by row: slow, and sharing nothing with the code under test."""
    return hashlib.sha256(b"".join(plain_bytes(table, schema) for table, schema in tables)).hexdigest()


def plain_bytes(table: pa.Table, schema: pa.Schema) -> bytes:
    parts = []
    for field in schema:
        values = table.column(field.name).to_pylist()
        parts.append(plain_values([field.name], pa.string()))
        if field.nullable:
            parts.append(bytes(value is not None for value in values))
        parts.append(plain_values(values, field.type))
    return b"".join(parts)


def plain_values(values: list[object], kind: pa.DataType) -> bytes:
    if pa.types.is_list(kind):
        lists = [value or [] for value in values]
        lengths = b"".join(struct.pack("<q", len(each)) for each in lists)
        return lengths + plain_values(list(chain.from_iterable(lists)), kind.value_type)
    if pa.types.is_string(kind):
        texts = [(value or "").encode("utf-8") for value in values]
        return b"".join(struct.pack("<q", len(text)) for text in texts) + b"".join(texts)
    if pa.types.is_floating(kind):
        return b"".join(struct.pack("<d", value or 0.0) for value in values)
    if pa.types.is_timestamp(kind):
        micros = [0 if value is None else (value - EPOCH) // timedelta(microseconds=1) for value in values]
        return b"".join(struct.pack("<q", number) for number in micros)
    return b"".join(struct.pack("<q", int(value or 0)) for value in values)


PROJECTS = labeled_projects("integer")
ROWS = [
    {"id": -5, "created_on": None, "text": "", "tags": []},
    {"id": 1, "created_on": datetime(2020, 9, 13, 12, 26, 40, 123_456, UTC), "text": "é 😀", "tags": ["a", "c++", "a"]},
    {"id": 2, "created_on": EPOCH, "text": "plain", "tags": [""]},
    {"id": 1 << 62, "created_on": datetime(2199, 1, 1, tzinfo=UTC), "text": "x" * 300, "tags": ["é", "b"]},
]
USES = [
    {
        "project_id": "x",
        "position": 0,
        "raw_tag": "",
        "normalized_tag": "",
        "tag": None,
        "outcome": "out_of_vocabulary",
    },
    {"project_id": "x", "position": 1, "raw_tag": "Ab", "normalized_tag": "ab", "tag": "ab", "outcome": "kept"},
    {"project_id": "é", "position": None, "raw_tag": None, "normalized_tag": None, "tag": "up", "outcome": "implied"},
]


def projects(rows: list[dict[str, object]] = ROWS) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=PROJECTS)


def coded(table: pa.Table) -> pa.Table:
    """The same table with every text column dictionary-encoded, lists too."""
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if pa.types.is_string(field.type):
            table = table.set_column(at, field.name, column.cast(CODED_TEXT))
        elif pa.types.is_list(field.type):
            chunks = [pa.ListArray.from_arrays(chunk.offsets, chunk.values.cast(CODED_TEXT)) for chunk in column.chunks]
            table = table.set_column(at, field.name, pa.chunked_array(chunks, pa.list_(CODED_TEXT)))
    return table


@pytest.mark.parametrize("n_rows", range(len(ROWS) + 1))
def test_projects(n_rows: int) -> None:
    table = projects(ROWS[:n_rows])
    assert table_sha256(table, PROJECTS) == plain_sha256((table, PROJECTS))


@pytest.mark.parametrize("n_rows", range(len(USES) + 1))
def test_tag_uses_with_nulls(n_rows: int) -> None:
    schema = tag_uses("string")
    table = pa.Table.from_pylist(USES[:n_rows], schema=schema)
    assert table_sha256(table, schema) == plain_sha256((table, schema))
    assert table_sha256(coded(table), schema) == plain_sha256((table, schema))


def test_every_table_of_a_build_and_its_content() -> None:
    built = build_tags(
        ["resnet", " ＣＮＮ", "x", "x"],
        [],
        ["ai", "flask"],
        annotate={"parents": "roll_up"},
        threshold={"min_projects": 2},
    )
    for name, schema in table_schemas("integer").items():
        table = built.tables[name]
        assert table_sha256(table, schema) == plain_sha256((table, schema))
    labeled, tags = built.tables["threshold/projects"], built.tables["threshold/tags"]
    identity = pa.schema([TAGS.field(name) for name in ("tag", "n_projects", "kept")])
    assert built.content_sha256 == plain_sha256((labeled, PROJECTS), (tags, identity))
    assert built.content_sha256 == content_sha256(labeled, tags)


def test_no_chunk_offset_or_code_shows() -> None:
    digest = plain_sha256((projects(), PROJECTS))
    padded = projects([ROWS[3], *ROWS, ROWS[0]]).slice(1, len(ROWS))
    chunked = pa.concat_tables([projects(ROWS[:1]), projects([]), projects(ROWS[1:3]), projects(ROWS[3:])])
    for table in (projects(), padded, chunked, padded.combine_chunks()):
        assert table_sha256(table, PROJECTS) == digest
        assert table_sha256(coded(table), PROJECTS) == digest
    assert table_sha256(coded(projects([ROWS[2], *ROWS])).slice(1), PROJECTS) == digest


def test_unused_and_repeated_values_of_a_dictionary_do_not_show() -> None:
    schema = pa.schema([pa.field("text", pa.string(), nullable=False)])
    plain = pa.table({"text": ["b", "a", "b"]})
    codes = pa.array([2, 0, 1], pa.int32())
    odd = pa.table({"text": pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "b", "unused"]))})
    assert table_sha256(odd, schema) == table_sha256(plain, schema)


def test_values_behind_a_null_do_not_show() -> None:
    schema = pa.schema(
        [pa.field("n", pa.int64()), pa.field("text", pa.string()), pa.field("tags", pa.list_(pa.string()))]
    )
    clean = pa.table({"n": [None, 1], "text": [None, "a"], "tags": [None, ["a"]]}, schema=schema)
    gone = pa.array([True, False])
    hidden = pa.table(
        {
            "n": pa.Array.from_buffers(
                pa.int64(), 2, [clean["n"].chunk(0).buffers()[0], pa.array([7, 1]).buffers()[1]]
            ),
            "text": pa.Array.from_buffers(
                pa.string(), 2, [clean["n"].chunk(0).buffers()[0], *pa.array(["secret", "a"]).buffers()[1:]]
            ),
            "tags": pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["secret", "a"]), mask=gone),
        },
        schema=schema,
    )
    assert hidden.to_pylist() == clean.to_pylist()
    assert table_sha256(hidden, schema) == table_sha256(clean, schema) == plain_sha256((clean, schema))


@pytest.mark.parametrize(
    ("kind", "empty"),
    [(pa.string(), ""), (pa.int64(), 0), (pa.list_(pa.string()), []), (TIMESTAMP, EPOCH), (pa.float64(), 0.0)],
)
def test_null_and_empty_differ(kind: pa.DataType, empty: object) -> None:
    schema = pa.schema([pa.field("value", kind)])
    digests = {table_sha256(pa.table({"value": pa.array([value], kind)}), schema) for value in (None, empty)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS[:3], {**ROWS[3], "id": 3}],
        [*ROWS[:3], {**ROWS[3], "created_on": None}],
        [*ROWS[:3], {**ROWS[3], "tags": ["éb"]}],
        [*ROWS[:3], {**ROWS[3], "tags": ["b", "é"]}],
        [ROWS[0], {**ROWS[1], "tags": ["a", "c++"]}, {**ROWS[2], "tags": ["a", ""]}, ROWS[3]],
        [{**ROWS[0], "text": "é"}, {**ROWS[1], "text": " 😀"}, *ROWS[2:]],
        [ROWS[1], ROWS[0], *ROWS[2:]],
        ROWS[:3],
    ],
)
def test_every_change_of_a_value_shows(rows: list[dict[str, object]]) -> None:
    assert table_sha256(projects(rows), PROJECTS) != table_sha256(projects(), PROJECTS)


def test_the_name_of_a_column_shows() -> None:
    schemas = [pa.schema([pa.field(name, pa.int64(), nullable=False)]) for name in ("a", "b")]
    digests = {table_sha256(pa.table([pa.array([1])], schema=schema), schema) for schema in schemas}
    assert len(digests) == 2


def test_a_known_digest_stays() -> None:
    # A version recorded today must verify for ever.
    assert table_sha256(projects(), PROJECTS) == "87d7e88293ad1d1a90167c8a9425b13074499fc0915589b820247ed66e63b77a"
