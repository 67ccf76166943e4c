"""What the model of a diff says of small versions written by hand: cut, moves, ids of two types, schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.diff_application import labeled_projects_of
from support.samples import build_records, project

from tagpipe.comparison.diff import VersionDiff, diff_versions
from tagpipe.comparison.gates import check_gates
from tagpipe.comparison.sides import Side
from tagpipe.dataset.compare_builds import side_of
from tagpipe.errors import InputError

FLAT = "ant bee cow dog eel"


def side(tags: Mapping[Any, list[str]], vocabulary: Any = FLAT, **sections: Mapping[str, Any]) -> Side:
    """A version of these projects."""
    records = [project(at, names) for at, names in tags.items()]
    return side_of(build_records(records, vocabulary, **sections), "side")


def moves_of(diff: VersionDiff) -> list[tuple[str, str, str, bool, int]]:
    return [(move.kind, move.old, move.new, move.declared, move.n_moved) for move in diff.moves]


def diff_tags(base: list[list[str]], head: list[list[str]], vocabulary: Any = FLAT, later: Any = None) -> VersionDiff:
    """The diff of projects with these tags, in the same order."""
    return diff_versions(
        side(dict(enumerate(base)), vocabulary), side(dict(enumerate(head)), vocabulary if later is None else later)
    )


def test_a_rename_is_suspected_from_five_projects_on() -> None:
    for n, expected in ((4, []), (5, [("rename", "ant", "bee", False, 5)])):
        assert moves_of(diff_tags([["ant"]] * n, [["bee"]] * n)) == expected


def test_losers_and_gainers_must_overlap_by_four_fifths() -> None:
    # 8 moved of 8 losers and 10 gainers: 0.8; of 11 gainers: less.
    for n_more, expected in ((2, [("rename", "ant", "bee", False, 8)]), (3, [])):
        base, head = [["ant"]] * 8 + [["cow"]] * n_more, [["bee"]] * 8 + [["cow", "bee"]] * n_more
        assert moves_of(diff_tags(base, head)) == expected


def test_a_tag_moves_if_four_fifths_of_its_losers_gained_the_other() -> None:
    for n_more, expected in ((2, [("rename", "ant", "bee", False, 8)]), (3, [])):
        assert moves_of(diff_tags([["ant"]] * (8 + n_more), [["bee"]] * 8 + [[]] * n_more)) == expected


def test_a_tag_goes_into_one_that_was_there() -> None:
    diff = diff_tags([["ant"]] * 5 + [["bee"]], [["bee"]] * 6)
    assert moves_of(diff) == [("merge", "ant", "bee", False, 5)]
    assert diff.moves[0].overlap == 1.0


def test_two_tags_merge_into_a_third() -> None:
    diff = diff_tags([["ant"]] * 5 + [["bee"]] * 6, [["cow"]] * 11)
    assert moves_of(diff) == [("merge", "bee", "cow", False, 6), ("merge", "ant", "cow", False, 5)]


def test_a_tag_splits_into_two() -> None:
    diff = diff_tags([["ant"]] * 11, [["bee"]] * 5 + [["cow"]] * 6)
    assert moves_of(diff) == [("split", "ant", "cow", False, 6), ("split", "ant", "bee", False, 5)]


def test_a_tag_that_gave_way_to_two_on_every_project_is_split_and_not_renamed_twice() -> None:
    diff = diff_tags([["ant"]] * 5, [["bee", "cow"]] * 5)
    assert moves_of(diff) == [("split", "ant", "bee", False, 5), ("split", "ant", "cow", False, 5)]


def test_a_tag_of_which_half_went_elsewhere_has_no_part_in_a_merge() -> None:
    # All 20 of `ant` and 5 of 9 of `bee` became `cow`: as a whole they overlap enough, `bee` by itself does not.
    diff = diff_tags([["ant"]] * 20 + [["bee"]] * 9, [["cow"]] * 25 + [["dog"]] * 4)
    assert moves_of(diff) == [("rename", "ant", "cow", False, 20)]


def test_a_tag_of_which_half_came_from_elsewhere_has_no_part_in_a_split() -> None:
    diff = diff_tags([["ant"]] * 25 + [["dog"]] * 4, [["cow"]] * 20 + [["bee"]] * 9)
    assert moves_of(diff) == [("rename", "ant", "cow", False, 20)]


def test_a_tag_that_became_an_alias_is_declared() -> None:
    later = {"bee": {"aliases": ["Ant"]}, "cow": {}, "dog": {}, "eel": {}}
    assert moves_of(diff_tags([["ant"]] * 2, [["ant"]] * 2, later=later)) == [("merge", "ant", "bee", True, 2)]
    later = {"new": {"aliases": ["ant"]}, "bee": {}, "cow": {}, "dog": {}, "eel": {}}
    assert moves_of(diff_tags([["ant"]], [["ant"]], later=later)) == [("rename", "ant", "new", True, 1)]


def test_a_declared_move_of_a_tag_that_nobody_carried_moved_nothing() -> None:
    (move,) = diff_tags(
        [["cow"], ["dog"]], [["dog"], ["cow"]], later={"bee": {"aliases": ["ant"]}, "cow": {}, "dog": {}, "eel": {}}
    ).moves
    assert (move.kind, move.old, move.new, move.declared) == ("merge", "ant", "bee", True)
    assert (move.n_moved, move.n_lost, move.n_gained, move.overlap) == (0, 0, 0, 0.0)


def test_a_move_says_how_many_lost_the_one_and_gained_the_other() -> None:
    (move,) = diff_tags([["ant"]] * 10 + [[]], [["bee"]] * 9 + [[], ["bee"]]).moves
    assert (move.n_moved, move.n_lost, move.n_gained, move.overlap) == (9, 10, 10, 9 / 11)


def test_a_declared_move_is_not_suspected_as_well_and_comes_first() -> None:
    later = {"bee": {"aliases": ["ant"]}, "cow": {}, "dog": {}, "eel": {}}
    diff = diff_tags([["ant"]] * 6 + [["cow"]] * 7, [["ant"]] * 6 + [["dog"]] * 7, later=later)
    assert moves_of(diff) == [
        ("merge", "ant", "bee", True, 6),
        ("rename", "cow", "dog", False, 7),
    ]


def test_a_tag_that_left_the_cut_has_not_merged_into_a_popular_one() -> None:
    base = side({at: ["ant"] if at < 5 else [] for at in range(30)}, threshold={"min_projects": 1})
    head = side({at: ["ant", "bee"] if at < 5 else ["bee"] for at in range(30)}, threshold={"min_projects": 6})
    diff = diff_versions(base, head)
    assert [change.tag for change in diff.left] == ["ant"]
    assert moves_of(diff) == []


def test_tags_near_the_cut_are_within_a_tenth_on_either_side() -> None:
    supports = {"ant": 22, "bee": 23, "cow": 18, "dog": 17, "eel": 20}
    tags = {at: [tag for tag, n in supports.items() if at < n] for at in range(23)}
    same = side(tags, threshold={"min_projects": 20})
    diff = diff_versions(same, same)
    assert [(change.tag, change.head, change.is_kept) for change in diff.near_cut] == [
        ("ant", 22, True),
        ("cow", 18, False),
        ("eel", 20, True),
    ]


def test_ids_of_two_types_are_compared_as_text_and_told() -> None:
    base = side({1: ["ant"], 2: ["bee"]})
    head = side({"1": ["ant"], "02": ["bee"]}, validate={"id": "string"})
    diff = diff_versions(base, head)
    ids = diff.union.ids.to_pylist()
    assert sorted(ids) == ["02", "1", "2"]
    assert [ids[at] for at in diff.added] == ["02"]
    assert [ids[at] for at in diff.removed] == ["2"]
    assert {change.name: (change.base, change.head) for change in diff.schema_changes} == {"id": ("int64", "string")}


def test_projects_are_in_order_however_the_sides_interleave() -> None:
    diff = diff_versions(side({1: ["ant"], 3: ["ant"]}), side({0: ["ant"], 2: ["ant"], 3: ["bee"]}))
    assert diff.union.ids.to_pylist() == [0, 1, 2, 3]
    assert (diff.added.tolist(), diff.removed.tolist(), diff.relabeled.tolist()) == ([0, 2], [1], [3])


def test_ids_whose_order_as_text_is_another_keep_their_labels() -> None:
    labels = {9: ["ant"], 10: ["bee"], 11: ["cow"]}
    texts = {str(at): names for at, names in labels.items()}
    assert len(diff_versions(side(labels), side(texts, validate={"id": "string"})).labels) == 0
    diff = diff_versions(side(labels), side(texts | {"9": ["dog"]}, validate={"id": "string"}))
    assert [(group.removed, group.added) for group in diff.signatures] == [(("ant",), ("dog",))]
    diff = diff_versions(side(texts | {"9": ["dog"]}, validate={"id": "string"}), side(labels))
    assert [(group.removed, group.added) for group in diff.signatures] == [(("dog",), ("ant",))]


def test_a_tag_below_the_cut_differs_if_its_projects_do() -> None:
    cut = {"threshold": {"min_projects": 3}}
    diff = diff_versions(side({1: ["ant"], 2: []}, **cut), side({1: ["ant"], 2: ["ant"]}, **cut))
    assert [(tag.tag, tag.base, tag.head, tag.is_kept) for tag in diff.tags] == [("ant", 1, 2, False)]
    assert (len(diff.labels), diff.is_same, diff.entered, diff.left) == (0, False, (), ())


def test_the_most_frequent_change_of_labels_comes_first_then_by_what_was_removed_and_added() -> None:
    diff = diff_tags(
        [["cow"], ["bee"], ["ant"], ["ant"], [], ["dog"], ["dog"]],
        [["eel"], ["eel"], ["dog"], ["bee"], ["ant"], ["ant"], ["ant"]],
    )
    assert [(group.removed, group.added, group.projects.tolist()) for group in diff.signatures] == [
        (("dog",), ("ant",), [5, 6]),
        ((), ("ant",), [4]),
        (("ant",), ("bee",), [3]),
        (("ant",), ("dog",), [2]),
        (("bee",), ("eel",), [1]),
        (("cow",), ("eel",), [0]),
    ]


def test_each_tag_counts_the_labels_that_it_gained_and_lost() -> None:
    base = side({1: ["ant"], 2: ["ant", "bee"], 3: ["cow"]})
    head = side({1: ["ant"], 2: ["bee"], 3: ["cow", "ant"], 4: ["ant", "dog"]})
    assert [(tag.tag, tag.base, tag.head, tag.n_added, tag.n_removed) for tag in diff_versions(base, head).tags] == [
        ("ant", 2, 3, 2, 1),
        ("dog", 0, 1, 1, 0),
    ]


def test_labels_that_neither_side_has_seen_are_left_out() -> None:
    union = diff_versions(side({1: ["ant"]}), side({1: ["bee"], 2: ["bee"]})).union
    other = side({1: ["ant", "dog"], 2: ["cow"], 3: ["bee"]}).labels
    projects, tags = union.unpack(union.labels_of(other))
    assert (projects.tolist(), union.tags.take(tags).to_pylist()) == ([0], ["ant"])


def test_one_tag_in_all_is_lost_and_gained_by_the_right_projects() -> None:
    diff = diff_versions(side({1: ["ant"], 2: ["ant"], 3: []}), side({1: ["ant"], 2: [], 3: ["ant"]}))
    assert (diff.newly_unlabeled.tolist(), diff.newly_labeled.tolist()) == ([1], [2])
    assert {(group.removed, group.added, *group.projects.tolist()) for group in diff.signatures} == {
        (("ant",), (), 1),
        ((), ("ant",), 2),
    }


def test_another_text_field_is_a_change_of_schema() -> None:
    base, head = side({1: ["ant"]}), side({1: ["ant"]}, annotate={"text": ["title"]})
    diff = diff_versions(base, head)
    assert {change.name: (change.base, change.head) for change in diff.schema_changes} == {
        "text": ("title + description", "title")
    }
    assert len(diff.retexted) == 0, "there is no description, so the text is the same"


def test_an_id_twice_is_refused() -> None:
    once = side({1: ["ant"], 2: ["bee"]})
    twice = Side(**{**vars(once), "projects": once.projects.take([0, 0])})
    with pytest.raises(InputError):
        diff_versions(once, twice)


def test_an_id_twice_among_others_is_refused_and_any_order_is_not() -> None:
    known = side({1: ["ant"], 2: ["bee"], 3: ["cow"]})

    def rows(*places: int) -> Side:
        return Side(**{**vars(known), "projects": known.projects.take(list(places))})

    assert diff_versions(known, rows(1, 0, 2)).union.ids.to_pylist() == [1, 2, 3]
    with pytest.raises(InputError) as caught:
        diff_versions(known, rows(0, 1, 1, 2))
    assert (caught.value.field, caught.value.found) == ("id", "2")


@pytest.mark.parametrize(
    "head",
    [
        side({1: ["ant"], 2: ["zig"]}, f"{FLAT} fox"),
        side({1: ["ant"], 2: ["zig"]}, gates={"max_tags_leaving": 3}),
        side({1: ["ant"], 2: ["zag"]}),
        side({1: ["ant"], 2: ["zig"], 3: []}),
        side({1: ["ant"]}),
    ],
    ids=["vocabulary", "parameter", "out of vocabulary", "added", "removed"],
)
def test_one_difference_of_any_kind_makes_two_versions_differ(head: Side) -> None:
    base = side({1: ["ant"], 2: ["zig"]})
    assert diff_versions(base, base).is_same
    diff = diff_versions(base, head)
    assert (diff.is_same, diff.is_same_content) == (False, True)


def test_a_project_that_came_or_went_is_neither_relabeled_nor_newly_labeled() -> None:
    diff = diff_versions(side({1: ["ant"], 2: ["bee"]}), side({2: ["bee"], 3: ["cow"]}))
    assert [len(each) for each in (diff.added, diff.removed, diff.relabeled)] == [1, 1, 0]
    assert [len(each) for each in (diff.newly_labeled, diff.newly_unlabeled)] == [0, 0]
    assert len(diff.labels) == 2


def test_fractions_of_nothing() -> None:
    base = side({1: ["nowhere"]})
    gates = base.params.gates
    found = {gate.name: gate.found for gate in check_gates(diff_versions(base, side({1: ["ant"]})), None, gates)}
    assert found["max_labels_changed"] == 1.0, "where there was no label, any change is all of it"
    found = {gate.name: gate.found for gate in check_gates(diff_versions(base, base), None, gates)}
    assert found.pop("max_unexplained") is None, "causes were not asked for"
    assert set(found.values()) == {0}


@pytest.mark.parametrize(("head", "found"), [({1: ["ant"], 2: []}, 1 / 2), ({1: ["bee"], 2: ["bee"]}, 2 / 2)])
def test_labels_changed_are_a_fraction_of_base_s(head: dict[int, list[str]], found: float) -> None:
    base = side({1: ["ant"], 2: ["bee"]})
    gates = {gate.name: gate.found for gate in check_gates(diff_versions(base, side(head)), None, base.params.gates)}
    assert gates["max_labels_changed"] == found


def test_other_texts_and_dates_are_found_on_the_first_project_and_the_last() -> None:
    def version(*fields: Mapping[str, Any]) -> Side:
        return side_of(build_records([project(at, ["ant"], **each) for at, each in enumerate(fields)], FLAT), "side")

    base = version({"title": "one"}, {"created_on": "2020-01-01"}, {}, {"created_on": "2020-01-01"}, {})
    head = version({"title": "two"}, {"created_on": "2020-01-01"}, {"created_on": "2020-01-01"}, {}, {"title": "two"})
    diff = diff_versions(base, head)
    assert (diff.retexted.tolist(), diff.redated.tolist()) == ([0, 4], [2, 3])
    assert (diff.is_same, diff.is_same_content, len(diff.labels)) == (False, False, 0)


def test_labeled_projects_list_the_unlabeled_too() -> None:
    rows = labeled_projects_of(side({1: ["ant"], 2: ["nowhere"]})).to_pylist()
    assert [(row["id"], row["tags"]) for row in rows] == [(1, ["ant"]), (2, [])]
