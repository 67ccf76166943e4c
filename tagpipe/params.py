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
"""The `schema` number of today; older files are upgraded as they are read, newer ones refused."""

FIELD_NAMES = ("id", "title", "description", "tags", "created_on")
"""The fields that every project has; `validate.fields` may map further text fields beside them."""


FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RefName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=100)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Section(BaseModel):
    """A frozen part of params.yaml: unknown keys are refused, nothing is coerced."""

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
        """YAML reads a pin of digits alone (64 zeros) as an integer."""
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
        """The path or the url."""
        return self.path or self.url or ""

    @property
    def suffix(self) -> str:
        """The file ending, which tells how the bytes are read."""
        return read_suffix(self.location)


class Download(Section):
    """Bounds on every download; they shape no dataset."""

    timeout_s: float = Field(gt=0, description="seconds that all attempts for one source may take together")
    max_bytes: int = Field(gt=0, description="most bytes taken from the wire for one source")
    max_decoded_bytes: int = Field(gt=0, description="most bytes after the server's compression is undone")
    attempts: int = Field(ge=1, le=20, description="tries on connection errors, 429 and 5xx, with backoff")
    allow_private: bool = Field(
        description="also take addresses that are private, loopback or link-local (an intranet mirror)"
    )


class SourceParams(Section):
    """`source`: the two inputs."""

    projects: Source = Field(description="the projects")
    vocabulary: Source = Field(description="the vocabulary")
    download: Download = Field(description="bounds on downloads")


class ValidateParams(Section):
    """`validate`: how the received bytes become typed tables."""

    fields: dict[FieldName, str] = Field(
        description="name in tagpipe → name in the source; `created_on` may be left out; further names are "
        "text fields for `annotate.text`"
    )
    id: Literal["integer", "string"] = Field(description="the type of every project's id, never mixed")
    required: tuple[FieldName, ...] = Field(
        description="fields that no project may lack; other missing text is read as empty"
    )
    created_on: Literal["iso", "epoch_s", "epoch_ms"] = Field(
        description="how `created_on` is written: ISO 8601 text (UTC unless it has an offset), or integer "
        "seconds or milliseconds since 1970"
    )
    tags_separator: str | None = Field(
        min_length=1,
        description="where `tags` is one text: what separates the tags in it; null: the whole text is one tag",
    )
    max_rejected: float = Field(
        ge=0, le=1, description="largest fraction of the rows that may be rejected before the run stops"
    )

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
    """`annotate`: how raw tags become tags of the vocabulary."""

    normalize: bool = Field(description="compare tags in normal form (NFKC, casefold, `_` and spaces as `-`)")
    aliases: bool = Field(description="accept the vocabulary's aliases for their tags")
    exclude: tuple[str, ...] = Field(description="general tags to leave out; their children imply them")
    parents: Literal["keep", "roll_up", "drop", "drop_if_child"] = Field(
        description="`keep` tags as written; `roll_up`: add every ancestor; `drop` every tag that is "
        "somebody's parent; `drop_if_child`: drop a parent where a descendant is on the project"
    )
    text: tuple[FieldName, ...] = Field(
        min_length=1, description="the fields that make up the text for modeling, joined by one space"
    )


class ThresholdParams(Section):
    """`threshold`: which tags, and so which projects, stay."""

    min_projects: int = Field(ge=1, description="the cut: a tag stays with at least this many projects")
    unlabeled: Literal["drop", "keep"] = Field(
        description="projects left with no tag: `drop` them, or `keep` them with an empty list"
    )


class MonitorParams(Section):
    """`monitor`: what the new-tag monitor looks at and suggests; it shapes no dataset."""

    period: Literal["month", "quarter", "week"] = Field(description="the calendar periods of trends and shares")
    min_period_projects: int = Field(
        ge=1, description="a period with fewer projects is joined to the next one, the last to the one before it"
    )
    min_uses: int = Field(
        ge=1, description="a tag outside the vocabulary is looked at with at least this many projects"
    )
    min_periods: int = Field(ge=1, description="a suggested tag is used in at least this many periods")
    min_days: int = Field(ge=1, description="a suggested tag is used on at least this many days")
    max_concentration: float = Field(
        gt=0, le=1, description="a suggested tag's busiest day has less than this share of its projects"
    )
    max_q: float = Field(
        gt=0, le=1, description="a trend or burst counts below this false discovery rate (Benjamini-Hochberg)"
    )
    max_candidates: int = Field(ge=0, description="most candidates that the report lists")


class GateParams(Section):
    """`gates`: the most that a change may do before `tagpipe diff` ends with 1; they shape no dataset."""

    max_projects_removed: float | None = Field(
        ge=0, le=1, description="projects that base has and head has not, as a fraction of base's; null: no bound"
    )
    max_labels_changed: float | None = Field(
        ge=0, description="labels added and removed, as a fraction of base's labels; null: no bound"
    )
    max_tags_leaving: int | None = Field(ge=0, description="tags that fall below the cut; null: no bound")
    max_newly_unlabeled: int | None = Field(ge=0, description="projects that lose their last label; null: no bound")
    max_new_warnings: int | None = Field(
        ge=0, description="warnings about the vocabulary that base does not have; null: no bound"
    )
    max_unexplained: int | None = Field(ge=0, description="label changes that no input explains; null: no bound")


class PublishParams(Section):
    """`publish`: where a version that follows upstream goes; it shapes no dataset."""

    to: Literal["local", "branch", "pull-request"] = Field(
        description="`local`: the branch `dataset` of this repository; `branch`: push to `branch`; `pull-request`: "
        "push `refresh/upstream` and open or update its one pull request into `branch`"
    )
    branch: RefName = Field(description="the branch of the remote that holds the published version")
    remote: RefName = Field(description="the git remote")


class Params(Section):
    """The whole of params.yaml."""

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
        have = self.validate_.text_fields
        if unknown := [name for name in self.annotate.text if name not in have]:
            raise ValueError(
                f"annotate.text names {', '.join(unknown)}; text fields mapped in validate.fields: {', '.join(have)}"
            )
        if len(set(self.annotate.text)) < len(self.annotate.text):
            raise ValueError("annotate.text names a field twice")
        return self


def parse_params(tree: object, *, file: str = "params.yaml") -> Params:
    """The frozen parameters of a parsed params.yaml.

    Raises ConfigError (exit 2), naming every wrong key at once.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError("is not a mapping of sections", file=file, expected="schema, source, validate, ...")
    schema = tree.get("schema")
    if isinstance(schema, bool):
        raise ConfigError("is no number", file=file, field="schema", found=escape_shown(schema), expected=str(SCHEMA))
    if isinstance(schema, int) and not 1 <= schema <= SCHEMA:
        raise ConfigError(
            "has a form that this version does not read",
            file=file,
            field="schema",
            found=escape_shown(schema),
            expected=str(SCHEMA),
            fix="Upgrade tagpipe" if schema > SCHEMA else "Start from the params.yaml of `tagpipe init`",
        )
    try:
        text = _dump(_upgrade(tree))
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(
            "holds what is neither a text, a number, a list nor a mapping with texts for keys, or holds itself",
            file=file,
            fix="tagpipe's docs/parameters.md lists every key and its values",
        ) from None
    try:
        return Params.model_validate_json(text)
    except ValidationError as error:
        problems = tuple(_describe(problem) for problem in error.errors())
        raise ConfigError(
            f"{len(problems)} wrong value{'s' if len(problems) > 1 else ''}" if len(problems) > 1 else problems[0],
            file=file,
            fix="tagpipe's docs/parameters.md lists every key and its values",
            details=problems if len(problems) > 1 else (),
        ) from None


_ADDED: tuple[tuple[int, dict[str, object]], ...] = (
    # Form 1 had no gates, so none was shut, and nothing was published.
    (
        1,
        {
            "gates": dict.fromkeys(GateParams.model_fields),
            "publish": {"to": "local", "branch": "main", "remote": "origin"},
        },
    ),
    (
        2,
        {
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
    ),
)
"""Form -> the sections that it lacked, with the values that it is read with. The next form is one higher."""


def _upgrade(tree: Mapping[Any, object]) -> Mapping[Any, object]:
    """A tree of an older form as one of today; left as it is where it has a section of a later form already."""
    for form, added in _ADDED:
        schema = tree.get("schema")
        if isinstance(schema, int) and schema == form and not set(added) & set(tree):
            tree = {**tree, "schema": form + 1, **added}
    return tree


def dump_params(params: Params) -> dict[str, object]:
    """Plain values in the file's own keys and order; `parse_params` gives an equal model back."""
    return params.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _dump(tree: Mapping[object, object]) -> str:
    """JSON of the tree: pydantic's strict mode then takes lists for tuples and nothing else for anything."""
    return json.dumps(_with_text_keys(tree), default=repr)


def _with_text_keys(tree: object) -> object:
    if isinstance(tree, Mapping):
        return {key if isinstance(key, str) else repr(key): _with_text_keys(value) for key, value in tree.items()}
    return [_with_text_keys(value) for value in tree] if isinstance(tree, list) else tree


def _plain(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_]{1,60}", key) else escape_shown(key)


def _describe(problem: object) -> str:
    """`threshold.min_projects: Input should be ...; found "x"` of one pydantic problem."""
    assert isinstance(problem, dict)
    key = ".".join(_plain(str(part)) for part in problem["loc"]) or "the file"
    text = f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    if problem["type"] in ("missing", "value_error"):
        return text
    return f"{text}; found {escape_shown(problem['input'])}"


SHAPING = ("validate", "annotate", "threshold")
"""The sections of params.yaml that shape a dataset version; `source` says where the bytes came from."""
