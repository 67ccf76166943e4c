"""Raw tags to tags of the vocabulary, and what the ledger says of each (DESIGN section 2, steps 2-5)."""

from __future__ import annotations

import pyarrow as pa
import pytest
from support.samples import DAG, build_records, build_tags, json_of, labelsets_of, ledger_of, project

from tagpipe.steps.annotate import annotation, resolve_tags
from tagpipe.tables.schemas import Outcome


def carried(*tags: str, **annotate: object) -> list[str]:
    """The tags that one project with `tags` carries before the cut."""
    return list(build_tags(tags, annotate=annotate).tables["annotate/projects"].column("tags").to_pylist()[0])


def outcomes(*tags: str, **annotate: object) -> list[tuple[object, ...]]:
    """(raw tag, tag, outcome) of every use of one project with `tags`."""
    return ledger_of(build_tags(tags, annotate=annotate))


# Resolve


@pytest.mark.parametrize(
    ("raw", "tag", "outcome"),
    [
        ("cnn", "cnn", "kept"),
        (" CNN ", "cnn", "kept"),
        ("ＣＮＮ", "cnn", "kept"),
        ("convnet", "cnn", "alias"),
        ("Conv_Nets", "cnn", "alias"),
        ("conv nets", "cnn", "alias"),
        ("cnns", None, "out_of_vocabulary"),
        ("", None, "out_of_vocabulary"),
        ("web-not-in-the-vocabulary", None, "out_of_vocabulary"),
    ],
)
def test_one_use(raw: str, tag: str | None, outcome: str) -> None:
    assert outcomes(raw) == [(raw, tag, outcome)]


def test_c_and_its_relatives_stay_apart() -> None:
    built = build_tags(["C#", "c", "C++"], vocabulary="c c++ c#")
    assert labelsets_of(built) == {1: ["c", "c#", "c++"]}


def test_a_canonical_name_beats_an_alias_whose_form_differs_only_before_normalising() -> None:
    # With normalize off, `Deep Learning` is an alias of its own and `deep-learning` the canonical name.
    vocabulary = {"deep-learning": {"aliases": ["Deep Learning"]}}
    built = build_tags(["Deep Learning"], ["deep-learning"], vocabulary=vocabulary, annotate={"normalize": False})
    assert ledger_of(built) == [
        ("Deep Learning", "deep-learning", "alias"),
        ("deep-learning", "deep-learning", "kept"),
    ]
    built = build_tags(["Deep Learning"], ["deep-learning"], vocabulary=vocabulary)
    assert [outcome for _, _, outcome in ledger_of(built)] == ["kept", "kept"]


def test_without_normalising_only_the_exact_name_counts() -> None:
    assert outcomes("CNN", "cnn", "conv_nets", "conv-nets", normalize=False) == [
        ("CNN", None, "out_of_vocabulary"),
        ("cnn", "cnn", "kept"),
        ("conv_nets", None, "out_of_vocabulary"),
        ("conv-nets", "cnn", "duplicate"),
    ]


def test_a_name_that_is_not_in_normal_form_is_canonical_as_it_is_written() -> None:
    built = build_tags(
        ["Deep Learning", "deep-learning"], vocabulary={"Deep Learning": {}}, annotate={"normalize": False}
    )
    assert ledger_of(built) == [
        ("Deep Learning", "Deep Learning", "kept"),
        ("deep-learning", None, "out_of_vocabulary"),
    ]


def test_without_aliases_an_alias_is_out_of_the_vocabulary() -> None:
    assert outcomes("convnet", "CNN", aliases=False) == [
        ("convnet", None, "out_of_vocabulary"),
        ("CNN", "cnn", "kept"),
    ]


def test_parents_are_found_through_aliases_even_where_tags_are_not() -> None:
    assert carried("resnet", parents="roll_up", aliases=False, normalize=False) == [
        "ai",
        "cnn",
        "learning",
        "resnet",
        "vision",
    ]


# De-duplicate


def test_the_first_use_keeps_its_outcome_and_repeats_are_duplicates() -> None:
    uses = outcomes(
        "convnet", "cnn", "ai", "AI", "artificial intelligence", "c++", "C++", "c#", "flask", exclude=["ai"]
    )
    assert uses == [
        ("convnet", "cnn", "alias"),
        ("cnn", "cnn", "duplicate"),
        ("ai", "ai", "excluded"),
        ("AI", "ai", "duplicate"),
        ("artificial intelligence", "ai", "duplicate"),
        ("c++", None, "out_of_vocabulary"),
        ("C++", None, "duplicate"),
        ("c#", None, "out_of_vocabulary"),
        ("flask", "flask", "kept"),
    ]


def test_a_repeat_of_a_dropped_parent_is_a_duplicate() -> None:
    assert outcomes("ai", "cnn", "ai", parents="drop") == [
        ("ai", "ai", "parent_dropped"),
        ("cnn", "cnn", "parent_dropped"),
        ("ai", "ai", "duplicate"),
    ]


def test_out_of_vocabulary_forms_are_not_compared_where_normalising_is_off() -> None:
    assert outcomes("Rust", "rust", "Rust", normalize=False) == [
        ("Rust", None, "out_of_vocabulary"),
        ("rust", None, "out_of_vocabulary"),
        ("Rust", None, "duplicate"),
    ]


def test_the_same_tag_on_two_projects_is_no_duplicate() -> None:
    assert ledger_of(build_tags(["cnn"], ["cnn"])) == [("cnn", "cnn", "kept")] * 2


# Exclude


@pytest.mark.parametrize("name", ["cnn", "convnet", "Conv Nets", "ＣＮＮ"])
def test_a_tag_is_excluded_by_any_of_its_names(name: str) -> None:
    assert outcomes("cnn", "resnet", exclude=[name]) == [("cnn", "cnn", "excluded"), ("resnet", "resnet", "kept")]


@pytest.mark.parametrize(
    ("name", "switch", "outcome"),
    [
        ("convnet", "aliases", "kept"),
        ("CNN", "normalize", "kept"),
        ("cnn", "aliases", "excluded"),
        ("cnn", "normalize", "excluded"),
    ],
)
def test_names_to_exclude_are_compared_as_tags_are(name: str, switch: str, outcome: str) -> None:
    assert outcomes("cnn", exclude=[name], **{switch: False}) == [("cnn", "cnn", outcome)]


def test_an_alias_of_an_excluded_tag_is_excluded() -> None:
    assert outcomes("conv-nets", exclude=["cnn"]) == [("conv-nets", "cnn", "excluded")]


def test_names_to_exclude_that_no_tag_has_do_nothing() -> None:
    assert carried("cnn", exclude=["nowhere"]) == ["cnn"]


# Parents


def test_keep_leaves_parents_as_written() -> None:
    assert carried("resnet", "ai", "convnet", parents="keep") == ["ai", "cnn", "resnet"]


def test_roll_up_adds_every_ancestor_through_both_parents_and_aliases() -> None:
    assert outcomes("resnet", parents="roll_up") == [
        ("resnet", "resnet", "kept"),
        (None, "ai", "implied"),
        (None, "cnn", "implied"),
        (None, "learning", "implied"),
        (None, "vision", "implied"),
    ]


def test_roll_up_adds_no_tag_twice() -> None:
    assert outcomes("AI", "conv-nets", "resnet", "cnn", parents="roll_up") == [
        ("AI", "ai", "kept"),
        ("conv-nets", "cnn", "alias"),
        ("resnet", "resnet", "kept"),
        ("cnn", "cnn", "duplicate"),
        (None, "learning", "implied"),
        (None, "vision", "implied"),
    ]


def test_roll_up_adds_only_what_exclude_allows_and_looks_beyond_it() -> None:
    assert outcomes("resnet", parents="roll_up", exclude=["cnn", "learning"]) == [
        ("resnet", "resnet", "kept"),
        (None, "ai", "implied"),
        (None, "vision", "implied"),
    ]


def test_roll_up_does_not_add_the_unknown_parent() -> None:
    assert carried("flask", parents="roll_up") == ["flask"]


def test_roll_up_leaves_an_excluded_use_of_an_ancestor_excluded() -> None:
    assert outcomes("ai", "vision", parents="roll_up", exclude=["ai"]) == [
        ("ai", "ai", "excluded"),
        ("vision", "vision", "kept"),
    ]


def test_implied_uses_have_no_position_and_no_raw_tag_and_stand_last() -> None:
    ledger = build_tags(["vision"], ["cnn"], annotate={"parents": "roll_up"}).tables["annotate/tag_uses"].to_pylist()
    assert [(use["project_id"], use["position"], use["normalized_tag"], use["tag"]) for use in ledger] == [
        (1, 0, "vision", "vision"),
        (1, None, None, "ai"),
        (2, 0, "cnn", "cnn"),
        (2, None, None, "ai"),
        (2, None, None, "learning"),
        (2, None, None, "vision"),
    ]


def test_drop_removes_every_tag_that_is_somebodys_parent() -> None:
    assert outcomes("ai", "learning", "vision", "convnet", "resnet", "flask", parents="drop") == [
        ("ai", "ai", "parent_dropped"),
        ("learning", "learning", "parent_dropped"),
        ("vision", "vision", "parent_dropped"),
        ("convnet", "cnn", "parent_dropped"),
        ("resnet", "resnet", "kept"),
        ("flask", "flask", "kept"),
    ]


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        (["ai"], ["ai"]),
        (["ai", "vision"], ["vision"]),
        (["ai", "cnn"], ["cnn"]),
        (["ai", "resnet"], ["resnet"]),
        (["learning", "vision"], ["learning", "vision"]),
        (["learning", "convnet", "ai"], ["cnn"]),
        (["ai", "learning", "vision", "cnn", "resnet"], ["resnet"]),
        (["ai", "flask"], ["ai", "flask"]),
    ],
)
def test_drop_if_child_removes_a_parent_only_beside_a_descendant(tags: list[str], left: list[str]) -> None:
    assert carried(*tags, parents="drop_if_child") == left
    assert carried(*reversed(tags), parents="drop_if_child") == left


def test_drop_if_child_knows_the_first_tag_of_the_vocabulary_as_a_child() -> None:
    built = build_tags(
        ["a", "z"], ["z"], vocabulary={"a": {"parents": ["z"]}, "z": {}}, annotate={"parents": "drop_if_child"}
    )
    assert ledger_of(built) == [("a", "a", "kept"), ("z", "z", "parent_dropped"), ("z", "z", "kept")]


def test_excluded_beats_parent_dropped() -> None:
    for mode in ("drop", "drop_if_child"):
        uses = outcomes("ai", "vision", "resnet", parents=mode, exclude=["ai"])
        assert uses[:2] == [("ai", "ai", "excluded"), ("vision", "vision", "parent_dropped")]


# The tables


def test_the_ledger_keeps_the_raw_tag_as_received_and_its_position() -> None:
    built = build_tags([" Conv_Nets ", "ＣＮＮ"], [], ["x"])
    assert built.tables["annotate/tag_uses"].to_pylist() == [
        {
            "project_id": 1,
            "position": 0,
            "raw_tag": " Conv_Nets ",
            "normalized_tag": "conv-nets",
            "tag": "cnn",
            "outcome": "alias",
        },
        {
            "project_id": 1,
            "position": 1,
            "raw_tag": "ＣＮＮ",
            "normalized_tag": "cnn",
            "tag": "cnn",
            "outcome": "duplicate",
        },
        {
            "project_id": 3,
            "position": 0,
            "raw_tag": "x",
            "normalized_tag": "x",
            "tag": None,
            "outcome": "out_of_vocabulary",
        },
    ]


def test_projects_and_their_tags_come_in_ascending_order() -> None:
    records = [project(at, ["resnet", "ai"]) for at in (30, 4, 200)]
    table = build_records(records, DAG).tables["annotate/projects"]
    assert table.column("id").to_pylist() == [4, 30, 200]
    assert table.column("tags").to_pylist() == [["ai", "resnet"]] * 3


def test_string_ids_are_ordered_by_code_point() -> None:
    records = [project(name, ["ai"]) for name in ("b", "10", "9", "é", "B")]
    built = build_records(records, DAG, validate={"id": "string"})
    assert built.tables["annotate/projects"].column("id").to_pylist() == ["10", "9", "B", "b", "é"]


def test_text_parts_are_joined_by_one_space_and_empty_ones_skipped() -> None:
    records = [
        project(1, title="A", description="B"),
        project(2, title="A", description=""),
        project(3, title="A", description=None),
        project(4, title=" A ", description=" "),
    ]
    table = build_records([*records, project(5, ["ai"])], DAG).tables["annotate/projects"]
    assert table.column("text").to_pylist() == ["A B", "A", "A", " A   ", "title 5"]


@pytest.mark.parametrize("parts", [["description"], ["description", "title"], ["title"]])
def test_a_project_without_any_text_has_an_empty_one(parts: list[str]) -> None:
    titles, descriptions = ["one", "two", "three"], ["", "second", ""]
    fields = {"title": titles, "description": descriptions}
    records = [
        project(at, tags=["cnn"], title=title, description=text)
        for at, (title, text) in enumerate(zip(titles, descriptions, strict=True))
    ]
    table = build_records(records, DAG, annotate={"text": parts}).tables["annotate/projects"]
    expected = [" ".join(fields[part][at] for part in parts if fields[part][at]) for at in range(3)]
    assert table.column("text").to_pylist() == expected


def test_text_is_composed_of_a_slice_of_a_table_as_of_the_whole() -> None:
    fields = {"title": ["a", "", "c", "", "e"], "description": ["", "B", "C", "", "E"]}
    table = pa.table(fields)
    assert annotation.compose_text(table, ("title", "description")).to_pylist() == ["a", "B", "c C", "", "e E"]
    for n_before in range(1, 5):
        texts = annotation.compose_text(table.slice(n_before), ("title", "description"))
        assert texts.to_pylist() == ["a", "B", "c C", "", "e E"][n_before:]


def test_text_follows_the_order_of_the_parameter() -> None:
    built = build_records(
        [project(1, ["ai"], title="A", description="B")], DAG, annotate={"text": ["description", "title"]}
    )
    assert built.tables["annotate/projects"].column("text").to_pylist() == ["B A"]


def test_the_report_counts_every_outcome_and_ranks_what_the_vocabulary_lacks() -> None:
    built = build_tags(
        ["rust", "Rust", "zig", "cnn", "convnet"], ["Rust", "ai"], ["go", "zig"], annotate={"exclude": ["AI"]}
    )
    report = json_of(built.reports.annotation)
    assert report["tag_uses"] == {
        "n_in": 9,
        "by_outcome": {
            "kept": 1,
            "alias": 0,
            "duplicate": 2,
            "excluded": 1,
            "out_of_vocabulary": 5,
            "parent_dropped": 0,
            "implied": 0,
        },
    }
    assert report["tags"]["out_of_vocabulary"] == [["rust", 2], ["zig", 2], ["go", 1]]
    assert (report["n_projects"], report["tags"]["n_raw"], report["tags"]["n_out_of_vocabulary"]) == (3, 7, 3)
    assert report["tags"]["excluded"] == ["ai"]
    assert list(report["tag_uses"]["by_outcome"]) == [str(outcome) for outcome in Outcome]


LONG = [f"tag {at % 30}" for at in range(70)] + ["resnet", "ai", "Tag_0", "convnet", "cnn"]


def test_a_project_with_many_tags_is_treated_as_one_with_few() -> None:
    for parents, left in (("keep", ["ai", "cnn", "resnet"]), ("drop", ["resnet"]), ("drop_if_child", ["resnet"])):
        assert carried(*LONG, parents=parents) == left
    uses = outcomes(*LONG)
    assert [outcome for _, _, outcome in uses[:30]] == ["out_of_vocabulary"] * 30
    assert [outcome for _, _, outcome in uses[30:70]] == ["duplicate"] * 40
    assert [outcome for _, _, outcome in uses[70:]] == ["kept", "kept", "duplicate", "alias", "duplicate"]
    assert carried(*LONG, parents="roll_up") == ["ai", "cnn", "learning", "resnet", "vision"]


def test_slices_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = [["resnet", "ai", "x"], [], ["convnet", "cnn", "ai"], LONG, ["x", "X"], ["vision", "flask"], ["learning"]]
    records = [project(at, each, description="é" * at) for at, each in zip((5, 3, 9, 1, 7, 2, 8), tags, strict=True)]
    for parents in ("keep", "roll_up", "drop", "drop_if_child"):
        whole = build_records(records, DAG, annotate={"parents": parents})
        for n_rows in (1, 2, 4):
            with monkeypatch.context() as patch:
                for module in (annotation, resolve_tags):
                    patch.setattr(module, "SLICE_ROWS", n_rows)
                parts = build_records(records, DAG, annotate={"parents": parents})
                for name, table in parts.tables.items():
                    assert table.to_pylist() == whole.tables[name].to_pylist()
                assert parts.reports == whole.reports
