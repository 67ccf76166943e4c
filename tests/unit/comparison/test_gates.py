"""What each gate finds of a change, and whether the change keeps to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.diff_samples import build_labels

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import diff_versions
from tagpipe.comparison.document import CauseRow
from tagpipe.comparison.gates import check_gate, check_gates
from tagpipe.dataset.compare_builds import side_of

CLEAN: dict[str, Any] = {"ant": {}, "bee": {}, "cow": {}}
UNKNOWN_PARENTS: dict[str, Any] = {"ant": {"parents": ["zig", "zag"]}, "bee": {}, "cow": {}}
LABELS = {1: ["ant", "bee"], 2: ["bee"], 3: ["cow"], 4: []}


def found_by_gates(head: dict[int, list[str]], base_vocabulary: Any, head_vocabulary: Any, **sections: Any) -> Any:
    """Gate -> what it finds of a change from LABELS."""
    sides = (build_labels(LABELS, base_vocabulary), build_labels(head, head_vocabulary, **sections))
    diff = diff_versions(*(side_of(built, "side") for built in sides))
    return {result.name: result.found for result in check_gates(diff, None, diff.head.params.gates)}


def test_each_gate_counts_what_it_is_named_after() -> None:
    head = {1: ["ant", "bee"], 2: ["bee", "cow"], 4: ["bee"], 5: ["bee"]}
    assert found_by_gates(head, CLEAN, CLEAN, threshold={"min_projects": 2}) == {
        "max_projects_removed": 1 / 4,
        "max_labels_changed": 4 / 4,
        "max_tags_leaving": 2,
        "max_newly_unlabeled": 0,
        "max_new_warnings": 0,
        "max_unexplained": None,
    }
    assert found_by_gates({1: [], 2: ["bee"], 3: [], 4: []}, CLEAN, CLEAN)["max_newly_unlabeled"] == 2


def test_only_warnings_that_base_does_not_have_are_new() -> None:
    assert found_by_gates(LABELS, CLEAN, UNKNOWN_PARENTS)["max_new_warnings"] == 2
    assert found_by_gates(LABELS, UNKNOWN_PARENTS, UNKNOWN_PARENTS)["max_new_warnings"] == 0
    # Two unknown parents less make up for no tag that nobody uses.
    unused = {**CLEAN, "unlike-any-other": {}}
    assert found_by_gates(LABELS, UNKNOWN_PARENTS, unused)["max_new_warnings"] == 1


def test_the_limits_are_those_of_head() -> None:
    gates = {"max_tags_leaving": 2, "max_projects_removed": 0.25}
    sides = (build_labels(LABELS, CLEAN), build_labels(LABELS, CLEAN, gates=gates))
    diff = diff_versions(*(side_of(built, "side") for built in sides))
    results = check_gates(diff, None, diff.head.params.gates)
    assert {result.name: result.limit for result in results if result.limit is not None} == gates
    fractions = [result.name for result in results if result.is_fraction]
    assert fractions == ["max_projects_removed", "max_labels_changed"]


def test_changes_without_an_explanation_are_counted_where_causes_were_asked_for() -> None:
    diff = diff_versions(*(side_of(build_labels(labels, CLEAN), "side") for labels in (LABELS, {1: ["ant"]})))
    groups = (
        CauseRow(cause="unexplained", factors=(), n_added=1, n_removed=2),
        CauseRow(cause="sole", factors=("projects",), n_added=4, n_removed=0),
    )
    attribution = Attribution((), groups, np.zeros(7, dtype=np.int32), n_replays=0)
    found = {result.name: result.found for result in check_gates(diff, attribution, diff.head.params.gates)}
    assert found["max_unexplained"] == 3


@pytest.mark.parametrize(
    ("limit", "found", "passed"),
    [(2, 1, True), (2, 2, True), (2, 3, False), (0, 0, True), (None, 9, True), (None, None, True), (5, None, False)],
)
def test_a_change_passes_up_to_the_limit_and_what_nobody_looked_for_does_not(
    limit: float | None, found: Any, passed: bool
) -> None:
    assert check_gate("max_unexplained", limit=limit, found=found).passed is passed
