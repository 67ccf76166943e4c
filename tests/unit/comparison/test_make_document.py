"""The document of a comparison: its order, what stands for a project, and what is said of a list that is cut."""

from __future__ import annotations

import pytest
from support.diff_samples import build_labels, document_of
from support.samples import build_records, project

from tagpipe.comparison import make_document

BASE = build_labels({1: "b", 2: "b", 3: "bc", 4: "", 5: "d", 9: "a"}, "a b c d e")
HEAD = build_labels({1: "c", 2: "c", 3: "c", 4: "d", 5: "d", 8: "e"}, "a b c d e")


def test_the_tags_with_the_most_changes_come_first_and_then_by_name() -> None:
    rows = document_of(BASE, HEAD).tags.rows
    assert [(row.tag, row.n_added, row.n_removed) for row in rows] == [
        ("b", 0, 3),
        ("c", 2, 0),
        ("a", 0, 1),
        ("d", 1, 0),
        ("e", 1, 0),
    ]


def test_labels_added_and_removed_are_counted_and_listed() -> None:
    document = document_of(BASE, HEAD)
    assert (document.n_labels_added, document.n_labels_removed, document.changes.n) == (4, 4, 8)
    assert [(row.id, row.tag, row.change, row.cause) for row in document.changes.rows][:3] == [
        (1, "b", "removed", None),
        (1, "c", "added", None),
        (2, "b", "removed", None),
    ]


def test_a_project_is_told_by_its_text_in_head_or_in_base_if_it_is_gone() -> None:
    base = build_records([project(1, ["a"], title="old"), project(2, ["a"], title="gone")], "a b")
    head = build_records([project(1, ["b"], title="x" * 81), project(3, ["a"], title="new")], "a b")
    projects = document_of(base, head).projects
    titles = [[(row.id, row.title) for row in rows.rows] for rows in (projects.added, projects.removed)]
    assert titles == [[(3, "new")], [(2, "gone")]]
    assert [(row.id, row.title) for row in projects.retexted.rows] == [(1, "x" * 80)]


def test_a_list_that_is_cut_says_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_document, "MAX_ROWS", 2)
    monkeypatch.setattr(make_document, "MAX_CHANGES", 3)
    monkeypatch.setattr(make_document, "MAX_EXAMPLES", 1)
    document = document_of(BASE, HEAD)
    assert (document.tags.n, [row.tag for row in document.tags.rows]) == (5, ["b", "c"])
    assert (document.projects.relabeled.n, [row.id for row in document.projects.relabeled.rows]) == (4, [1, 2])
    assert (document.changes.n, len(document.changes.rows)) == (8, 3)
    most_frequent = document.signatures.rows[0]
    assert (document.signatures.n, len(document.signatures.rows)) == (3, 2)
    assert (most_frequent.removed, most_frequent.added, most_frequent.n_projects) == (("b",), ("c",), 2)
    assert [row.id for row in most_frequent.examples] == [1]
