"""A whole comparison: the table of its label changes, and whether it keeps to its gates."""

from __future__ import annotations

import numpy as np
from support.diff_samples import build_labels

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.comparison import Comparison, changes_table
from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.document import CauseRow
from tagpipe.comparison.gates import check_gate
from tagpipe.dataset.compare_builds import side_of


def changed_diff() -> VersionDiff:
    """Project 1 loses b and gains c, 2 stays as it is, 3 goes, 4 comes."""
    base = build_labels({1: "ab", 2: "a", 3: "c"})
    head = build_labels({1: "ac", 2: "a", 4: "d"})
    return diff_versions(side_of(base, "old"), side_of(head, "new"))


def test_the_table_has_a_row_for_each_label_change_by_project_and_tag() -> None:
    table = changes_table(Comparison(changed_diff(), None, ()))
    assert table.column_names == ["project_id", "tag", "change", "cause", "factors"]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (1, "b", "removed", None, None),
        (1, "c", "added", None, None),
        (3, "c", "removed", None, None),
        (4, "d", "added", None, None),
    ]


def test_the_table_says_what_caused_each_change() -> None:
    groups = (
        CauseRow(cause="joint", factors=("projects", "vocabulary"), n_added=1, n_removed=2),
        CauseRow(cause="sole", factors=("projects",), n_added=1, n_removed=0),
    )
    attribution = Attribution((), groups, np.array([0, 1, 0, 0], dtype=np.int32), n_replays=0)
    table = changes_table(Comparison(changed_diff(), attribution, ()))
    joint, sole = ("joint", ["projects", "vocabulary"]), ("sole", ["projects"])
    assert [(row["cause"], row["factors"]) for row in table.to_pylist()] == [joint, sole, joint, joint]


def test_a_comparison_passes_if_every_gate_does() -> None:
    within, beyond = check_gate("max_tags_leaving", limit=1, found=1), check_gate("max_unexplained", limit=0, found=1)
    diff = changed_diff()
    assert Comparison(diff, None, ()).passed
    assert Comparison(diff, None, (within,)).passed
    assert not Comparison(diff, None, (within, beyond)).passed
