"""The cut, its order, and the reason why a project is left without a tag (DESIGN section 2, steps 6-8)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.samples import build_records, build_tags, json_of, labelsets_of, project

FLAT = "a b c d e f g h rare"


def tags_with_counts(counts: dict[str, int]) -> list[list[str]]:
    """As many projects as the largest count, with each tag on as many of them as it says."""
    return [[tag for tag, n in counts.items() if at < n] for at in range(max(counts.values()))]


def ranked(built: object) -> list[tuple[str, int, bool]]:
    rows = built.tables["threshold/tags"].to_pylist()  # type: ignore[attr-defined]
    return [(row["tag"], row["n_projects"], row["kept"]) for row in rows]


def test_a_tag_with_exactly_min_projects_is_kept() -> None:
    built = build_tags(*tags_with_counts({"a": 3, "b": 2, "c": 1}), vocabulary=FLAT, threshold={"min_projects": 2})
    assert ranked(built) == [("a", 3, True), ("b", 2, True), ("c", 1, False)]
    assert labelsets_of(built) == {1: ["a", "b"], 2: ["a", "b"], 3: ["a"]}


def test_projects_are_counted_and_not_uses() -> None:
    built = build_tags(["a", "A", " a "], ["b"], ["b"], vocabulary=FLAT, threshold={"min_projects": 2})
    assert ranked(built) == [("b", 2, True), ("a", 1, False)]


def test_implied_tags_count() -> None:
    vocabulary = {"up": {}, "one": {"parents": ["up"]}, "two": {"parents": ["up"]}}
    built = build_tags(
        ["one"], ["two"], vocabulary=vocabulary, annotate={"parents": "roll_up"}, threshold={"min_projects": 2}
    )
    assert labelsets_of(built) == {1: ["up"], 2: ["up"]}


def test_the_cut_is_made_once() -> None:
    # Both projects lose their other tag; `a` still counts both.
    built = build_tags(["a", "b"], ["a", "c"], vocabulary=FLAT, threshold={"min_projects": 2})
    assert labelsets_of(built) == {1: ["a"], 2: ["a"]}


def test_order_is_by_count_then_by_code_point() -> None:
    counts = {"é": 2, "z": 2, "Y": 2, "c#": 2, "c++": 2, "c": 2, "b": 3, "1": 1}
    built = build_tags(*tags_with_counts(counts), vocabulary=" ".join(counts), annotate={"normalize": False})
    assert [tag for tag, _, _ in ranked(built)] == ["b", "Y", "c", "c#", "c++", "z", "é", "1"]


def test_lists_of_the_report_hold_five_each_and_meet_at_the_cut() -> None:
    counts = {"a": 9, "b": 8, "c": 7, "d": 6, "e": 6, "f": 6, "g": 5, "h": 4, "rare": 4}
    report = json_of(
        build_tags(*tags_with_counts(counts), vocabulary=FLAT, threshold={"min_projects": 6}).reports.threshold
    )
    assert report["most_popular"] == [["a", 9], ["b", 8], ["c", 7], ["d", 6], ["e", 6]]
    assert report["just_made"] == [["b", 8], ["c", 7], ["d", 6], ["e", 6], ["f", 6]]
    assert report["just_missed"] == [["g", 5], ["h", 4], ["rare", 4]]
    assert report["tags"] == {
        "n_seen": 9,
        "n_kept": 6,
        "kept": [["a", 9], ["b", 8], ["c", 7], ["d", 6], ["e", 6], ["f", 6]],
    }


CHAIN = {"general": {}, "up": {}, "down": {"parents": ["up"]}, "wide": {}, "rare": {}, "leaf": {"aliases": ["alias"]}}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([], "no_tags"),
        (["zig"], "out_of_vocabulary"),
        (["zig", "ZIG"], "out_of_vocabulary"),
        (["general"], "excluded"),
        (["zig", "general", "general"], "excluded"),
        (["up"], "parent_dropped"),
        (["zig", "up", "general"], "parent_dropped"),
        (["rare"], "below_threshold"),
        (["rare", "zig", "up", "general"], "below_threshold"),
        (["alias"], "below_threshold"),
    ],
)
def test_the_reason_is_the_furthest_step_that_any_tag_reached(tags: list[str], reason: str) -> None:
    for order in (tags, tags[::-1]):
        built = build_tags(
            ["wide"],
            ["wide"],
            order,
            vocabulary=CHAIN,
            annotate={"exclude": ["general"], "parents": "drop"},
            threshold={"min_projects": 2},
        )
        report = json_of(built.reports.threshold)
        assert [name for name, n in report["projects"]["n_unlabeled"].items() if n] == [reason]
        assert report["projects"]["n_labeled"] == 2


def test_every_reason_is_listed_even_with_none() -> None:
    report = json_of(build_tags(["a"], vocabulary=FLAT).reports.threshold)
    assert report["projects"]["n_unlabeled"] == {
        "no_tags": 0,
        "out_of_vocabulary": 0,
        "excluded": 0,
        "parent_dropped": 0,
        "below_threshold": 0,
    }


UNEVEN: Sequence[list[str]] = (["a", "b"], ["a"], ["rare"], [], ["a", "b", "c"], ["c"])


def test_unlabeled_projects_are_dropped() -> None:
    built = build_tags(*UNEVEN, vocabulary=FLAT, threshold={"min_projects": 2})
    assert labelsets_of(built) == {1: ["a", "b"], 2: ["a"], 5: ["a", "b", "c"], 6: ["c"]}


def test_unlabeled_projects_are_kept_with_an_empty_list_and_still_counted() -> None:
    dropped = build_tags(*UNEVEN, vocabulary=FLAT, threshold={"min_projects": 2})
    kept = build_tags(*UNEVEN, vocabulary=FLAT, threshold={"min_projects": 2, "unlabeled": "keep"})
    assert labelsets_of(kept) == {**labelsets_of(dropped), 3: [], 4: []}
    rest = [
        {key: n for key, n in json_of(built.reports.threshold).items() if key != "content_sha256"}
        for built in (dropped, kept)
    ]
    assert rest[0] == rest[1]
    assert rest[0]["projects"]["n_unlabeled"]["below_threshold"] == 1
    assert kept.tables["threshold/tags"].equals(dropped.tables["threshold/tags"])
    assert kept.content_sha256 != dropped.content_sha256


@pytest.mark.parametrize("unlabeled", ["drop", "keep"])
def test_projects_come_by_id_with_their_own_tags_however_the_source_has_them(unlabeled: str) -> None:
    tags = {30: ["a"], 4: ["b"], 200: [], 7: ["a", "b"]}
    records = [project(at, names) for at, names in tags.items()]
    built = build_records(records, FLAT, threshold={"min_projects": 2, "unlabeled": unlabeled})
    rows = [(row["id"], row["text"], row["tags"]) for row in built.tables["threshold/projects"].to_pylist()]
    assert rows == [(at, f"title {at}", tags[at]) for at in sorted(tags) if tags[at] or unlabeled == "keep"]


def test_measures_divide_by_labeled_projects() -> None:
    for unlabeled in ("drop", "keep"):
        built = build_tags(*UNEVEN, vocabulary=FLAT, threshold={"min_projects": 2, "unlabeled": unlabeled})
        report = json_of(built.reports.threshold)
        # 7 tags on 4 labeled projects; supports 3, 2, 2.
        assert report["cardinality"] == pytest.approx(7 / 4)
        assert report["density"] == pytest.approx(7 / 4 / 3)
        assert report["imbalance"] == pytest.approx({"mean_ir": (1 + 1.5 + 1.5) / 3, "max_ir": 1.5})
        prevalence = {row["tag"]: row["prevalence"] for row in built.tables["threshold/tags"].to_pylist()}
        assert prevalence == pytest.approx({"a": 3 / 4, "b": 2 / 4, "c": 2 / 4, "rare": 1 / 4})


def test_nothing_is_kept_where_the_cut_is_too_high() -> None:
    built = build_tags(["a"], ["a", "b"], [], vocabulary=FLAT, threshold={"min_projects": 3})
    report = json_of(built.reports.threshold)
    assert labelsets_of(built) == {}
    assert report["projects"]["n_labeled"] == 0
    assert report["projects"]["n_unlabeled"]["below_threshold"] == 2
    assert report["most_popular"] == report["just_made"] == report["tags"]["kept"] == []
    assert report["just_missed"] == [["a", 2], ["b", 1]]
    assert (report["cardinality"], report["density"]) == (0.0, 0.0)
    assert report["imbalance"] == {"mean_ir": 0.0, "max_ir": 0.0}


def test_a_prevalence_is_a_fraction_even_where_nothing_is_labeled() -> None:
    built = build_tags(["a"], ["a"], vocabulary=FLAT, threshold={"min_projects": 3})
    assert all(0 <= share <= 1 for share in built.tables["threshold/tags"].column("prevalence").to_pylist())


def test_tags_seen_are_those_after_include_and_exclude() -> None:
    # `up` came so far and was then dropped as a parent: it is seen, with no project left.
    built = build_tags(
        ["general", "up", "zig", "leaf"], vocabulary=CHAIN, annotate={"exclude": ["general"], "parents": "drop"}
    )
    assert ranked(built) == [("leaf", 1, True), ("up", 0, False)]
    assert json_of(built.reports.threshold)["tags"] == {"n_seen": 2, "n_kept": 1, "kept": [["leaf", 1]]}


def test_a_parent_that_is_dropped_only_here_and_there_counts_where_it_stays() -> None:
    built = build_tags(["up", "down"], ["up"], vocabulary=CHAIN, annotate={"parents": "drop_if_child"})
    assert ranked(built) == [("down", 1, True), ("up", 1, True)]


def test_a_tag_that_never_met_the_cut_did_not_just_miss_it() -> None:
    built = build_tags(["up", "leaf"], vocabulary=CHAIN, annotate={"parents": "drop"}, threshold={"min_projects": 2})
    assert json_of(built.reports.threshold)["just_missed"] == [["leaf", 1]]


def test_the_report_has_every_key_of_the_issue() -> None:
    report = json_of(build_tags(["a", "b"], ["a"], vocabulary=FLAT, threshold={"min_projects": 2}).reports.threshold)
    assert set(report) >= {
        "schema",
        "min_projects",
        "projects",
        "tag_uses",
        "tags",
        "most_popular",
        "just_made",
        "just_missed",
        "cardinality",
        "density",
        "imbalance",
        "content_sha256",
    }
    assert (report["schema"], report["min_projects"]) == (1, 2)
    assert report["tag_uses"]["n_in"] == 3
    assert report["tag_uses"]["n_kept"] == 2
    assert set(report["projects"]) >= {"n_in", "n_rejected", "n_duplicates", "n_labeled", "n_unlabeled"}


def test_counts_take_in_rejected_and_collapsed_rows() -> None:
    records = [project(1, ["a"]), project(1, ["a"]), project(2, None), project(3, ["a"]), project(3, ["b"]), project(4)]
    report = json_of(build_records(records, FLAT).reports.threshold)
    assert report["projects"] == {
        "n_in": 6,
        "n_rejected": 3,
        "n_duplicates": 1,
        "n_labeled": 1,
        "n_unlabeled": {
            "no_tags": 1,
            "out_of_vocabulary": 0,
            "excluded": 0,
            "parent_dropped": 0,
            "below_threshold": 0,
        },
    }
