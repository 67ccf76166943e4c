"""Why a project has or lacks a tag, use by use."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest
from support.samples import DAG, build_tags

from tagpipe.dataset.build import Build
from tagpipe.dataset.explanation import Explanation, explain_project
from tagpipe.params import dump_params
from tagpipe.tables.reports.manifest import BuiltParams


def explain(built: Build, project_id: int, tag: str | None = None) -> Explanation:
    ledger = built.tables["annotate/tag_uses"]
    return explain_project(
        project_id,
        ledger.filter(pc.equal(ledger.column("project_id"), project_id)),
        built.tables["threshold/tags"],
        built.vocabulary,
        BuiltParams.model_validate(dump_params(built.params)),
        tag=tag,
    )


@pytest.fixture(scope="module")
def built() -> Build:
    return build_tags(
        [" Conv_Nets ", "cnn", "ai", "flask", "zig", "Zig"],
        ["cnn"],
        ["flask"],
        ["flask"],
        ["zig"],
        annotate={"exclude": ["artificial-intelligence"]},
        threshold={"min_projects": 3},
    )


def test_every_use_of_a_project_with_its_way(built: Build) -> None:
    explanation = explain(built, 1)
    assert (explanation.project_id, explanation.tag, explanation.tags) == (1, None, ("flask",))
    ways = [
        (use.position, use.raw_tag, use.tag, use.outcome, use.n_projects, use.is_labeled) for use in explanation.uses
    ]
    assert ways == [
        (0, " Conv_Nets ", "cnn", "alias", 2, False),
        (1, "cnn", "cnn", "duplicate", None, False),
        (2, "ai", "ai", "excluded", None, False),
        (3, "flask", "flask", "kept", 3, True),
        (4, "zig", None, "out_of_vocabulary", None, False),
        (5, "Zig", None, "duplicate", None, False),
    ]


@pytest.mark.parametrize(
    ("position", "steps"),
    [
        (0, ["' Conv_Nets '", "'conv-nets'", "alias of cnn", "cut at 2 < 3"]),
        (1, ["'cnn'", "a repeat of cnn"]),
        (2, ["'ai'", "excluded"]),
        (3, ["'flask'", "kept", "3"]),
        (4, ["'zig'", "not in the vocabulary"]),
        (5, ["'Zig'", "'zig'", "a repeat"]),
    ],
)
def test_the_way_is_told_in_words_and_in_order(built: Build, position: int, steps: list[str]) -> None:
    why = explain(built, 1).uses[position].why
    places = [why.find(step) for step in steps]
    assert -1 not in places, why
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["cnn", "CNN", "convnet", "conv nets", " Conv_Nets "])
def test_a_tag_is_found_by_any_of_its_names(built: Build, name: str) -> None:
    explanation = explain(built, 1, name)
    assert [use.position for use in explanation.uses] == [0, 1]
    assert explanation.verdict.replace("'", "").startswith("lacks cnn")
    assert "cut at 2 < 3" in explanation.verdict


@pytest.mark.parametrize(
    ("project_id", "tag", "words"),
    [
        (1, "flask", ["has flask"]),
        (1, "ai", ["lacks ai", "excluded"]),
        (1, "zig", ["lacks", "zig", "not in the vocabulary"]),
        (1, "ZIG", ["lacks", "zig", "not in the vocabulary"]),
        (2, "flask", ["lacks flask", "3 projects"]),
        (2, "rust", ["lacks", "rust", "vocabulary does not have it"]),
        (2, "resnet", ["lacks resnet", "0 projects"]),
    ],
)
def test_verdicts(built: Build, project_id: int, tag: str, words: list[str]) -> None:
    verdict = explain(built, project_id, tag).verdict.lower().replace("'", "")
    assert [word for word in words if word not in verdict] == []


def test_an_unlabeled_project_says_so(built: Build) -> None:
    explanation = explain(built, 5)
    assert explanation.verdict == "unlabeled"
    assert explanation.tags == ()


def test_an_implied_tag_names_that_a_child_implies_it() -> None:
    built = build_tags(["vision"], vocabulary=DAG, annotate={"parents": "roll_up"})
    explanation = explain(built, 1, "ai")
    assert explanation.verdict == "has ai"
    (use,) = explanation.uses
    assert (use.raw_tag, use.position, use.outcome, use.is_labeled) == (None, None, "implied", True)
    assert "implied" in use.why


def test_a_dropped_parent_names_the_parameter() -> None:
    built = build_tags(["vision"], vocabulary=DAG, annotate={"parents": "drop"})
    assert "annotate.parents" in explain(built, 1, "vision").verdict


def test_without_normalising_a_name_is_still_found_as_it_was_compared() -> None:
    # `CNN` is out of the vocabulary here: the verdict on it may not say that the project has cnn for it.
    built = build_tags(["CNN"], ["cnn"], annotate={"normalize": False})
    (use,) = explain(built, 1, "CNN").uses
    assert (use.raw_tag, use.outcome) == ("CNN", "out_of_vocabulary")
    assert "not in the vocabulary" in explain(built, 1, "CNN").verdict
    assert explain(built, 2, "cnn").verdict == "has cnn"


@pytest.mark.parametrize(
    ("project_id", "tag", "words"),
    [
        # The project has convnet, an alias of cnn that this build did not follow.
        (1, "cnn", ["lacks cnn: none of its tags is it or implies it", "annotate.aliases: false"]),
        (1, "convnet", ["lacks convnet", "not in the vocabulary"]),
        (2, "convnet", ["lacks convnet: its author did not give it", "as an alias of cnn only", "annotate.aliases"]),
        (2, "cnn", ["has cnn"]),
    ],
)
def test_names_are_read_as_the_build_read_them(project_id: int, tag: str, words: list[str]) -> None:
    built = build_tags(["convnet", "flask"], ["cnn"], annotate={"aliases": False})
    verdict = explain(built, project_id, tag).verdict
    assert [word for word in words if word not in verdict] == []
    assert "an alias of it" not in verdict


def test_a_verdict_says_where_names_are_compared_as_written() -> None:
    built = build_tags(["CNN"], ["cnn"], annotate={"normalize": False})
    verdict = explain(built, 1, "cnn").verdict
    assert verdict.startswith("lacks cnn: none of its tags is it, an alias of it or implies it (1 projects have it)")
    assert "annotate.normalize: false" in verdict
