"""What the files of a dataset version must look like to be read: one check a file, so that nobody behind it asks again.

Only what is read of a file is checked; further keys are let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tagpipe.errors import escape_shown
from tagpipe.tables.monitor_report import Monitoring

# Strict in all its parts, but JSON has no tuples: a list of two is meant.
Pair = Annotated[tuple[str, int], Field(strict=False)]
Counts = dict[str, int]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True)


class _Table(_Shape):
    n_rows: int
    sha256: str


class _AnnotateParams(_Shape):
    normalize: bool
    aliases: bool


class _ThresholdParams(_Shape):
    min_projects: int


class _ManifestParams(_Shape):
    annotate: _AnnotateParams
    threshold: _ThresholdParams


class _Manifest(_Shape):
    content_sha256: str
    params: _ManifestParams
    tables: dict[str, _Table]


class _ValidationProjects(_Shape):
    n_in: int
    n_rejected: int
    n_duplicates: int
    n_valid: int
    rejected_by_reason: Counts


class _ValidationVocabulary(_Shape):
    n_tags: int
    n_warnings: Counts


class _Validation(_Shape):
    projects: _ValidationProjects
    vocabulary: _ValidationVocabulary


class _AnnotationTags(_Shape):
    out_of_vocabulary: list[Pair]


class _Annotation(_Shape):
    tags: _AnnotationTags


class _ThresholdProjects(_Shape):
    n_in: int
    n_rejected: int
    n_duplicates: int
    n_labeled: int
    n_unlabeled: Counts


class _ThresholdUses(_Shape):
    n_in: int
    by_outcome: Counts
    n_kept: int


class _ThresholdTags(_Shape):
    n_seen: int
    n_kept: int
    kept: list[Pair]


class _Imbalance(_Shape):
    mean_ir: float


class _Threshold(_Shape):
    min_projects: int
    projects: _ThresholdProjects
    tag_uses: _ThresholdUses
    tags: _ThresholdTags
    most_popular: list[Pair]
    just_made: list[Pair]
    just_missed: list[Pair]
    cardinality: float
    density: float
    imbalance: _Imbalance
    content_sha256: str


class _Entry(_Shape):
    tag: str
    aliases: list[str]
    parents: list[str]


class _Vocabulary(_Shape):
    tags: list[_Entry]
    deprecated: list[str] = []


class _RejectedRow(_Shape):
    row: int
    id: Any
    field: str | None
    reason: str
    found: str


SHAPES: dict[str, type[_Shape] | type[Monitoring]] = {
    "manifest.json": _Manifest,
    "validation.json": _Validation,
    "annotation.json": _Annotation,
    "threshold.json": _Threshold,
    "monitor.json": Monitoring,
    "vocabulary.json": _Vocabulary,
    "rejected.jsonl": _RejectedRow,
}
"""By file name; of NDJSON, the form of a line."""


_WORDS = {
    "missing": "the field to be there",
    "model_type": "an object",
    "dict_type": "an object",
    "dataclass_type": "an object",
    "tuple_type": "a list of two",
    "too_long": "a list of two",
}
"""pydantic's names of what went wrong, where its own words speak of Python."""


@dataclass(frozen=True)
class FormError:
    """Where a file is not what it should be."""

    field: str
    found: str
    expected: str


@lru_cache
def _read_shape(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(SHAPES[name])


def find_form_error(name: str, tree: object) -> FormError | None:
    """The first of the parsed file `name`; None if all of it fits."""
    try:
        _read_shape(name).validate_python(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return FormError(
            ".".join(map(str, first["loc"])) or "the file",
            escape_shown(first["input"]),
            _WORDS.get(first["type"]) or first["msg"].removeprefix("Input should be "),
        )
    return None
