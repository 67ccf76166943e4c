"""The beginning of a comparison: the verdict, the two sides, the gates and the causes."""

from __future__ import annotations

from dataclasses import dataclass

from tagpipe.comparison.document import DiffDocument, GateRow, SideRow
from tagpipe.render.diff.cells import (
    Cell,
    Column,
    DiffTable,
    Tone,
    added_and_removed,
    count,
    digest,
    number,
    percent,
    public,
    public_list,
    signed,
    words,
)

_MAX_GATES = 6


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison in a few words."""

    tone: Tone
    headline: str
    """No difference, passed or failed."""
    detail: Cell
    """The gates that failed."""
    summary: Cell
    """The changes, in one line."""


def verdict_of(document: DiffDocument) -> Verdict:
    """The verdict. A document that says it passed while a gate did not has failed."""
    failed = [gate for gate in document.gates if not gate.passed]
    if failed or not document.passed:
        headline = f"Failed: {len(failed)} of {_n_of(len(document.gates), 'gate')}"
        return Verdict("bad", headline, _name_failed(failed), _summarize(document))
    if document.is_same:
        return Verdict("good", "No difference", (), words("Content, parameters, vocabulary and pins are the same."))
    return Verdict("good", _passed_headline(document), (), _summarize(document))


def _name_failed(failed: list[GateRow]) -> Cell:
    parts: list[Cell] = []
    for gate in failed[:_MAX_GATES]:
        found, limit = gate_numbers(gate)
        parts.append(words(", " if parts else "") + public(gate.name) + words(f" {found} (at most {limit})"))
    if len(failed) > _MAX_GATES:
        parts.append(words(f" and {len(failed) - _MAX_GATES} more"))
    return sum(parts, ())


def _passed_headline(document: DiffDocument) -> str:
    n_off = sum(gate.limit is None for gate in document.gates)
    n_on = len(document.gates) - n_off
    if not n_on:
        return "Passed, but every gate is off"
    return f"Passed: {_n_of(n_on, 'gate')} held" + (f", {n_off} off" if n_off else "")


def gate_numbers(gate: GateRow) -> tuple[str, str]:
    """(found, limit) as text."""
    show = percent if gate.is_fraction else number
    found = "not checked" if gate.found is None else show(gate.found)
    return found, "off" if gate.limit is None else show(gate.limit)


def _summarize(document: DiffDocument) -> Cell:
    """The numbers of changed labels, of tags that crossed the cut and of changed projects, without the zeros."""
    projects = document.projects
    n_labels = document.n_labels_added + document.n_labels_removed
    labels = f"{_n_of(document.n_labels_added, 'label')} added and {count(document.n_labels_removed)} removed"
    counted = [
        ("tag", "entered the cut", document.entered.n),
        ("tag", "left the cut", document.left.n),
        ("project", "relabeled", projects.relabeled.n),
        ("project", "newly unlabeled", projects.newly_unlabeled.n),
        ("project", "newly labeled", projects.newly_labeled.n),
        ("project", "added", projects.added.n),
        ("project", "removed", projects.removed.n),
    ]
    clauses = [labels if n_labels else "no label changed"]
    clauses += [f"{_n_of(n, noun)} {event}" for noun, event, n in counted if n]
    text = "; ".join(clauses)
    return words(f"{text[0].upper()}{text[1:]}.")


def _n_of(n: int, noun: str) -> str:
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def sides_section(document: DiffDocument) -> DiffTable:
    """The two versions side by side, and the difference."""
    base, head = document.base, document.head
    rows: list[tuple[Cell, ...]] = [
        (words("name"), public(base.name), public(head.name), ()),
        (words("commit"), _commit(base), _commit(head), ()),
        (words("content"), digest(base.content_sha256), digest(head.content_sha256), _compare_contents(document)),
    ]
    counts = [
        ("cut (min_projects)", base.min_projects, head.min_projects),
        ("projects", base.n_projects, head.n_projects),
        ("labeled projects", base.n_labeled, head.n_labeled),
        ("tags kept", base.n_tags_kept, head.n_tags_kept),
        ("labels", base.n_labels, head.n_labels),
    ]
    rows += [
        (words(name), words(count(ours)), words(count(theirs)), signed(theirs - ours)) for name, ours, theirs in counts
    ]
    columns = (Column(""), Column("base", True), Column("head", True), Column("change", True))
    return DiffTable("sides", "", columns, rows, len(rows), is_open=True, is_counted=False)


def _commit(side: SideRow) -> Cell:
    return digest(side.commit) if side.commit else words("none", "dim")


def _compare_contents(document: DiffDocument) -> Cell:
    return words("same" if document.base.content_sha256 == document.head.content_sha256 else "differs")


def gates_section(document: DiffDocument) -> DiffTable:
    """Every gate, failed ones first."""
    gates = sorted(document.gates, key=lambda gate: gate.passed)
    columns = (Column("gate"), Column("found", True), Column("at most", True), Column("result"))
    rows = [_gate_row(gate) for gate in gates]
    return DiffTable("gates", "Gates", columns, rows, len(rows), is_open=True, is_counted=False)


def _gate_row(gate: GateRow) -> tuple[Cell, ...]:
    found, limit = gate_numbers(gate)
    result = words("FAILED", "bad") if not gate.passed else words("off", "dim") if gate.limit is None else words("held")
    return public(gate.name), words(found), words(limit), result


def causes_section(document: DiffDocument) -> DiffTable:
    """Label changes by cause, with notes on what the words mean and which edits changed nothing."""
    columns = (Column("edit"), Column("cause"), Column("labels added", True), Column("removed", True))
    if document.causes is None:
        return DiffTable("causes", "Causes", columns, (), 0, is_open=True, if_empty="Not looked for (--no-causes).")
    groups = document.causes.groups
    rows = [
        (
            _join_factors(group.factors),
            words(group.cause, "bad" if group.cause == "unexplained" else ""),
            *added_and_removed(group.n_added, group.n_removed),
        )
        for group in groups
    ]
    notes = [words(_MEANINGS[cause]) for cause in dict.fromkeys(group.cause for group in groups) if cause != "sole"]
    return DiffTable(
        "causes",
        "Causes",
        columns,
        rows,
        len(rows),
        is_open=True,
        notes=(*notes, *_factor_notes(document)),
        if_empty="No label changed.",
        is_counted=False,
    )


_MEANINGS = {
    "sole": "sole: the edit alone does it, and without it nothing does.",
    "joint": "joint: the edits only do it together.",
    "overdetermined": "overdetermined: more than one edit does it, and none is needed.",
    "masked": "masked: some of the edits undo what others do.",
    "unexplained": "unexplained: head's inputs built anew do not give it; other code, or a defect.",
}


def _join_factors(factors: tuple[str, ...]) -> Cell:
    return public_list(factors) if factors else words("none")


def _factor_notes(document: DiffDocument) -> list[Cell]:
    assert document.causes is not None
    factors = document.causes.factors
    broken = [
        (how, factor.name, problem)
        for factor in factors
        for how, problem in (("alone", factor.problem_alone), ("taken back", factor.problem_without))
        if problem
    ]
    named = {name for _, name, _ in broken}
    idle = [factor.name for factor in factors if not (factor.n_suffices or factor.n_needed or factor.name in named)]
    notes = [words("Changed no label: ") + public_list(idle) + words(".")] if idle else []
    if document.causes.problem:
        notes.append(words("The inputs could not be built anew: ") + public(document.causes.problem))
    notes += [
        words("Could not be tried ") + words(f"{how}: ") + public(name) + words(": ") + public(problem)
        for how, name, problem in broken[:_MAX_GATES]
    ]
    if len(broken) > _MAX_GATES:
        notes.append(words(f"And {len(broken) - _MAX_GATES} more that could not be tried."))
    return notes
