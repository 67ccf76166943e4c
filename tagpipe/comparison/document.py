"""A comparison as one JSON-ready document: what every renderer draws, and the artifact that a pull request uploads.

The rows are also what the comparison itself is computed into: `make_document` only orders and cuts their lists.

The models are strict and refuse unknown fields, for documents come back from pull requests that nobody has reviewed.
Their JSON schema, field descriptions included, is published as docs/diff.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Row = TypeVar("Row")
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Cause = Literal["sole", "joint", "overdetermined", "masked", "unexplained"]
"""How edits made a label change (`comparison.causes`)."""

NEAR_CUT = 0.1
"""A tag is near the cut when its support is at most this fraction of `min_projects` away from it."""


class DocumentPart(BaseModel):
    """A frozen part of the document."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class CutList(DocumentPart, Generic[Row]):
    """The first rows of a list."""

    n: Count
    """How many there are in all."""
    rows: tuple[Row, ...]


class SideRow(DocumentPart):
    """One of the two versions."""

    name: str
    """As it was asked for."""
    commit: str | None
    """Null for a side that is not a git revision."""
    content_sha256: Digest
    min_projects: Count
    """The cut."""
    n_projects: Count
    """Valid projects, labeled or not."""
    n_labeled: Count
    n_labels: Count
    """Tags on labeled projects, after the cut."""
    n_tags_kept: Count


class ProjectRow(DocumentPart):
    """A project."""

    id: int | str
    title: str
    """The beginning of its text."""


class TagRow(DocumentPart):
    """A tag whose support, place at the cut or labels differ, or that is near the cut."""

    tag: str
    base: Count
    """Projects with it before the cut, in base."""
    head: Count
    """Projects with it before the cut, in head."""
    was_kept: bool
    """True if it passed base's cut."""
    is_kept: bool
    """True if it passed head's cut."""
    n_added: Count
    """Projects that gained it as a label."""
    n_removed: Count
    """Projects that lost it as a label."""

    @property
    def differs(self) -> bool:
        """True if its support, its side of the cut or any of its labels differ in head."""
        return (self.base, self.was_kept) != (self.head, self.is_kept) or bool(self.n_added or self.n_removed)

    def is_near(self, min_projects: int) -> bool:
        """True if it stayed on its side of the cut and is near the cut in head."""
        return self.was_kept == self.is_kept and abs(self.head - min_projects) <= NEAR_CUT * min_projects


class SignatureRow(DocumentPart):
    """The same label change on several projects."""

    removed: tuple[str, ...]
    added: tuple[str, ...]
    n_projects: Count
    examples: tuple[ProjectRow, ...]


class MoveRow(DocumentPart):
    """A tag renamed, merged or split."""

    kind: Literal["rename", "merge", "split"]
    old: str
    new: str
    declared: bool
    """True if head's vocabulary has `old` as an alias of `new`; else only the labels suggest it."""
    n_moved: Count
    """Projects that lost `old` and gained `new`."""
    n_lost: Count
    """Projects that lost `old`."""
    n_gained: Count
    """Projects that gained `new`."""
    overlap: float
    """Projects that lost and gained / projects that lost or gained, 0-1."""


class ValueRow(DocumentPart):
    """A value on both sides; null where a side does not have it."""

    name: str
    base: JsonValue
    head: JsonValue


class EntryRow(DocumentPart):
    """A vocabulary entry that differs."""

    kind: Literal["added", "removed", "changed"]
    tag: str
    aliases_added: tuple[str, ...]
    aliases_removed: tuple[str, ...]
    parents_added: tuple[str, ...]
    parents_removed: tuple[str, ...]


class CauseRow(DocumentPart):
    """Label changes of one cause and the same factors."""

    cause: Cause
    factors: tuple[str, ...]
    n_added: Count
    n_removed: Count

    @property
    def n_changes(self) -> int:
        return self.n_added + self.n_removed


class FactorRow(DocumentPart):
    """An input that differs."""

    name: str
    n_suffices: Count
    """Label changes that it makes alone on base."""
    n_needed: Count
    """Label changes that head loses without it."""
    problem_alone: str | None
    """Why base with it alone could not be built; null if it could."""
    problem_without: str | None
    """Why head without it could not be built; null if it could."""


class Causes(DocumentPart):
    """Why labels changed."""

    groups: tuple[CauseRow, ...]
    """Their numbers add up to all label changes."""
    factors: tuple[FactorRow, ...]
    n_replays: Count
    """Builds that it took."""
    problem: str | None
    """Why head's inputs (or base's, with head's code) could not be built again; null if they could."""


class GateRow(DocumentPart):
    """A gate."""

    name: str
    limit: int | float | None
    """The most that passes; null where the gate is off."""
    found: int | float | None
    """Null where it was not checked."""
    is_fraction: bool
    """True if limit and found are fractions, 0-1; else they are counts."""
    passed: bool


class Projects(DocumentPart):
    """Projects by what happened to them."""

    added: CutList[ProjectRow]
    removed: CutList[ProjectRow]
    retexted: CutList[ProjectRow]
    """With another text."""
    redated: CutList[ProjectRow]
    """With another created_on."""
    relabeled: CutList[ProjectRow]
    newly_unlabeled: CutList[ProjectRow]
    newly_labeled: CutList[ProjectRow]


class ChangeRow(DocumentPart):
    """One label change."""

    id: int | str
    title: str
    tag: str
    change: Literal["added", "removed"]
    cause: Count | None
    """Index into `causes.groups`; null where causes were not asked for."""


class DiffDocument(DocumentPart):
    """A whole comparison."""

    schema_version: Literal[1]
    base: SideRow
    head: SideRow
    is_same: bool
    """True if content, parameters and vocabulary are the same."""
    passed: bool
    """True if every gate passed."""
    gates: tuple[GateRow, ...]
    """In the order of params.yaml."""
    causes: Causes | None
    """Null where causes were not asked for."""
    n_labels_added: Count
    n_labels_removed: Count
    entered: CutList[TagRow]
    """Tags that passed the cut in head only."""
    left: CutList[TagRow]
    """Tags that passed the cut in base only."""
    near_cut: CutList[TagRow]
    """Tags that stayed on their side of the cut and are near it in head."""
    moves: CutList[MoveRow]
    projects: Projects
    signatures: CutList[SignatureRow]
    """The most projects first."""
    tags: CutList[TagRow]
    """Every tag that differs, the most label changes first."""
    schema_changes: CutList[ValueRow]
    """Columns whose type or text fields differ."""
    params: CutList[ValueRow]
    sources: CutList[ValueRow]
    """sha256 of received inputs that differ."""
    vocabulary: CutList[EntryRow]
    measures: CutList[ValueRow]
    """Every count and measure of the reports, changed or not."""
    out_of_vocabulary: CutList[ValueRow]
    """Projects by tag, for tags that the vocabulary does not have, the largest difference first."""
    changes: CutList[ChangeRow]
    """By project, then by tag."""
