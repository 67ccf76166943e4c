"""What a comparison says, before anything draws it."""

from __future__ import annotations

import numpy as np
import pytest
from support.diff_samples import BASE, build_labels, changed_document, document_of

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.document import CauseRow, FactorRow
from tagpipe.comparison.gates import check_gate
from tagpipe.render.diff.cells import Cell, DiffTable, count, percent, public_list, signed, value
from tagpipe.render.diff.sections import list_projects, make_sections
from tagpipe.render.diff.verdict import verdict_of


def read(cell: Cell) -> str:
    return "".join(part.text for part in cell)


def read_rows(section: DiffTable) -> list[list[str]]:
    return [[*map(read, row)] for row in section.rows]


def sections_of(**parts: object) -> dict[str, DiffTable]:
    return {section.key: section for section in make_sections(changed_document(**parts))}


def test_no_difference() -> None:
    verdict = verdict_of(document_of(BASE, BASE, gates=[check_gate("max_tags_leaving", limit=0, found=0)]))
    assert (verdict.tone, verdict.headline) == ("good", "No difference")


def test_no_difference_is_short() -> None:
    keys = [section.key for section in make_sections(document_of(BASE, BASE))]
    assert keys == ["sides", "causes", "left", "entered"]


def test_passed_says_how_many_gates_held_and_what_changed() -> None:
    gates = [check_gate("max_tags_leaving", limit=2, found=2), check_gate("max_unexplained", limit=None, found=9)]
    verdict = verdict_of(changed_document(gates=gates))
    assert (verdict.tone, verdict.headline, verdict.detail) == ("good", "Passed: 1 gate held, 1 off", ())
    assert read(verdict.summary) == (
        "3 labels added and 6 removed; 1 tag entered the cut; 2 tags left the cut; 4 projects relabeled; "
        "1 project newly unlabeled; 1 project added; 1 project removed."
    )


def test_every_gate_off_is_not_called_held() -> None:
    verdict = verdict_of(changed_document(gates=[check_gate("max_unexplained", limit=None, found=9)]))
    assert verdict.headline == "Passed, but every gate is off"


def test_failed_names_the_gates_with_their_numbers() -> None:
    gates = [
        check_gate("max_projects_removed", limit=0.02, found=0.2, is_fraction=True),
        check_gate("max_tags_leaving", limit=0, found=2),
        check_gate("max_unexplained", limit=0, found=0),
    ]
    verdict = verdict_of(changed_document(gates=gates))
    assert (verdict.tone, verdict.headline) == ("bad", "Failed: 2 of 3 gates")
    assert read(verdict.detail) == "max_projects_removed 20.0 % (at most 2.0 %), max_tags_leaving 2 (at most 0)"


def test_a_document_that_contradicts_itself_has_failed() -> None:
    document = changed_document(gates=[check_gate("max_tags_leaving", limit=0, found=2)]).model_copy(
        update={"passed": True}
    )
    assert verdict_of(document).tone == "bad"
    assert verdict_of(document.model_copy(update={"passed": False, "gates": (), "is_same": True})).tone == "bad"


def test_sections_come_in_the_order_of_what_decides() -> None:
    keys = list(sections_of(gates=[check_gate("max_tags_leaving", limit=2, found=2)]))
    assert keys[:5] == ["sides", "causes", "gates", "left", "entered"]
    assert [key for key, section in sections_of().items() if section.is_open][-1] in ("entered", "near_cut")


def test_tags_at_the_cut_have_their_support_on_both_sides() -> None:
    found = sections_of()
    assert read_rows(found["left"]) == [["b", "4", "2", "-2"], ["a", "2", "2", "0"]]
    assert read_rows(found["entered"]) == [["c", "1", "3", "+2"]]


def test_projects_are_counted_with_their_first_ids() -> None:
    rows = read_rows(sections_of()["projects"])
    assert ["removed", "1", "5"] in rows
    assert ["added", "1", "6"] in rows
    assert [section.key for section in list_projects(changed_document())][:2] == ["projects.removed", "projects.added"]


def test_signatures_show_what_went_then_what_came() -> None:
    rows = read_rows(sections_of()["signatures"])
    assert rows == [["2", "-b, +c", "3, 4"], ["1", "-a, -b", "1"], ["1", "-a, -b, +c", "2"]]


def test_measures_are_shown_changed_or_not_and_counts_only_if_changed() -> None:
    names = [row[0] for row in read_rows(sections_of()["measures"])]
    assert names[:4] == [
        "cardinality (mean tags per project)",
        "density (cardinality / tags)",
        "imbalance, mean",
        "imbalance, largest",
    ]
    assert "projects in" not in names
    assert "projects labeled" in names


def test_parameters_show_both_values() -> None:
    assert read_rows(sections_of()["params"]) == [["threshold.min_projects", "2", "3"]]


def test_vocabulary_entries_show_what_came_and_went() -> None:
    ours = build_labels({1: "a"}, {"a": {"aliases": ["x"]}, "b": {}})
    theirs = build_labels({1: "a"}, {"a": {"aliases": ["y"], "parents": ["c"]}, "c": {}})
    found = {section.key: section for section in make_sections(document_of(ours, theirs))}
    assert read_rows(found["vocabulary"]) == [
        ["changed", "a", "-x, +y", "+c"],
        ["removed", "b", "", ""],
        ["added", "c", "", ""],
    ]


def factor(name: str, n_suffices: int, n_needed: int, problem: str | None = None) -> FactorRow:
    """A factor; problem: why it could not be tried alone."""
    return FactorRow(name=name, n_suffices=n_suffices, n_needed=n_needed, problem_alone=problem, problem_without=None)


def test_causes_name_edits_explain_words_and_tell_what_did_nothing() -> None:
    groups = (
        CauseRow(cause="sole", factors=("vocabulary",), n_added=2, n_removed=0),
        CauseRow(cause="joint", factors=("vocabulary", "projects"), n_added=0, n_removed=6),
    )
    factors = (
        factor("vocabulary", 2, 8),
        factor("annotate.text", 0, 0),
        factor("validate.id", 0, 0, problem="bad ids"),
    )
    attribution = Attribution(factors, groups, group_of=np.zeros(9, dtype=np.int32), n_replays=5)
    found = sections_of(attribution=attribution)["causes"]
    assert read_rows(found) == [["vocabulary", "sole", "+2", "0"], ["vocabulary, projects", "joint", "0", "-6"]]
    assert [read(note) for note in found.notes] == [
        "joint: the edits only do it together.",
        "Changed no label: annotate.text.",
        "Could not be tried alone: validate.id: bad ids",
    ]


def test_causes_that_were_not_looked_for_are_not_called_none() -> None:
    found = sections_of()["causes"]
    assert found.if_empty == "Not looked for (--no-causes)."


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (1234567, "1,234,567"), (10**15, "more than 10^15"), (10**4000, "more than 10^15")]
)
def test_a_count_is_short_whatever_it_is(number: int, shown: str) -> None:
    assert count(number) == shown


def test_fractions_are_short_whatever_they_are() -> None:
    assert percent(0.0256) == "2.6 %"
    assert len(percent(1e308)) < 20


def test_a_list_is_cut_at_five() -> None:
    assert read(public_list("abcdefg", sign="+")) == "+a, +b, +c, +d, +e and 2 more"
    assert read(public_list([1, 2], n=9)) == "1, 2 and 7 more"
    assert read(public_list([])) == ""


@pytest.mark.parametrize(("change", "shown"), [(3, "+3"), (-3, "-3"), (0, "0"), (0.125, "+0.125"), (-1.5, "-1.5")])
def test_a_change_has_its_sign(change: float, shown: str) -> None:
    assert read(signed(change)) == shown


@pytest.mark.parametrize(
    ("this", "other", "shown"),
    [
        (None, 1, "none"),
        (True, False, "true"),
        (1200, 1, "1,200"),
        (0.05, 1, "0.05"),
        ("keep", "drop", "keep"),
        ("a" * 64, "b", "a" * 12),
        ({"id": "key"}, {}, '{"id": "key"}'),
        (["a", "b", "c"], ["b"], "3 values, of them only here: a, c"),
        (["b"], ["a", "b"], "1 values"),
        ([1, True], [1], "2 values, of them only here: true"),
    ],
)
def test_a_value_is_shown_beside_the_other(this: object, other: object, shown: str) -> None:
    assert read(value(this, other)) == shown  # type: ignore[arg-type]
