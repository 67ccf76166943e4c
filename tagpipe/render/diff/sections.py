"""The sections of a comparison, in the order that every renderer shows them in."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from tagpipe.comparison import document as parts
from tagpipe.comparison.document import DiffDocument, TagRow, ValueRow
from tagpipe.render.diff.cells import (
    Cell,
    Column,
    DiffTable,
    added_and_removed,
    count,
    percent,
    public,
    public_list,
    signed,
    value,
    words,
)
from tagpipe.render.diff.verdict import causes_section, gates_section, sides_section

Row = tuple[Cell, ...]


def make_sections(document: DiffDocument) -> list[DiffTable]:
    """Every section that has something to say: first the open ones, which decide, then the details.

    What is there whether it changed or not (tags near the cut, measures) is left out where nothing did.
    """
    sections = [
        sides_section(document),
        causes_section(document),
        gates_section(document),
        *_cut_sections(document),
        _moves_section(document),
        _signatures_section(document),
        _projects_section(document),
        _tags_section(document),
        _measures_section(document),
        _out_of_vocabulary_section(document),
        _vocabulary_section(document),
        _values_section("params", "Parameters that differ", "parameter", document.params),
        _values_section("sources", "Pins that differ", "source", document.sources),
        _values_section("schema_changes", "Columns that differ", "column", document.schema_changes),
    ]
    idle = ("near_cut", "measures") if document.is_same else ()
    return [section for section in sections if section.is_shown and section.key not in idle]


# The cut


def _cut_sections(document: DiffDocument) -> list[DiffTable]:
    columns = (Column("tag"), Column("base support", True), Column("head support", True), Column("change", True))
    entered = sorted(document.entered.rows, key=lambda row: (-row.head, row.tag))
    left = sorted(document.left.rows, key=lambda row: (-row.base, row.tag))
    near = document.near_cut
    near_columns = (*columns, Column("kept"))
    by_support = sorted(near.rows, key=lambda row: (-row.head, row.tag))
    near_rows = [(*_support(row), words("yes" if row.is_kept else "no")) for row in by_support]
    cut = document.head.min_projects
    crossing = [("left", left, document.left.n), ("entered", entered, document.entered.n)]
    return [
        *(
            DiffTable(
                key, f"Tags that {key} the cut", columns, [*map(_support, rows)], n, is_open=True, if_empty="None."
            )
            for key, rows, n in crossing
        ),
        DiffTable(
            "near_cut", f"Tags within 10 % of the cut at {count(cut)}", near_columns, near_rows, near.n, is_open=True
        ),
    ]


def _support(row: TagRow) -> Row:
    return public(row.tag), words(count(row.base)), words(count(row.head)), signed(row.head - row.base)


# What changed on projects


def _moves_section(document: DiffDocument) -> DiffTable:
    columns = (
        *(Column("move"), Column("from -> to"), Column("moved", True)),
        *(Column("lost", True), Column("gained", True), Column("overlap", True)),
    )
    rows = [
        (
            words(f"{'declared' if row.declared else 'suspected'} {row.kind}"),
            public(row.old) + words(" -> ") + public(row.new),
            *(words(count(n)) for n in (row.n_moved, row.n_lost, row.n_gained)),
            words(percent(row.overlap)),
        )
        for row in document.moves.rows
    ]
    notes = (
        words(
            "Projects that lost the old tag, gained the new one, or both (moved). declared: the vocabulary says so by "
            "an alias; suspected: only the labels do."
        ),
    )
    return DiffTable(
        "moves", "Tags renamed, merged or split", columns, rows, document.moves.n, notes=notes if rows else ()
    )


def _signatures_section(document: DiffDocument) -> DiffTable:
    columns = (Column("projects", True), Column("change"), Column("such as"))
    rows = [
        (
            words(count(row.n_projects)),
            _came_and_went(row.added, row.removed),
            public_list([project.id for project in row.examples]),
        )
        for row in document.signatures.rows
    ]
    return DiffTable("signatures", "Same label change, by number of projects", columns, rows, document.signatures.n)


PROJECTS = {
    "removed": "removed",
    "added": "added",
    "newly_unlabeled": "newly unlabeled",
    "newly_labeled": "newly labeled",
    "relabeled": "relabeled",
    "retexted": "another text",
    "redated": "another created_on",
}
"""Field of the document -> our words for what happened to its projects."""


def _projects_section(document: DiffDocument) -> DiffTable:
    named = [(event, getattr(document.projects, name)) for name, event in PROJECTS.items()]
    rows = [
        (words(event), words(count(projects.n)), public_list([row.id for row in projects.rows[:5]], n=projects.n))
        for event, projects in named
        if projects.n
    ]
    columns = (Column("projects"), Column("number", True), Column("ids"))
    return DiffTable("projects", "Projects", columns, rows, len(rows), is_counted=False)


def list_projects(document: DiffDocument) -> list[DiffTable]:
    """One table for each entry of PROJECTS, with ids and texts, for a page that has room for them."""
    columns = (Column("id"), Column("text"))
    named = [(name, event, getattr(document.projects, name)) for name, event in PROJECTS.items()]
    return [
        DiffTable(
            f"projects.{name}",
            f"Projects: {event}",
            columns,
            [(public(row.id), public(row.title)) for row in projects.rows],
            projects.n,
        )
        for name, event, projects in named
        if projects.n
    ]


# Counts


def _tags_section(document: DiffDocument) -> DiffTable:
    columns = (
        *(Column("tag"), Column("base", True), Column("head", True)),
        *(Column("added", True), Column("removed", True), Column("cut")),
    )
    rows = [
        (
            public(row.tag),
            words(count(row.base)),
            words(count(row.head)),
            *added_and_removed(row.n_added, row.n_removed),
            words(_AT_CUT[row.was_kept, row.is_kept]),
        )
        for row in document.tags.rows
    ]
    return DiffTable("tags", "Support, labels added and removed by tag", columns, rows, document.tags.n)


_AT_CUT = {(True, True): "kept", (True, False): "left", (False, True): "entered", (False, False): "not kept"}

_NAMES = {
    "vocabulary.n_tags": "vocabulary: tags",
    "vocabulary.n_aliases": "vocabulary: aliases",
    "projects.n_in": "projects in",
    "projects.n_rejected": "projects rejected",
    "projects.n_duplicates": "duplicates collapsed",
    "projects.n_labeled": "projects labeled",
    "tag_uses.n_in": "tag uses in",
    "tag_uses.n_kept": "tag uses left after the cut",
    "tags.n_seen": "tags seen",
    "tags.n_kept": "tags kept",
    "cardinality": "cardinality (mean tags per project)",
    "density": "density (cardinality / tags)",
    "imbalance.mean_ir": "imbalance, mean",
    "imbalance.max_ir": "imbalance, largest",
}
_PREFIXES = {
    "vocabulary.n_warnings.": "vocabulary warnings: ",
    "projects.n_unlabeled.": "projects unlabeled: ",
    "tag_uses.by_outcome.": "tag uses: ",
}
_ALWAYS = ("cardinality", "density", "imbalance.mean_ir", "imbalance.max_ir")


def _measures_section(document: DiffDocument) -> DiffTable:
    """The measures of the whole, and every count that differs."""
    chosen = [row for row in document.measures.rows if row.name in _ALWAYS]
    chosen += [row for row in document.measures.rows if row.base != row.head and row.name not in _ALWAYS]
    rows = _value_rows((_measure_name(row.name), row) for row in chosen)
    n = len(rows) + document.measures.n - len(document.measures.rows)
    return DiffTable("measures", "Counts and measures", _MEASURED, rows, n, is_counted=False)


def _measure_name(name: str) -> Cell:
    if name in _NAMES:
        return words(_NAMES[name])
    prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
    return words(_PREFIXES[prefix]) + public(name.removeprefix(prefix)) if prefix else public(name)


def _out_of_vocabulary_section(document: DiffDocument) -> DiffTable:
    changes = document.out_of_vocabulary
    rows = _value_rows((public(row.name), row) for row in changes.rows)
    columns = (Column("tag"), *_MEASURED[1:])
    return DiffTable("out_of_vocabulary", "Out-of-vocabulary tags, by projects", columns, rows, changes.n)


_MEASURED = (Column("count"), Column("base", True), Column("head", True), Column("change", True))


def _value_rows(named: Iterable[tuple[Cell, ValueRow]]) -> list[Row]:
    return [(name, value(row.base, row.head), value(row.head, row.base), _change(row)) for name, row in named]


def _change(row: ValueRow) -> Cell:
    return signed(_as_number(row.head) - _as_number(row.base))


def _as_number(shown: JsonValue) -> float:
    return shown if isinstance(shown, int | float) else 0


# What was edited


def _vocabulary_section(document: DiffDocument) -> DiffTable:
    columns = (Column("entry"), Column("tag"), Column("aliases"), Column("parents"))
    rows = [
        (
            words(row.kind),
            public(row.tag),
            _came_and_went(row.aliases_added, row.aliases_removed),
            _came_and_went(row.parents_added, row.parents_removed),
        )
        for row in document.vocabulary.rows
    ]
    return DiffTable("vocabulary", "Vocabulary entries that differ", columns, rows, document.vocabulary.n)


def _came_and_went(came: tuple[str, ...], went: tuple[str, ...]) -> Cell:
    both = came and went
    return public_list(went, sign="-") + words(", " if both else "") + public_list(came, sign="+")


def _values_section(key: str, title: str, what: str, changes: parts.CutList[ValueRow]) -> DiffTable:
    columns = (Column(what), Column("base"), Column("head"))
    rows = [(public(row.name), value(row.base, row.head), value(row.head, row.base)) for row in changes.rows]
    return DiffTable(key, title, columns, rows, changes.n)
