"""A comparison as one JSON-ready document: what every renderer draws, and the artifact that a pull request carries.

The models are strict and refuse unknown fields, for documents come back from pull requests that nobody has reviewed.
Their JSON schema is published as docs/diff.schema.json. Lists are cut at MAX_ROWS, and say of how many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.gates import GateResult
from tagpipe.comparison.sides import Side
from tagpipe.comparison.tag_changes import TagChange
from tagpipe.comparison.tag_moves import TagMove
from tagpipe.comparison.value_changes import EntryChange, ValueChange
from tagpipe.tables.tag_lists import Int64s

MAX_ROWS = 1_000
MAX_CHANGES = 20_000
"""Label changes in a document; Parquet has all of them."""
MAX_EXAMPLES = 5
MAX_TITLE_CHARS = 80

Row = TypeVar("Row")
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class DocumentPart(BaseModel):
    """A frozen part of the document."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CutList(DocumentPart, Generic[Row]):
    """The first rows of a list; `n` is how many there are in all."""

    n: Count
    rows: tuple[Row, ...]


class SideRow(DocumentPart):
    """One of the two versions. name: as it was asked for. n_labels: tags on labeled projects after the cut."""

    name: str
    commit: str | None
    content_sha256: Digest
    min_projects: Count
    n_projects: Count
    n_labeled: Count
    n_labels: Count
    n_tags_kept: Count


class ProjectRow(DocumentPart):
    """A project: its id, and the beginning of its text."""

    id: int | str
    title: str


class TagRow(DocumentPart):
    """A tag: projects with it before the cut, whether it passed the cut, its labels added and removed."""

    tag: str
    base: Count
    head: Count
    was_kept: bool
    is_kept: bool
    n_added: Count
    n_removed: Count


class SignatureRow(DocumentPart):
    """The same change on several projects."""

    removed: tuple[str, ...]
    added: tuple[str, ...]
    n_projects: Count
    examples: tuple[ProjectRow, ...]


class MoveRow(DocumentPart):
    """A tag renamed, merged or split; overlap (0-1) of those that lost and those that gained it."""

    kind: Literal["rename", "merge", "split"]
    old: str
    new: str
    declared: bool
    n_moved: Count
    n_lost: Count
    n_gained: Count
    overlap: float


class ValueRow(DocumentPart):
    """A value that differs; null where a side has none."""

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

    cause: Literal["sole", "joint", "overdetermined", "masked", "unexplained"]
    factors: tuple[str, ...]
    n_added: Count
    n_removed: Count


class FactorRow(DocumentPart):
    """An input that differs: label changes it makes alone on base, and that head loses without it.

    problem_alone, problem_without: why that could not be built.
    """

    name: str
    n_suffices: Count
    n_needed: Count
    problem_alone: str | None
    problem_without: str | None


class Causes(DocumentPart):
    """Why labels changed. groups: their numbers add up to all label changes. n_replays: builds that it took.

    problem: why head's inputs (or base's, with head's code) could not be built anew.
    """

    groups: tuple[CauseRow, ...]
    factors: tuple[FactorRow, ...]
    n_replays: Count
    problem: str | None


class GateRow(DocumentPart):
    """A gate. limit: null where it is off. found: null where it was not looked for. Fractions are 0-1."""

    name: str
    limit: int | float | None
    found: int | float | None
    is_fraction: bool
    passed: bool


class Projects(DocumentPart):
    """Projects by what happened to them."""

    added: CutList[ProjectRow]
    removed: CutList[ProjectRow]
    retexted: CutList[ProjectRow]
    redated: CutList[ProjectRow]
    relabeled: CutList[ProjectRow]
    newly_unlabeled: CutList[ProjectRow]
    newly_labeled: CutList[ProjectRow]


class ChangeRow(DocumentPart):
    """One label change. cause: index into `causes.groups`, null where causes were not asked for."""

    id: int | str
    title: str
    tag: str
    change: Literal["added", "removed"]
    cause: Count | None


class DiffDocument(DocumentPart):
    """A whole comparison."""

    schema_version: Literal[1]
    base: SideRow
    head: SideRow
    is_same: bool
    passed: bool
    gates: tuple[GateRow, ...]
    causes: Causes | None
    n_labels_added: Count
    n_labels_removed: Count
    entered: CutList[TagRow]
    left: CutList[TagRow]
    near_cut: CutList[TagRow]
    moves: CutList[MoveRow]
    projects: Projects
    signatures: CutList[SignatureRow]
    tags: CutList[TagRow]
    schema_changes: CutList[ValueRow]
    params: CutList[ValueRow]
    sources: CutList[ValueRow]
    vocabulary: CutList[EntryRow]
    measures: CutList[ValueRow]
    out_of_vocabulary: CutList[ValueRow]
    changes: CutList[ChangeRow]


def make_document(diff: VersionDiff, attribution: Attribution | None, gates: Iterable[GateResult]) -> DiffDocument:
    """The document of a comparison, in an order that only depends on its content."""
    rows = tuple(
        GateRow(name=gate.name, limit=gate.limit, found=gate.found, is_fraction=gate.is_fraction, passed=gate.passed)
        for gate in gates
    )
    show = _Projects(diff)
    n_added = int(diff.labels.is_added.sum())
    return DiffDocument(
        schema_version=1,
        base=_describe_side(diff.base, diff.n_base_labels),
        head=_describe_side(diff.head, diff.n_head_labels),
        is_same=diff.is_same,
        passed=all(row.passed for row in rows),
        gates=rows,
        causes=_describe_causes(attribution) if attribution else None,
        n_labels_added=n_added,
        n_labels_removed=len(diff.labels) - n_added,
        entered=_section(diff.entered, _describe_tag),
        left=_section(diff.left, _describe_tag),
        near_cut=_section(diff.near_cut, _describe_tag),
        moves=_section(diff.moves, _describe_move),
        projects=Projects(
            added=show.section(diff.added),
            removed=show.section(diff.removed),
            retexted=show.section(diff.retexted),
            redated=show.section(diff.redated),
            relabeled=show.section(diff.relabeled),
            newly_unlabeled=show.section(diff.newly_unlabeled),
            newly_labeled=show.section(diff.newly_labeled),
        ),
        signatures=_section(
            diff.signatures,
            lambda each: SignatureRow(
                removed=each.removed,
                added=each.added,
                n_projects=each.n_projects,
                examples=show.rows(each.projects[:MAX_EXAMPLES]),
            ),
        ),
        tags=_section(_by_changes(diff.tags), _describe_tag),
        schema_changes=_section(diff.schema_changes, _describe_value),
        params=_section(diff.params, _describe_value),
        sources=_section(diff.sources, _describe_value),
        vocabulary=_section(diff.vocabulary, _describe_entry),
        measures=_section(diff.measures, _describe_value),
        out_of_vocabulary=_section(diff.out_of_vocabulary, _describe_value),
        changes=_describe_changes(diff, attribution, show),
    )


def _section(items: Sequence[Any], describe: Callable[[Any], Row]) -> CutList[Row]:
    return CutList(n=len(items), rows=tuple(describe(item) for item in items[:MAX_ROWS]))


class _Projects:
    """Rows of projects by their index in the union, with the text of head, or of base where head has none."""

    def __init__(self, diff: VersionDiff) -> None:
        self._diff = diff

    def rows(self, projects: Int64s) -> tuple[ProjectRow, ...]:
        union = self._diff.union
        found = []
        for project in projects.tolist():
            in_head = union.head_rows[project] >= 0
            side = self._diff.head if in_head else self._diff.base
            row = int((union.head_rows if in_head else union.base_rows)[project])
            text = side.projects.column("text")[row].as_py()
            found.append(ProjectRow(id=union.ids[project].as_py(), title=text[:MAX_TITLE_CHARS]))
        return tuple(found)

    def section(self, projects: Int64s) -> CutList[ProjectRow]:
        return CutList(n=len(projects), rows=self.rows(projects[:MAX_ROWS]))


def _describe_side(side: Side, n_labels: int) -> SideRow:
    report = side.reports["threshold"]
    return SideRow(
        name=side.name,
        commit=side.commit,
        content_sha256=side.content_sha256,
        min_projects=side.min_projects,
        n_projects=side.projects.num_rows,
        n_labeled=report["projects"]["n_labeled"],
        n_labels=n_labels,
        n_tags_kept=report["tags"]["n_kept"],
    )


def _by_changes(tags: Iterable[TagChange]) -> list[TagChange]:
    return sorted(tags, key=lambda each: (-(each.n_added + each.n_removed), each.tag))


def _describe_tag(each: TagChange) -> TagRow:
    return TagRow(
        tag=each.tag,
        base=each.base,
        head=each.head,
        was_kept=each.was_kept,
        is_kept=each.is_kept,
        n_added=each.n_added,
        n_removed=each.n_removed,
    )


def _describe_move(each: TagMove) -> MoveRow:
    return MoveRow(
        kind=each.kind,
        old=each.old,
        new=each.new,
        declared=each.declared,
        n_moved=each.n_moved,
        n_lost=each.n_lost,
        n_gained=each.n_gained,
        overlap=each.overlap,
    )


def _describe_value(each: ValueChange) -> ValueRow:
    return ValueRow(name=each.name, base=each.base, head=each.head)


def _describe_entry(each: EntryChange) -> EntryRow:
    return EntryRow(
        kind=each.kind,
        tag=each.tag,
        aliases_added=each.aliases_added,
        aliases_removed=each.aliases_removed,
        parents_added=each.parents_added,
        parents_removed=each.parents_removed,
    )


def _describe_causes(attribution: Attribution) -> Causes:
    return Causes(
        groups=tuple(
            CauseRow(cause=group.cause.value, factors=group.factors, n_added=group.n_added, n_removed=group.n_removed)
            for group in attribution.groups
        ),
        factors=tuple(
            FactorRow(
                name=factor.name,
                n_suffices=factor.n_suffices,
                n_needed=factor.n_needed,
                problem_alone=factor.problem_alone,
                problem_without=factor.problem_without,
            )
            for factor in attribution.factors
        ),
        n_replays=attribution.n_replays,
        problem=attribution.problem,
    )


def _describe_changes(diff: VersionDiff, attribution: Attribution | None, show: _Projects) -> CutList[ChangeRow]:
    labels = diff.labels.labels[:MAX_CHANGES]
    projects, tags = diff.union.unpack(labels)
    causes = attribution.group_of[: len(labels)].tolist() if attribution else [None] * len(labels)
    names = diff.union.tags.to_pylist()
    rows = tuple(
        ChangeRow(
            id=project.id,
            title=project.title,
            tag=names[tag],
            change="added" if is_added else "removed",
            cause=cause,
        )
        for project, tag, is_added, cause in zip(
            show.rows(projects), tags.tolist(), diff.labels.is_added[: len(labels)].tolist(), causes, strict=True
        )
    )
    return CutList(n=len(diff.labels), rows=rows)
