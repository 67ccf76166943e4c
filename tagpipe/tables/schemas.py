"""Columns, types and order of every table, and what must hold in them: the only home of column names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    import pandera.pandas as pandera

IdType = Literal["integer", "string"]

TIMESTAMP = pa.timestamp("us", tz="UTC")
CODED_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Text in memory as codes into distinct values; on disk and in digests it is plain text."""

EARLIEST = "1970-01-01T00:00:00+00:00"
LATEST = "2200-01-01T00:00:00+00:00"
"""`created_on` before EARLIEST, or not before LATEST, is an error of unit or typing rather than a date."""

ROW = "#row"
"""The column of row numbers beside the fields of a received table; no field of tagpipe can have its name."""


class Outcome(StrEnum):
    """What became of a tag use; in the order of the reports."""

    KEPT = "kept"
    ALIAS = "alias"
    DUPLICATE = "duplicate"
    EXCLUDED = "excluded"
    OUT_OF_VOCABULARY = "out_of_vocabulary"
    PARENT_DROPPED = "parent_dropped"
    IMPLIED = "implied"


class DropReason(StrEnum):
    """Why a project has no tag: the furthest step that any of its tags reached, the earliest step first."""

    NO_TAGS = "no_tags"
    OUT_OF_VOCABULARY = "out_of_vocabulary"
    EXCLUDED = "excluded"
    PARENT_DROPPED = "parent_dropped"
    BELOW_THRESHOLD = "below_threshold"


class Rejection(StrEnum):
    """Why a row was rejected."""

    NOT_AN_OBJECT = "not_an_object"
    WRONG_FIELD_COUNT = "wrong_field_count"
    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    BLANK = "blank"
    BAD_TEXT = "bad_text"
    BAD_TIMESTAMP = "bad_timestamp"
    OUT_OF_RANGE = "out_of_range"
    CONTRADICTORY_DUPLICATE = "contradictory_duplicate"


def id_type(kind: IdType) -> pa.DataType:
    """The Arrow type of ids: int64 or string."""
    return pa.int64() if kind == "integer" else pa.string()


def validated_projects(kind: IdType, text_fields: Iterable[str]) -> pa.Schema:
    """data/validated/projects.parquet: one row a project, ascending unique id."""
    return pa.schema(
        [
            pa.field("id", id_type(kind), nullable=False),
            pa.field("created_on", TIMESTAMP),
            *(pa.field(name, pa.string(), nullable=False) for name in text_fields),
            pa.field("tags", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        ]
    )


def labeled_projects(kind: IdType) -> pa.Schema:
    """annotated/projects.parquet and labeled/projects.parquet: ascending unique id, tags ascending."""
    return validated_projects(kind, ["text"])


def tag_uses(kind: IdType) -> pa.Schema:
    """annotated/tag_uses.parquet, the ledger: by project id, then position, implied tags last by name."""
    return pa.schema(
        [
            pa.field("project_id", id_type(kind), nullable=False),
            pa.field("position", pa.int32()),
            pa.field("raw_tag", pa.string()),
            pa.field("normalized_tag", pa.string()),
            pa.field("tag", pa.string()),
            pa.field("outcome", pa.string(), nullable=False),
        ]
    )


TAGS = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("n_projects", pa.int64(), nullable=False),
        pa.field("prevalence", pa.float64(), nullable=False),
        pa.field("kept", pa.bool_(), nullable=False),
    ]
)
"""labeled/tags.parquet: every tag that include and exclude let through, by n_projects descending, then tag.

n_projects is 0 where the parents mode took the tag from every project that gave it.
"""

TAGS_IDENTITY = ("tag", "n_projects", "kept")
"""The columns of TAGS that `content_sha256` covers (prevalence follows from them)."""


CODED = {
    "validate/projects": ("tags.list.element",),
    "annotate/projects": ("tags.list.element",),
    "annotate/tag_uses": ("raw_tag", "normalized_tag", "tag", "outcome"),
    "threshold/projects": ("tags.list.element",),
    "threshold/tags": (),
}
"""STAGE/TABLE -> the text columns that are read as codes, by their names in Parquet."""


def id_kind_of(projects: pa.Table) -> IdType:
    """The type of the ids of a table of projects."""
    return "integer" if pa.types.is_integer(projects.schema.field("id").type) else "string"


def check_table(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` itself, if its columns, types and nulls are those of `schema` (coded text counts as text).

    A difference is a defect of tagpipe, not of the input: AssertionError.
    """
    assert table.column_names == schema.names, f"columns {table.column_names}, not {schema.names}"
    for field in schema:
        column = table.column(field.name)
        assert plain_type(column.type) == plain_type(field.type), f"{field.name}: {column.type}, not {field.type}"
        assert field.nullable or column.null_count == 0, f"{field.name}: {column.null_count} nulls"
    return table


def plain_type(kind: pa.DataType) -> pa.DataType:
    """`kind` without dictionary encoding and without names and nullability of list elements."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind):
        return pa.list_(plain_type(kind.value_type))
    return kind


def received_projects(required: Iterable[str], text_fields: Iterable[str], kind: IdType) -> pandera.DataFrameSchema:
    """The checks on received rows, over whole columns; a failing check's name is its Rejection.

    Columns (Arrow-backed): id, created_on (timestamp, already parsed), the text fields, tags (list of text).
    """
    import pandas as pd
    import pandera.pandas as pandera

    needed = set(required)
    not_blank = pandera.Check(lambda text: text.str.strip().str.len() > 0, name=Rejection.BLANK, ignore_na=True)
    earliest, latest = pd.Timestamp(EARLIEST), pd.Timestamp(LATEST)
    in_range = pandera.Check(lambda times: (times >= earliest) & (times < latest), name=Rejection.OUT_OF_RANGE)
    columns = {
        "id": pandera.Column(nullable=False, checks=[not_blank] if kind == "string" else []),
        "created_on": pandera.Column(nullable="created_on" not in needed, checks=[in_range]),
        "tags": pandera.Column(nullable=False),
    }
    for name in text_fields:
        columns[name] = pandera.Column(nullable=name not in needed, checks=[not_blank] if name == "title" else [])
    return pandera.DataFrameSchema(columns, strict=False, ordered=False)


def checked_projects(kind: IdType, text_fields: Iterable[str]) -> pandera.DataFrameSchema:
    """The checks on the validated table: unique ascending ids, nothing missing but `created_on`."""
    import pandas as pd
    import pandera.pandas as pandera

    schema = validated_projects(kind, text_fields)
    columns = {
        field.name: pandera.Column(pd.ArrowDtype(field.type) if field.name != "tags" else None, nullable=field.nullable)
        for field in schema
    }
    columns["id"] = pandera.Column(
        pd.ArrowDtype(id_type(kind)),
        nullable=False,
        unique=True,
        checks=[pandera.Check(lambda ids: bool(ids.is_monotonic_increasing), name="ascending")],
    )
    return pandera.DataFrameSchema(columns, strict=True, ordered=True)


MAX_NAME_BYTES = 4_096
"""Of a name in a vocabulary, in UTF-8. Names are compared with each other, and one of 250 KB took 40 CPU s."""

NAME = "a text that is not blank"
NAMES = "a list of texts that are not blank"
"""What the fields of a vocabulary entry hold, in words."""


def vocabulary_entries() -> pandera.DataFrameSchema:
    """The checks on a vocabulary, one row an entry; a failing check's name is what the field must hold."""
    import pandera.pandas as pandera

    def is_name(name: object) -> bool:
        return isinstance(name, str) and bool(name.strip()) and is_unicode(name)

    def is_list_of_names(names: object) -> bool:
        return isinstance(names, list) and all(map(is_name, names))

    one = pandera.Check(lambda tags: tags.map(is_name), name=NAME)
    several = pandera.Check(lambda lists: lists.map(is_list_of_names), name=NAMES)
    is_flag = pandera.Check(lambda values: values.map(lambda value: isinstance(value, bool)), name="true or false")
    return pandera.DataFrameSchema(
        {
            "tag": pandera.Column(object, nullable=False, checks=one),
            "aliases": pandera.Column(object, checks=several),
            "parents": pandera.Column(object, checks=several),
            "deprecated": pandera.Column(object, checks=is_flag),
            "replaced_by": pandera.Column(object, nullable=True, checks=one),
        },
        strict=True,
    )


def is_unicode(text: str) -> bool:
    """False for text with lone surrogates, which JSON can escape and UTF-8 cannot hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def table_schemas(kind: IdType) -> dict[str, pa.Schema]:
    """STAGE/TABLE -> schema, for every table that the manifest covers."""
    return {
        "annotate/projects": labeled_projects(kind),
        "annotate/tag_uses": tag_uses(kind),
        "threshold/projects": labeled_projects(kind),
        "threshold/tags": TAGS,
    }
