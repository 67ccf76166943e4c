"""The parameters of params.yaml as frozen models: every value that shapes a dataset version, no hidden default.

Each field's description is what docs/parameters.md shows (a test holds the two together).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from tagpipe.errors import ConfigError, escape_shown
from tagpipe.formats.suffixes import read_suffix

SCHEMA = 3
"""The current form of params.yaml; older forms are upgraded as they are read, newer ones refused."""

SHAPING = ("validate", "annotate", "threshold")
"""The sections that shape a dataset version; `source` says where the bytes came from."""

FIELD_NAMES = ("id", "title", "description", "tags", "created_on")
"""The fields that tagpipe knows; `validate.fields` may map further text fields."""

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=100)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Cap = Annotated[int, Field(ge=0)] | None
FieldNames = tuple[FieldName, ...]


class Section(BaseModel):
    """A frozen part of params.yaml that refuses unknown keys and coerces nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Section):
    """Where one of the two inputs comes from: a file of data/source/, or a pinned url."""

    path: FileName | None = Field(None, description="a file name inside `data/source/`")
    url: str | None = Field(None, description="an http(s) address; needs `sha256` beside it")
    sha256: Sha256 | None = Field(
        None, description="the pin: the sha256 that the bytes at `url` must have; `tagpipe refresh` writes it"
    )

    @field_validator("sha256", mode="before")
    @classmethod
    def _read_digits(cls, value: object) -> object:
        # YAML reads a pin of digits alone (64 zeros) as an integer.
        return f"{value:064d}" if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either `path` or `url` with `sha256`")
        if self.path is not None and self.sha256 is not None:
            raise ValueError("`sha256` goes with `url`; a file of data/source/ is pinned by git")
        if self.url is not None and self.sha256 is None:
            raise ValueError(
                "`url` needs `sha256` (64 hex digits); write 64 zeros in quotes and run `tagpipe refresh` to get it"
            )
        if self.url is not None and not self.url.lower().startswith(("http://", "https://")):
            raise ValueError("`url` must begin with http:// or https://")
        read_suffix(self.location)
        return self

    @property
    def location(self) -> str:
        return self.path or self.url or ""

    @property
    def suffix(self) -> str:
        return read_suffix(self.location)


class Download(Section):
    """Bounds on every download. They do not shape a dataset."""

    timeout_s: float = Field(gt=0, description="seconds that all attempts for one source may take together")
    max_bytes: int = Field(gt=0, description="most bytes taken from the wire for one source")
    max_decoded_bytes: int = Field(gt=0, description="most bytes after the server's compression is undone")
    attempts: int = Field(ge=1, le=20, description="tries on connection errors, 429 and 5xx, with backoff")
    allow_private: bool = Field(
        description="also take addresses that are private, loopback or link-local (an intranet mirror)"
    )


class SourceParams(Section):
    projects: Source = Field(description="the projects")
    vocabulary: Source = Field(description="the vocabulary")
    download: Download = Field(description="bounds on downloads")


class ValidateParams(Section):
    fields: dict[FieldName, str] = Field(
        description="name in tagpipe → name in the source; `created_on` may be left out; further names are "
        "text fields for `annotate.text`"
    )
    id: Literal["integer", "string"] = Field(description="the type of every project's id, never mixed")
    required: FieldNames = Field(description="fields that no project may lack; other missing text is read as empty")
    created_on: Literal["iso", "epoch_s", "epoch_ms"] = Field(
        description="how `created_on` is written: ISO 8601 text (UTC unless it has an offset), or integer "
        "seconds or milliseconds since 1970"
    )
    tags_separator: str | None = Field(
        min_length=1,
        description="where `tags` is one text: what separates the tags in it; null: the whole text is one tag",
    )
    max_rejected: Fraction = Field(description="largest fraction of the rows that may be rejected before the run stops")

    @model_validator(mode="after")
    def _known_fields(self) -> ValidateParams:
        for name in ("id", "title", "tags"):
            if name not in self.fields or name not in self.required:
                raise ValueError(f"`fields` and `required` must both name {name}")
        if unknown := [name for name in self.required if name not in self.fields]:
            raise ValueError(f"`required` names {', '.join(unknown)}, which `fields` does not map")
        if len(set(self.fields.values())) < len(self.fields):
            raise ValueError("`fields` maps two names to one field of the source")
        return self

    @property
    def text_fields(self) -> tuple[str, ...]:
        """Names of the text columns, in the order of the table: title, description, then the further ones."""
        known = [name for name in ("title", "description") if name in self.fields]
        return (*known, *sorted(set(self.fields) - set(FIELD_NAMES)))


class AnnotateParams(Section):
    normalize: bool = Field(description="compare tags in normal form (NFKC, casefold, `_` and spaces as `-`)")
    aliases: bool = Field(description="accept the vocabulary's aliases for their tags")
    exclude: tuple[str, ...] = Field(description="general tags to leave out; their children imply them")
    parents: Literal["keep", "roll_up", "drop", "drop_if_child"] = Field(
        description="`keep` tags as written; `roll_up`: add every ancestor; `drop` every tag that is "
        "somebody's parent; `drop_if_child`: drop a parent where a descendant is on the project"
    )
    text: FieldNames = Field(
        min_length=1, description="the fields that make up the text for modeling, joined by one space"
    )


class ThresholdParams(Section):
    min_projects: Positive = Field(description="the cut: a tag stays with at least this many projects")
    unlabeled: Literal["drop", "keep"] = Field(
        description="projects left with no tag: `drop` them, or `keep` them with an empty list"
    )


class MonitorParams(Section):
    """`monitor`: what the new-tag monitor looks at and suggests. It does not shape a dataset."""

    period: Literal["month", "quarter", "week"] = Field(description="the calendar periods of trends and shares")
    min_period_projects: Positive = Field(
        description="a period with fewer projects is joined to the next one, the last to the one before it"
    )
    min_uses: Positive = Field(description="a tag outside the vocabulary is looked at with at least this many projects")
    min_periods: Positive = Field(description="a suggested tag is used in at least this many periods")
    min_days: Positive = Field(description="a suggested tag is used on at least this many days")
    max_concentration: Share = Field(
        description="a suggested tag's busiest day has less than this share of its projects"
    )
    max_q: Share = Field(description="a trend or burst counts below this false discovery rate (Benjamini-Hochberg)")
    max_candidates: int = Field(ge=0, description="most candidates that the report lists")


class GateParams(Section):
    """`gates`: the most that a change may do before `tagpipe diff` ends with 1. They do not shape a dataset."""

    max_projects_removed: Fraction | None = Field(
        description="projects that base has and head has not, as a fraction of base's; null: no bound"
    )
    max_labels_changed: float | None = Field(
        ge=0, description="labels added and removed, as a fraction of base's labels; null: no bound"
    )
    max_tags_leaving: Cap = Field(description="tags that fall below the cut; null: no bound")
    max_newly_unlabeled: Cap = Field(description="projects that lose their last label; null: no bound")
    max_new_warnings: Cap = Field(description="warnings about the vocabulary that base does not have; null: no bound")
    max_unexplained: Cap = Field(description="label changes that no input explains; null: no bound")


class PublishParams(Section):
    """`publish`: where a version that follows upstream goes. It does not shape a dataset."""

    to: Literal["local", "branch", "pull-request"] = Field(
        description="`local`: the branch `dataset` of this repository; `branch`: push to `branch`; `pull-request`: "
        "push `refresh/upstream` and open or update its one pull request into `branch`"
    )
    branch: RefName = Field(description="the branch of the remote that holds the published version")
    remote: RefName = Field(description="the git remote")


class Params(Section):
    schema_: Literal[3] = Field(alias="schema", description="the form of this file")
    source: SourceParams = Field(description="where the two inputs come from")
    validate_: ValidateParams = Field(alias="validate", description="how bytes become typed tables")
    annotate: AnnotateParams = Field(description="how raw tags become tags of the vocabulary")
    threshold: ThresholdParams = Field(description="which tags, and so which projects, stay")
    monitor: MonitorParams = Field(description="what the new-tag monitor looks at and suggests")
    gates: GateParams = Field(description="what a change may do before it needs a person's word")
    publish: PublishParams = Field(description="where a version that follows upstream goes")

    @model_validator(mode="after")
    def _text_is_mapped(self) -> Params:
        mapped = self.validate_.text_fields
        if unknown := ", ".join(name for name in self.annotate.text if name not in mapped):
            known = ", ".join(mapped)
            raise ValueError(f"annotate.text names {unknown}; text fields mapped in validate.fields: {known}")
        if len(set(self.annotate.text)) < len(self.annotate.text):
            raise ValueError("annotate.text names a field twice")
        return self


def parse_params(tree: object, *, file: str = "params.yaml") -> Params:
    """The parameters of a parsed params.yaml. Raises ConfigError (exit 2) that names every wrong key at once."""
    if not isinstance(tree, Mapping):
        raise ConfigError("is not a mapping of sections", file=file, expected="schema, source, validate, ...")
    _check_schema(tree.get("schema"), file)
    docs = "tagpipe's docs/parameters.md lists every key and its values"
    try:
        # As JSON, because pydantic's strict mode then takes lists for tuples, and nothing else for anything.
        text = json.dumps(_with_text_keys(_upgrade(tree)), default=repr)
    except (TypeError, ValueError, RecursionError):
        what = "holds what is neither a text, a number, a list nor a mapping with texts for keys, or holds itself"
        raise ConfigError(what, file=file, fix=docs) from None
    try:
        return Params.model_validate_json(text)
    except ValidationError as error:
        problems = tuple(_describe(problem) for problem in error.errors())
        if len(problems) == 1:
            raise ConfigError(problems[0], file=file, fix=docs) from None
        raise ConfigError(f"{len(problems)} wrong values", file=file, fix=docs, details=problems) from None


def dump_params(params: Params) -> dict[str, object]:
    """Plain values in the file's own keys and order; `parse_params` reads them back as an equal model."""
    return params.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _check_schema(schema: object, file: str) -> None:
    """Raise ConfigError for a form that is not read; values that are not integers are left to the model."""
    shown = escape_shown(schema)
    if isinstance(schema, bool):
        raise ConfigError("is no number", file=file, field="schema", found=shown, expected=str(SCHEMA))
    if isinstance(schema, int) and not 1 <= schema <= SCHEMA:
        fix = "Upgrade tagpipe" if schema > SCHEMA else "Start from the params.yaml of `tagpipe init`"
        what = "has a form that this version does not read"
        raise ConfigError(what, file=file, field="schema", found=shown, expected=str(SCHEMA), fix=fix)


_ADDED_SECTIONS: dict[int, dict[str, object]] = {
    # Nothing was gated or published in the time of form 1.
    1: {
        "gates": dict.fromkeys(GateParams.model_fields),
        "publish": {"to": "local", "branch": "main", "remote": "origin"},
    },
    2: {
        "monitor": {
            "period": "month",
            "min_period_projects": 50,
            "min_uses": 5,
            "min_periods": 3,
            "min_days": 10,
            "max_concentration": 0.3,
            "max_q": 0.05,
            "max_candidates": 200,
        }
    },
}
"""Form -> the sections that the next form added, with the values that files without them are read with."""


def _upgrade(tree: Mapping[Any, object]) -> Mapping[Any, object]:
    """A tree of an older form as one of the current form; unchanged if it has a section of a later form already."""
    for form, added in _ADDED_SECTIONS.items():
        schema = tree.get("schema")
        if isinstance(schema, int) and schema == form and not set(added) & set(tree):
            tree = {**tree, "schema": form + 1, **added}
    return tree


def _with_text_keys(tree: object) -> object:
    """The tree with every key that is not a text as its repr, because JSON would read 1 and "1" as one key."""
    if isinstance(tree, Mapping):
        return {key if isinstance(key, str) else repr(key): _with_text_keys(value) for key, value in tree.items()}
    return [_with_text_keys(value) for value in tree] if isinstance(tree, list) else tree


def _describe(problem: Mapping[str, Any]) -> str:
    """One pydantic problem as `threshold.min_projects: Input should be ...; found "x"`."""
    parts = (str(part) for part in problem["loc"])
    key = ".".join(part if re.fullmatch(r"[A-Za-z0-9_]{1,60}", part) else escape_shown(part) for part in parts)
    text = f"{key or 'the file'}: {problem['msg'].removeprefix('Value error, ')}"
    return text if problem["type"] in ("missing", "value_error") else f"{text}; found {escape_shown(problem['input'])}"
